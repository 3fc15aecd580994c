//! For the tests of whoever adopts the crate: spans are kept in memory instead of being sent.

use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::{TraceId, TracerProvider};
use opentelemetry::{Context, global};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};
use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;

/// The spans of one test, on its own thread.
#[derive(Debug)]
pub struct Captured {
    memory: Memory,
    // The subscriber of this thread, until the test is over.
    _guard: tracing::subscriber::DefaultGuard,
}

/// A processor that keeps what has ended.
#[derive(Debug, Clone, Default)]
struct Memory(Arc<Mutex<Vec<SpanData>>>);

/// While a process has a single subscriber, `tracing` asks only the thread that first reaches a span whether anyone
/// wants it, and keeps the answer for all: a test without a capture would switch the span off for one with. A second
/// subscriber, which is nobody's, makes it ask them all.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

/// Captures the spans that are made on the current thread from now on.
///
/// For a `#[tokio::test]` on its default, current-thread runtime: tests in parallel do not see each other.
pub fn capture() -> Captured {
    LazyLock::force(&SECOND);
    global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
        Box::new(TraceContextPropagator::new()),
        Box::new(BaggagePropagator::new()),
    ]));
    let memory = Memory::default();
    let provider = SdkTracerProvider::builder()
        .with_span_processor(memory.clone())
        .build();
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("test"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        // As when it runs: a finer span of the transport would keep the spans around it open.
        .with_filter(LevelFilter::INFO);
    let subscriber = tracing_subscriber::registry().with(spans);
    Captured {
        memory,
        _guard: tracing::subscriber::set_default(subscriber),
    }
}

// === impl Captured ===

impl Captured {
    /// The spans that have ended, in the order in which they did.
    pub fn spans(&self) -> Vec<SpanData> {
        self.memory.ended().clone()
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

// === impl Memory ===

impl Memory {
    fn ended(&self) -> MutexGuard<'_, Vec<SpanData>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpanProcessor for Memory {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.ended().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}
