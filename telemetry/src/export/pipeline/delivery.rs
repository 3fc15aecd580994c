//! Delivers batches to the collector, with retries.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::backoff::Backoff;
use super::ledger::{ExportResult, Ledger};
use crate::export::account::Loss;
use crate::export::batch::Batch;
use crate::export::otlp::{Client, Encoder, Failure, Receipt, Retry, Status};

/// Upper limit of the delay that a collector can ask for.
const LONGEST_PATIENCE: Duration = Duration::from_mins(10);

/// Delivers batches to one collector, with retries.
#[derive(Debug)]
pub(super) struct Delivery {
    ledger: Arc<Ledger>,
    encoder: Encoder,
    client: Client,
    /// The time limit of one batch, over all of its attempts.
    limit: Duration,
    /// The end of the delay that the collector asked for.
    throttled_until: Option<Instant>,
}

/// The result of one batch, with the status and message of its last attempt.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) result: ExportResult,
    pub(super) status: Option<Status>,
    pub(super) message: String,
}

// === impl Delivery ===

impl Delivery {
    pub(super) fn new(
        ledger: Arc<Ledger>,
        encoder: Encoder,
        client: Client,
        limit: Duration,
    ) -> Self {
        Self {
            ledger,
            encoder,
            client,
            limit,
            throttled_until: None,
        }
    }

    /// Retries until an attempt succeeds, a failure is final, or the time limit passes.
    pub(super) async fn deliver(&mut self, batch: Batch) -> Report {
        let deadline = Instant::now() + self.limit;
        let request = self.encoder.encode(&batch);
        self.ledger.recycle(batch);
        if let Some(until) = self.throttled_until {
            sleep_until(until.min(deadline)).await;
            if until >= deadline {
                let message = "the collector had asked to wait for longer".to_owned();
                return Report::lost(Loss::Refused, None, message);
            }
            self.throttled_until = None;
        }
        self.attempt(&request, deadline).await
    }

    async fn attempt(&mut self, request: &Bytes, deadline: Instant) -> Report {
        let mut backoff = Backoff::new();
        // Once an attempt's outcome is unknown, the batch may have arrived, whatever later attempts report.
        let mut doubt = None;
        loop {
            self.ledger
                .set_loss_if_abandoned(doubt.unwrap_or(Loss::Timeout));
            let left = deadline.saturating_duration_since(Instant::now());
            let failure = match self.client.send(request, left).await {
                Ok(receipt) => return Report::from(Ok(receipt)),
                Err(failure) => failure,
            };
            if failure.loss.is_in_doubt() {
                doubt = Some(failure.loss);
            }
            let loss = doubt.unwrap_or(failure.loss);
            self.ledger.set_loss_if_abandoned(loss);
            let now = Instant::now();
            let again = match failure.retry {
                Retry::Never => None,
                Retry::Backoff => Some(now + backoff.next()),
                Retry::After(delay) => {
                    let again = now + delay.min(LONGEST_PATIENCE);
                    // The next batch has to wait too, if this one runs out of time.
                    self.throttled_until = (again >= deadline).then_some(again);
                    Some(again)
                }
            };
            match again.filter(|again| *again < deadline) {
                Some(again) => sleep_until(again).await,
                None => return Report::lost(loss, failure.status, failure.message),
            }
        }
    }
}

// === impl Report ===

impl Report {
    pub(super) fn lost(loss: Loss, status: Option<Status>, message: String) -> Self {
        Self {
            result: ExportResult::Lost(loss),
            status,
            message,
        }
    }

    /// The reason why spans of the batch were lost, if any were.
    pub(super) fn loss(&self) -> Option<Loss> {
        match self.result {
            ExportResult::Accepted { rejected: 0 } => None,
            ExportResult::Accepted { .. } => Some(Loss::Rejected),
            ExportResult::Lost(loss) => Some(loss),
        }
    }
}

impl From<Result<Receipt, Failure>> for Report {
    fn from(result: Result<Receipt, Failure>) -> Self {
        match result {
            Ok(receipt) => Self {
                result: ExportResult::Accepted {
                    rejected: receipt.rejected,
                },
                status: None,
                message: receipt.message,
            },
            Err(failure) => Self::lost(failure.loss, failure.status, failure.message),
        }
    }
}
