//! The export worker.
//!
//! It runs on a thread and runtime of its own, so that exports go on while the service's runtime is blocked or gone, and
//! a flush can wait for them from any thread.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::{Instant, MissedTickBehavior};

use super::console;
use super::delivery::{Delivery, Report};
use super::ledger::{ExportResult, Ledger, Work};
use crate::export::account::Loss;
use crate::export::batch::Batch;
use crate::export::otlp::Status;
use crate::metrics::signals::{OtelSdkExporterOperationDuration, RpcResponseStatusCode};

/// Takes batches from the queue, exports them one at a time, and counts each result.
#[derive(Debug)]
pub(super) struct Worker {
    ledger: Arc<Ledger>,
    schedule_delay: Duration,
    destination: Destination,
    /// Whether the last batch was lost; only changes are logged.
    failing: bool,
}

/// The exporter of spans.
#[derive(Debug)]
pub(super) enum Destination {
    Collector(Box<Delivery>),
    Console,
}

// === impl Worker ===

impl Worker {
    pub(super) fn new(
        ledger: Arc<Ledger>,
        schedule_delay: Duration,
        destination: Destination,
    ) -> Self {
        Self {
            ledger,
            schedule_delay,
            destination,
            failing: false,
        }
    }

    /// Runs until the pipeline is closed and empty, or abandoned.
    pub(super) async fn run(mut self) {
        let ledger = Arc::clone(&self.ledger);
        tokio::select! {
            biased;
            () = ledger.abandoned() => {}
            () = self.export_all() => {}
        }
    }

    async fn export_all(&mut self) {
        let first = Instant::now() + self.schedule_delay;
        let mut ticks = tokio::time::interval_at(first, self.schedule_delay);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            match self.ledger.take() {
                Work::Export(batch) => self.export(batch).await,
                Work::Done => return,
                Work::Wait => tokio::select! {
                    () = self.ledger.ready() => {}
                    _ = ticks.tick() => {
                        self.ledger.seal();
                    }
                },
            }
        }
    }

    async fn export(&mut self, batch: Batch) {
        let count = batch.count() as u64;
        let started = Instant::now();
        let delivery = async {
            match &mut self.destination {
                Destination::Collector(delivery) => delivery.deliver(batch).await,
                Destination::Console => Report::from(console::write(&batch)),
            }
        };
        // A panic while encoding or sending must cost one batch, not the worker.
        let report = AssertUnwindSafe(delivery)
            .catch_unwind()
            .await
            .unwrap_or_else(|_| {
                Report::lost(Loss::Encoding, None, "the exporter panicked".to_owned())
            });
        self.ledger.settle(report.result);
        measure(&report, started.elapsed());
        self.log(count, &report);
    }

    fn log(&mut self, count: u64, report: &Report) {
        if let Some(reason) = report.loss() {
            if !self.failing {
                let lost = match report.result {
                    ExportResult::Accepted { rejected } => rejected,
                    ExportResult::Lost(_) => count,
                };
                let status = report.status.map(|status| status.to_string());
                tracing::warn!(lost, %reason, status, report.message, "spans are lost");
            }
        } else if self.failing {
            tracing::info!("spans are exported again");
        }
        self.failing = report.loss().is_some();
    }
}

/// Records the duration of one batch over all attempts, with the status of the last failure.
fn measure(report: &Report, duration: Duration) {
    let (http, rpc) = match report.status {
        Some(Status::Http(status)) => (Some(i64::from(status.as_u16())), None),
        Some(Status::Grpc(code)) => {
            let codes = RpcResponseStatusCode::ALL;
            let code = usize::try_from(i32::from(code)).ok();
            (None, code.and_then(|code| codes.get(code).copied()))
        }
        None => (None, None),
    };
    OtelSdkExporterOperationDuration {
        error_type: report.loss().and_then(Loss::failure),
        http_response_status_code: http,
        rpc_response_status_code: rpc,
    }
    .record(duration.as_secs_f64());
}
