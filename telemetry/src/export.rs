//! The way of a span out of the process, with nothing lost silently.
//!
//! The SDK's batch processor drops spans when its queue is full and says so once, in a log. [`Counted`] stands
//! before it and [`CountedExporter`] behind it: what waits between the two is known, so the drop is decided
//! here, by the same bound, and counted. At any moment
//! started = live + queued + in flight + exported + failed + dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanExporter, SpanProcessor};

use crate::signals;

/// How many spans are where. Read as one [`snapshot`](Ledger::snapshot).
#[derive(Debug)]
pub(crate) struct Ledger {
    capacity: u64,
    closed: AtomicBool,
    started: AtomicU64,
    // Handed to the batch processor.
    accepted: AtomicU64,
    // Taken from it by the exporter.
    taken: AtomicU64,
    exported: AtomicU64,
    failed: AtomicU64,
    dropped_full: AtomicU64,
    dropped_closed: AtomicU64,
}

/// The pipeline's account of sampled spans at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
            closed: AtomicBool::new(false),
            started: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            exported: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            dropped_full: AtomicU64::new(0),
            dropped_closed: AtomicU64::new(0),
        })
    }

    /// Reads the counters from the end of the pipeline to its start, so that no span is counted twice.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let exported = self.exported.load(Ordering::SeqCst);
        let failed = self.failed.load(Ordering::SeqCst);
        let taken = self.taken.load(Ordering::SeqCst);
        let accepted = self.accepted.load(Ordering::SeqCst);
        let dropped_queue_full = self.dropped_full.load(Ordering::SeqCst);
        let dropped_after_shutdown = self.dropped_closed.load(Ordering::SeqCst);
        let started = self.started.load(Ordering::SeqCst);
        let queued = accepted - taken;
        let in_flight = taken - exported - failed;
        let live = started - accepted - dropped_queue_full - dropped_after_shutdown;
        Snapshot {
            started,
            live,
            queued,
            in_flight,
            exported,
            failed,
            dropped_queue_full,
            dropped_after_shutdown,
        }
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
        for (reason, count) in [
            ("queue_full", now.dropped_queue_full),
            ("already_shutdown", now.dropped_after_shutdown),
        ] {
            signals::OTEL_SDK_PROCESSOR_SPAN_DROPPED
                .counter(&[("error.type", reason)])
                .absolute(count);
        }
        set(&signals::OTEL_SDK_EXPORTER_SPAN_INFLIGHT, now.in_flight);
        signals::OTEL_SDK_EXPORTER_SPAN_EXPORTED
            .counter(&[])
            .absolute(now.exported);
        signals::OTEL_SDK_EXPORTER_SPAN_FAILED
            .counter(&[])
            .absolute(now.failed);
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
        self.ledger.started.fetch_add(1, Ordering::SeqCst);
        self.inner.on_start(span, context);
    }

    fn on_end(&self, span: SpanData) {
        let ledger = &self.ledger;
        if ledger.closed.load(Ordering::SeqCst) {
            ledger.dropped_closed.fetch_add(1, Ordering::SeqCst);
            return;
        }
        let room = ledger
            .accepted
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |accepted| {
                let waiting = accepted - ledger.taken.load(Ordering::SeqCst).min(accepted);
                (waiting < ledger.capacity).then_some(accepted + 1)
            });
        if room.is_ok() {
            self.inner.on_end(span);
        } else {
            ledger.dropped_full.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.ledger.closed.store(true, Ordering::SeqCst);
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
        self.ledger.taken.fetch_add(count, Ordering::SeqCst);
        let started = Instant::now();
        let result = self.inner.export(batch).await;
        let (counter, error_type) = match &result {
            Ok(()) => (&self.ledger.exported, ""),
            Err(_) => (&self.ledger.failed, "export_failed"),
        };
        counter.fetch_add(count, Ordering::SeqCst);
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
