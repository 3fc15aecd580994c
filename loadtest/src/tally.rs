//! The counters of a run.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::client::CallError;
use crate::scenario::{AuctionError, CompletedAuction, Observer, Operation, Step};
use crate::schedule::Lateness;
use crate::slo::OperationResults;

/// The counters of a run. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<Counts>>);

/// The values of the counters.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sent: u64,
    pub(crate) opened: u64,
    pub(crate) awarded: u64,
    pub(crate) confirmed: u64,
    pub(crate) failed: u64,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) operations: BTreeMap<Operation, OperationResults>,
    pub(crate) completed: Vec<CompletedAuction>,
}

/// How many of the newest completed auctions are kept, to find a complete trace among theirs.
const KEPT: usize = 20;

// === impl Tally ===

impl Tally {
    /// The current values. Nothing is counted while they are borrowed.
    pub(crate) fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an auction that is about to be opened.
    pub fn auction_sent(&self) {
        self.counts().sent += 1;
    }

    /// Counts an auction that has ended.
    pub fn auction_ended(&self, result: Result<CompletedAuction, AuctionError>) {
        let mut counts = self.counts();
        match result {
            Ok(auction) => {
                counts.confirmed += 1;
                counts.completed.push(auction);
                let too_many = counts.completed.len().saturating_sub(KEPT);
                counts.completed.drain(..too_many);
            }
            Err(error) => {
                counts.failed += 1;
                // A failed opening was already counted as an operation.
                let step = match error {
                    AuctionError::Call { step, .. } => Some(step),
                    _ => None,
                };
                if step != Some(Step::Opening) {
                    *counts.errors.entry(error.code()).or_default() += 1;
                }
            }
        }
    }

    /// How many auctions were awarded.
    pub fn awarded(&self) -> u64 {
        self.counts().awarded
    }

    /// The newest completed auctions, newest first.
    pub fn completed(&self) -> Vec<CompletedAuction> {
        self.counts().completed.iter().rev().cloned().collect()
    }

    /// One line about the progress of the run.
    pub fn progress(&self, elapsed: Duration, lateness: &Lateness) -> String {
        let counts = self.counts();
        let p99 = |operation| {
            counts
                .operations
                .get(&operation)
                .map_or(0, |results| results.latencies.quantile(0.99).as_millis())
        };
        format!(
            "{:>4} s  sent {}  opened {}  awarded {}  confirmed {}  failed {}  p99 open {} ms, bid {} ms  late {} ms",
            elapsed.as_secs(),
            counts.sent,
            counts.opened,
            counts.awarded,
            counts.confirmed,
            counts.failed,
            p99(Operation::OpenAuction),
            p99(Operation::PlaceBid),
            lateness.latencies().quantile(0.99).as_millis(),
        )
    }
}

impl Observer for Tally {
    fn operation_ended(
        &self,
        operation: Operation,
        intended: Instant,
        result: Result<(), &CallError>,
    ) {
        let latency = Instant::now().saturating_duration_since(intended);
        let mut counts = self.counts();
        if let Err(error) = result {
            *counts.errors.entry(error.code().to_owned()).or_default() += 1;
        }
        let results = counts.operations.entry(operation).or_default();
        results.total += 1;
        if !result.is_err_and(CallError::is_failure) {
            results.good += 1;
            results.latencies.record(latency);
        }
    }

    fn auction_opened(&self) {
        self.counts().opened += 1;
    }

    fn auction_awarded(&self) {
        self.counts().awarded += 1;
    }
}
