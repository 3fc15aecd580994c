//! An OTLP receiver that keeps the spans it is sent.

use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::{self as proto, status::StatusCode};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

pub use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

/// What has been received so far.
#[derive(Clone, Default)]
pub struct Receiver {
    spans: Arc<Mutex<Vec<Span>>>,
}

/// A span as a collector sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Span(proto::Span);

impl Receiver {
    /// Serves on a free port of loopback, which is returned, for as long as the runtime runs.
    pub async fn start() -> (Self, String) {
        let receiver = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = TraceServiceServer::new(receiver.clone());
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(service)
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        (receiver, format!("http://{address}"))
    }

    /// The spans of one trace so far.
    pub fn trace(&self, trace_id: &str) -> Vec<Span> {
        let spans = self.spans.lock().unwrap();
        spans
            .iter()
            .filter(|span| span.trace_id() == trace_id)
            .cloned()
            .collect()
    }

    /// All spans so far.
    pub fn all(&self) -> Vec<Span> {
        self.spans.lock().unwrap().clone()
    }

    /// Begins anew.
    #[allow(dead_code)] // The conformance matrix needs it.
    pub fn forget(&self) {
        self.spans.lock().unwrap().clear();
    }
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let received = request
            .into_inner()
            .resource_spans
            .into_iter()
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .map(Span);
        self.spans.lock().unwrap().extend(received);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Span {
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub fn trace_id(&self) -> String {
        hex(&self.0.trace_id)
    }

    pub fn id(&self) -> String {
        hex(&self.0.span_id)
    }

    /// Empty for a root.
    pub fn parent(&self) -> String {
        hex(&self.0.parent_span_id)
    }

    pub fn kind(&self) -> SpanKind {
        self.0.kind()
    }

    pub fn is_error(&self) -> bool {
        self.0
            .status
            .as_ref()
            .is_some_and(|status| status.code() == StatusCode::Error)
    }

    /// The trace and span ids of its links.
    pub fn links(&self) -> Vec<(String, String)> {
        self.0
            .links
            .iter()
            .map(|link| (hex(&link.trace_id), hex(&link.span_id)))
            .collect()
    }

    /// The names of its events, in their order.
    pub fn events(&self) -> Vec<&str> {
        let events = self.0.events.iter();
        events.map(|event| event.name.as_str()).collect()
    }

    /// An attribute as text; empty when it is not there.
    pub fn attribute(&self, key: &str) -> String {
        let attribute = self.0.attributes.iter().find(|pair| pair.key == key);
        match attribute
            .and_then(|pair| pair.value.as_ref())
            .and_then(|value| value.value.as_ref())
        {
            None => String::new(),
            Some(Value::StringValue(text)) => text.clone(),
            Some(Value::IntValue(number)) => number.to_string(),
            Some(Value::BoolValue(truth)) => truth.to_string(),
            Some(other) => format!("{other:?}"),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
