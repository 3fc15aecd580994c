//! The way of a span out of the process, with nothing lost silently.
//!
//! The SDK's batch processor drops spans when its queue is full and says so once, in a log. [`Counted`] stands
//! before it and [`CountedExporter`] behind it: what waits between the two is known, so the drop is decided
//! here, by the same bound, and counted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};

use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor};

use crate::InitError;
use crate::settings::Settings;
use crate::signals;

/// Starts the pipeline: the processor is for the tracer provider, and tells the ledger of every span.
pub(crate) fn start(
    settings: &Settings,
    ledger: &Arc<Ledger>,
) -> Result<impl SpanProcessor + 'static, InitError> {
    let exporter = OtlpExporter::builder()
        .with_tonic()
        .with_endpoint(settings.otlp.endpoint.to_string())
        .build()
        .map_err(InitError::Exporter)?;
    let exporter = CountedExporter::new(exporter, Arc::clone(ledger));
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(settings.batch.queue_size)
        .with_max_export_batch_size(settings.batch.export_size)
        .build();
    let processor = BatchSpanProcessor::builder(exporter)
        .with_batch_config(config)
        .build();
    Ok(Counted::new(processor, Arc::clone(ledger)))
}

/// Why the collector has not got a batch: refused, unreachable, or too slow.
const EXPORT_FAILED: &str = "export_failed";

/// Where every sampled span of this process is. One lock, so that a snapshot is exact at any moment.
#[derive(Debug)]
pub(crate) struct Ledger {
    capacity: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    closed: bool,
    spans: Snapshot,
}

/// The account of the sampled spans of a process at one moment:
/// started = live + queued + in flight + exported + failed + dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Spans that were started.
    pub started: u64,
    /// Started and not ended.
    pub live: u64,
    /// Ended and waiting for an export.
    pub queued: u64,
    /// Given to the exporter, without a result so far.
    pub in_flight: u64,
    /// Accepted by the collector.
    pub exported: u64,
    /// Refused by the collector, or not delivered after all retries.
    pub failed: u64,
    /// Dropped since the queue was full.
    pub dropped_queue_full: u64,
    /// Ended after the shutdown.
    pub dropped_after_shutdown: u64,
}

/// The processor before the batch processor.
#[derive(Debug)]
pub(crate) struct Counted<P> {
    inner: P,
    ledger: Arc<Ledger>,
}

/// The exporter behind the batch processor.
#[derive(Debug)]
pub(crate) struct CountedExporter<E> {
    inner: E,
    ledger: Arc<Ledger>,
}

// === impl Ledger ===

impl Ledger {
    pub(crate) fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            capacity: capacity as u64,
            state: Mutex::default(),
        })
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.state().spans
    }

    fn started(&self) {
        let spans = &mut self.state().spans;
        spans.started += 1;
        spans.live += 1;
    }

    /// Whether the span that has ended goes on into the queue.
    fn ended(&self) -> bool {
        let mut state = self.state();
        let closed = state.closed;
        let spans = &mut state.spans;
        spans.live -= 1;
        let (place, accepted) = if closed {
            (&mut spans.dropped_after_shutdown, false)
        } else if spans.queued >= self.capacity {
            (&mut spans.dropped_queue_full, false)
        } else {
            (&mut spans.queued, true)
        };
        *place += 1;
        accepted
    }

    fn taken(&self, count: u64) {
        let spans = &mut self.state().spans;
        spans.queued -= count;
        spans.in_flight += count;
    }

    fn settled(&self, count: u64, accepted: bool) {
        let spans = &mut self.state().spans;
        spans.in_flight -= count;
        if accepted {
            spans.exported += count;
        } else {
            spans.failed += count;
        }
    }

    fn close(&self) {
        self.state().closed = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the metrics of the pipeline to what the ledger says now.
    pub(crate) fn publish(&self) {
        let now = self.snapshot();
        signals::OTEL_SDK_SPAN_STARTED
            .counter(&[])
            .absolute(now.started);
        set(&signals::OTEL_SDK_SPAN_LIVE, now.live);
        set(&signals::OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE, now.queued);
        set(
            &signals::OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY,
            self.capacity,
        );
        let handed_over = now.in_flight + now.exported + now.failed;
        for (error_type, count) in [
            ("", handed_over),
            ("queue_full", now.dropped_queue_full),
            ("already_shutdown", now.dropped_after_shutdown),
        ] {
            signals::OTEL_SDK_PROCESSOR_SPAN_PROCESSED
                .counter(&[("error.type", error_type)])
                .absolute(count);
        }
        set(&signals::OTEL_SDK_EXPORTER_SPAN_INFLIGHT, now.in_flight);
        for (error_type, count) in [("", now.exported), (EXPORT_FAILED, now.failed)] {
            signals::OTEL_SDK_EXPORTER_SPAN_EXPORTED
                .counter(&[("error.type", error_type)])
                .absolute(count);
        }
    }
}

