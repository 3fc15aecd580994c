//! What is counted while a run is under way.

use crate::{
    client::CallError,
    report::Report,
    scenario::{Held, OPENING, Observer, Operation, Unfinished},
    schedule::{Lateness, Plan, Started},
    slo::{Measured, Objective},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The counts of a run under way. Clones count together.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<Counts>>);

/// What was counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sent: u64,
    pub(crate) opened: u64,
    pub(crate) awarded: u64,
    pub(crate) confirmed: u64,
    pub(crate) failed: u64,
    pub(crate) errors: BTreeMap<String, u64>,
    pub(crate) measured: BTreeMap<Operation, Measured>,
    pub(crate) whole: Vec<Held>,
}

/// The newest auctions that are kept, to show one trace of.
const KEPT: usize = 20;

// === impl Tally ===

impl Tally {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An auction is about to be opened.
    pub fn sent(&self) {
        self.counts().sent += 1;
    }

    /// An auction has come to its end.
    pub fn finished(&self, outcome: Result<Held, Unfinished>) {
        let mut counts = self.counts();
        match outcome {
            Ok(held) => {
                counts.confirmed += 1;
                counts.whole.push(held);
                let too_many = counts.whole.len().saturating_sub(KEPT);
                counts.whole.drain(..too_many);
            }
            Err(unfinished) => {
                counts.failed += 1;
                // A request that was refused is counted by its operation already.
                if !matches!(unfinished, Unfinished::Refused { step, .. } if step == OPENING) {
                    *counts.errors.entry(unfinished.code()).or_default() += 1;
                }
            }
        }
    }

    /// How many awards stood.
    pub fn awarded(&self) -> u64 {
        self.counts().awarded
    }

    /// The newest auctions that went all the way, the newest first.
    pub fn whole(&self) -> Vec<Held> {
        self.counts().whole.iter().rev().cloned().collect()
    }

    /// One line for whoever waits.
    pub fn progress(&self, elapsed: Duration, lateness: &Lateness) -> String {
        let counts = self.counts();
        let p99 = |operation| {
            counts
                .measured
                .get(&operation)
                .map_or(0, |measured| measured.latencies.quantile(0.99).as_millis())
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
            lateness.so_far().quantile(0.99).as_millis(),
        )
    }

    /// The report of a run that has ended.
    pub fn report(
        &self,
        plan: &Plan,
        started: Started,
        lateness: &Lateness,
        objectives: &[Objective],
    ) -> Report {
        Report::of(&self.counts(), plan, started, lateness, objectives)
    }
}

impl Observer for Tally {
    fn ended(&self, operation: Operation, intended: Instant, outcome: Result<(), &CallError>) {
        let latency = Instant::now().saturating_duration_since(intended);
        let mut counts = self.counts();
        if let Err(error) = outcome {
            *counts.errors.entry(error.code().to_owned()).or_default() += 1;
        }
        let measured = counts.measured.entry(operation).or_default();
        measured.total += 1;
        if !outcome.is_err_and(CallError::is_failure) {
            measured.good += 1;
            measured.latencies.record(latency);
        }
    }

    fn opened(&self) {
        self.counts().opened += 1;
    }

    fn awarded(&self) {
        self.counts().awarded += 1;
    }
}
