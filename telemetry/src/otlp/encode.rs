//! Spans as a request of the trace service.

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::Message;

/// Makes requests: what an attempt sends is encoded once, however often it is sent.
#[derive(Debug)]
pub(crate) struct Encoder {
    resource: ResourceAttributesWithSchema,
}

// === impl Encoder ===

impl Encoder {
    pub(crate) fn new(resource: &Resource) -> Self {
        Self {
            resource: resource.into(),
        }
    }

    /// An `ExportTraceServiceRequest` in protobuf.
    pub(crate) fn encode(&self, spans: Vec<SpanData>) -> Bytes {
        ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(spans, &self.resource),
        }
        .encode_to_vec()
        .into()
    }
}
