//! The span account as metrics (semantic conventions, `otel.sdk.*`).

use super::ledger::Ledger;
use crate::export::account::Loss;
use crate::metrics::signals::{
    OtelSdkExporterSpanExported, OtelSdkExporterSpanExportedErrorType as Failure,
    OtelSdkExporterSpanInflight, OtelSdkProcessorSpanProcessed,
    OtelSdkProcessorSpanProcessedErrorType as Drop, OtelSdkProcessorSpanQueueCapacity,
    OtelSdkProcessorSpanQueueSize, OtelSdkSpanLive, OtelSdkSpanStarted,
};

/// The metric that counts a loss: the processor's or the exporter's.
enum Told {
    Dropped(Drop),
    Failed(Failure),
}

impl Ledger {
    /// Sets the pipeline's metrics from the account. Every reason has a series from the start.
    #[allow(clippy::cast_precision_loss)] // Counts of spans stay far below 2^52.
    pub(crate) fn publish(&self) {
        let now = self.snapshot();
        OtelSdkSpanStarted.counter().absolute(now.started);
        OtelSdkSpanLive.set(now.live as f64);
        OtelSdkProcessorSpanQueueSize.set(now.queued as f64);
        OtelSdkProcessorSpanQueueCapacity.set(self.capacity() as f64);
        OtelSdkExporterSpanInflight.set(now.in_flight as f64);
        processed(None, now.in_flight + now.exported + now.lost.failed());
        exported(None, now.exported);
        for (loss, count) in now.lost.iter() {
            match Told::of(loss) {
                Told::Dropped(reason) => processed(Some(reason), count),
                Told::Failed(reason) => exported(Some(reason), count),
            }
        }
    }
}

fn processed(error_type: Option<Drop>, total: u64) {
    OtelSdkProcessorSpanProcessed { error_type }
        .counter()
        .absolute(total);
}

fn exported(error_type: Option<Failure>, total: u64) {
    OtelSdkExporterSpanExported { error_type }
        .counter()
        .absolute(total);
}

// === impl Told ===

impl Told {
    fn of(loss: Loss) -> Self {
        match loss {
            Loss::QueueFull => Self::Dropped(Drop::QueueFull),
            Loss::AlreadyShutdown => Self::Dropped(Drop::AlreadyShutdown),
            Loss::ShutdownTimeout => Self::Dropped(Drop::ShutdownTimeout),
            Loss::Timeout => Self::Failed(Failure::Timeout),
            Loss::ConnectionLost => Self::Failed(Failure::ConnectionLost),
            Loss::Unreachable => Self::Failed(Failure::Unreachable),
            Loss::Refused => Self::Failed(Failure::Refused),
            Loss::Rejected => Self::Failed(Failure::Rejected),
            Loss::Encoding => Self::Failed(Failure::Encoding),
        }
    }
}

impl Loss {
    /// The `error.type` of a failed export; none for spans that were dropped before one.
    pub(super) fn failure(self) -> Option<Failure> {
        match Told::of(self) {
            Told::Failed(reason) => Some(reason),
            Told::Dropped(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_told_as_the_registry_has_it() {
        for loss in Loss::ALL {
            let (told, is_drop) = match Told::of(loss) {
                Told::Dropped(reason) => (reason.as_str(), true),
                Told::Failed(reason) => (reason.as_str(), false),
            };
            assert_eq!((told, is_drop), (loss.as_str(), loss.is_drop()));
        }
    }
}
