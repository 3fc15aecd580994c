//! The account as metrics, with the names of the semantic conventions.

use super::account::Losses;
use super::ledger::Ledger;
use crate::signals;

impl Ledger {
    /// Sets the metrics of the pipeline to what the account says now. Every reason has a series from the start.
    pub(crate) fn publish(&self) {
        let now = self.snapshot();
        signals::OTEL_SDK_SPAN_STARTED
            .counter(&[])
            .absolute(now.started);
        set(&signals::OTEL_SDK_SPAN_LIVE, now.live);
        set(&signals::OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE, now.queued);
        set(
            &signals::OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY,
            self.capacity() as u64,
        );
        let handed_over = now.in_flight + now.exported + now.lost.failed();
        count(
            &signals::OTEL_SDK_PROCESSOR_SPAN_PROCESSED,
            handed_over,
            &now.lost,
            true,
        );
        set(&signals::OTEL_SDK_EXPORTER_SPAN_INFLIGHT, now.in_flight);
        count(
            &signals::OTEL_SDK_EXPORTER_SPAN_EXPORTED,
            now.exported,
            &now.lost,
            false,
        );
    }
}

/// What went well, and beside it what was lost: by drops, or by failed exports.
fn count(metric: &signals::Metric, well: u64, lost: &Losses, drops: bool) {
    metric.counter(&[("error.type", "")]).absolute(well);
    for (loss, count) in lost.iter().filter(|(loss, _)| loss.is_drop() == drops) {
        metric
            .counter(&[("error.type", loss.as_str())])
            .absolute(count);
    }
}

#[allow(clippy::cast_precision_loss)] // Counts of spans stay far below 2^52.
fn set(metric: &signals::Metric, value: u64) {
    metric.gauge(&[]).set(value as f64);
}
