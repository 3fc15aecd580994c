//! Encodes batches as requests of the OTLP trace service.

use bytes::Bytes;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_sdk::Resource;
use prost::Message as _;

use crate::export::batch::Batch;
use crate::trace::wire::Message;

/// Encodes each batch once, however many attempts are made.
#[derive(Debug)]
pub(crate) struct Encoder {
    /// An encoded `Resource`.
    resource: Vec<u8>,
    schema: String,
}

/// Field numbers of `ExportTraceServiceRequest`, `ResourceSpans` and `ScopeSpans`; the spans in a batch are encoded
/// already.
const RESOURCE_SPANS: u32 = 1;
const RESOURCE: u32 = 1;
const SCOPE_SPANS: u32 = 2;
const SCOPE: u32 = 1;
const SCHEMA: u32 = 3;

/// Approximate size of a request without its spans and resource, in bytes.
const FRAME: usize = 1024;

// === impl Encoder ===

impl Encoder {
    pub(crate) fn new(resource: &Resource) -> Self {
        let ResourceAttributesWithSchema {
            attributes,
            schema_url,
            ..
        } = resource.into();
        let resource = v1::Resource {
            attributes: attributes.0,
            ..v1::Resource::default()
        };
        Self {
            resource: resource.encode_to_vec(),
            schema: schema_url.unwrap_or_default(),
        }
    }

    /// An `ExportTraceServiceRequest` in protobuf.
    pub(crate) fn encode(&self, batch: &Batch) -> Bytes {
        let spans = batch.scopes().iter();
        let bytes: usize = spans.map(|scoped| scoped.spans.as_ref().len()).sum();
        let mut request = Message::with_capacity(bytes + self.resource.len() + FRAME);
        request.nested(RESOURCE_SPANS, |message| {
            message.bytes(RESOURCE, &self.resource);
            for scoped in batch.scopes() {
                message.nested(SCOPE_SPANS, |message| {
                    let scope = InstrumentationScope::from((&*scoped.scope, None));
                    message.bytes(SCOPE, &scope.encode_to_vec());
                    message.fields(&scoped.spans);
                    some(
                        message,
                        SCHEMA,
                        scoped.scope.schema_url().unwrap_or_default(),
                    );
                });
            }
            some(message, SCHEMA, &self.schema);
        });
        request.into_bytes().into()
    }
}

/// Writes a text unless it is empty, the default of the protocol.
fn some(message: &mut Message, field: u32, text: &str) {
    if !text.is_empty() {
        message.text(field, text);
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;

    use super::*;
    use crate::export::pipeline;
    use crate::trace::wire;

    #[test]
    fn a_request_is_what_opentelemetry_proto_makes_of_the_same_spans() {
        let resource = Resource::builder_empty()
            .with_schema_url([KeyValue::new("service.name", "kitchen")], "https://schema")
            .build();
        let batch = pipeline::batch_of_empty_spans(300);
        let spans = batch
            .scopes()
            .iter()
            .flat_map(|scoped| wire::read_all(&scoped.scope, scoped.spans.as_ref()).unwrap());
        let wanted = ExportTraceServiceRequest {
            resource_spans: group_spans_by_resource_and_scope(spans.collect(), &(&resource).into()),
        };
        let request = Encoder::new(&resource).encode(&batch);
        let request = ExportTraceServiceRequest::decode(request).unwrap();
        assert_eq!(request, wanted);
        assert_eq!(request.resource_spans[0].scope_spans[0].spans.len(), 300);
    }
}