#[allow(clippy::cast_precision_loss)] // Counts of spans stay far below 2^52.
fn set(metric: &signals::Metric, value: u64) {
    metric.gauge(&[]).set(value as f64);
}

// === impl Snapshot ===

impl Snapshot {
    /// Spans that ended and that the collector has not accepted: what is lost if the process ends now.
    pub fn unexported(&self) -> u64 {
        self.queued
            + self.in_flight
            + self.failed
            + self.dropped_queue_full
            + self.dropped_after_shutdown
    }
}

// === impl Counted ===

impl<P> Counted<P> {
    pub(crate) fn new(inner: P, ledger: Arc<Ledger>) -> Self {
        Self { inner, ledger }
    }
}

impl<P: SpanProcessor> SpanProcessor for Counted<P> {
    fn on_start(&self, span: &mut Span, context: &Context) {
        self.ledger.started();
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        if self.ledger.ended() {
            self.inner.on_end(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.ledger.close();
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

// === impl CountedExporter ===

impl<E> CountedExporter<E> {
    pub(crate) fn new(inner: E, ledger: Arc<Ledger>) -> Self {
        Self { inner, ledger }
    }
}

impl<E: SpanExporter> SpanExporter for CountedExporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len() as u64;
        self.ledger.taken(count);
        let started = Instant::now();
        let result = self.inner.export(batch).await;
        self.ledger.settled(count, result.is_ok());
        let error_type = if result.is_ok() { "" } else { EXPORT_FAILED };
        signals::OTEL_SDK_EXPORTER_OPERATION_DURATION
            .histogram(&[("error.type", error_type)])
            .record(started.elapsed().as_secs_f64());
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Span as _, Tracer, TracerProvider};
    use opentelemetry_sdk::error::OTelSdkError;
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;

    /// Stands for a batch processor whose exporter does not come to its work.
    #[derive(Debug)]
    struct Stuck;

    #[derive(Debug)]
    struct Exporter {
        accepts: bool,
    }

    impl SpanProcessor for Stuck {
        fn on_start(&self, _: &mut Span, _: &Context) {}

        fn on_end(&self, _: SpanData) {}

        fn force_flush(&self) -> OTelSdkResult {
            Ok(())
        }

        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            Ok(())
        }
    }

    impl SpanExporter for Exporter {
        async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
            if self.accepts {
                Ok(())
            } else {
                Err(OTelSdkError::InternalFailure("refused".to_owned()))
            }
        }
    }

    fn placed(spans: Snapshot) -> u64 {
        spans.live + spans.exported + spans.unexported()
    }

    #[test]
    fn what_finds_no_room_or_comes_too_late_is_counted() {
        let ledger = Ledger::new(2);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(Counted::new(Stuck, Arc::clone(&ledger)))
            .build();
        let tracer = provider.tracer("test");
        let mut live = tracer.start("ends late");
        for _ in 0..5 {
            tracer.start("ends").end();
        }
        let full = ledger.snapshot();
        assert_eq!(
            (
                full.started,
                full.live,
                full.queued,
                full.dropped_queue_full
            ),
            (6, 1, 2, 3)
        );
        provider.force_flush().expect("nothing can fail");
        ledger.close();
        live.end();
        let closed = ledger.snapshot();
        assert_eq!((closed.live, closed.dropped_after_shutdown), (0, 1));
        assert_eq!(placed(closed), closed.started);
    }

    #[test]
    fn what_the_collector_refuses_is_no_export() {
        for (accepts, exported, failed) in [(true, 3, 0), (false, 0, 3)] {
            let ledger = Ledger::new(8);
            let exporter = CountedExporter::new(Exporter { accepts }, Arc::clone(&ledger));
            let provider = SdkTracerProvider::builder()
                .with_span_processor(Counted::new(
                    opentelemetry_sdk::trace::BatchSpanProcessor::builder(exporter).build(),
                    Arc::clone(&ledger),
                ))
                .build();
            for _ in 0..3 {
                provider.tracer("test").start("ends").end();
            }
            assert_eq!(provider.force_flush().is_ok(), accepts);
            let spans = ledger.snapshot();
            assert_eq!((spans.exported, spans.failed), (exported, failed));
            assert_eq!(placed(spans), spans.started);
        }
    }
}
