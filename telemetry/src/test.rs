//! For the tests of whoever adopts the crate: spans are kept in memory instead of being sent.

use opentelemetry::global;
use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::{TraceId, TracerProvider};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use tracing_subscriber::layer::SubscriberExt;

/// The spans of one test, on its own thread.
#[derive(Debug)]
pub struct Captured {
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
    // The subscriber of this thread, until the test is over.
    _guard: tracing::subscriber::DefaultGuard,
}

/// Captures the spans that are made on the current thread from now on.
///
/// For a `#[tokio::test]` on its default, current-thread runtime: tests in parallel do not see each other.
pub fn capture() -> Captured {
    global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
        Box::new(TraceContextPropagator::new()),
        Box::new(BaggagePropagator::new()),
    ]));
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("test"))
        .with_location(false)
        .with_threads(false)
        .with_target(false);
    let subscriber = tracing_subscriber::registry().with(spans);
    Captured {
        exporter,
        provider,
        _guard: tracing::subscriber::set_default(subscriber),
    }
}

// === impl Captured ===

impl Captured {
    /// The spans that have ended, in the order in which they did.
    pub fn spans(&self) -> Vec<SpanData> {
        self.exporter.get_finished_spans().unwrap_or_default()
    }

    /// The first ended span of this name.
    ///
    /// # Panics
    ///
    /// When there is none; the message lists those that there are.
    pub fn span(&self, name: &str) -> SpanData {
        let spans = self.spans();
        let names: Vec<_> = spans.iter().map(|span| span.name.to_string()).collect();
        spans
            .into_iter()
            .find(|span| span.name == name)
            .unwrap_or_else(|| panic!("no span is named {name:?}; there are {names:?}"))
    }

    /// The ended spans of one trace.
    pub fn trace(&self, id: TraceId) -> Vec<SpanData> {
        let mut spans = self.spans();
        spans.retain(|span| span.span_context.trace_id() == id);
        spans
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        // A provider that will not stop keeps nothing that a test still needs.
        let _ = self.provider.shutdown();
    }
}
