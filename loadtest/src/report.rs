//! The report of a run: the verdict, its reasons, and the numbers.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::latency::Quantiles;
use crate::scenario::Operation;
use crate::schedule::{Lateness, Schedule, Started};
use crate::slo::{Objective, ObjectiveResult, Verdict, max_lateness};
use crate::tally::Counts;

/// How well the generator kept its schedule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Generator {
    /// How many auctions the schedule had.
    pub planned: u64,
    /// How many were started.
    pub started: u64,
    /// The 99th percentile of the lateness of starts.
    pub lateness_p99_ms: f64,
    /// The maximum lateness of a start.
    pub lateness_max_ms: f64,
    /// The 99th percentile above which the result is untrustworthy.
    pub lateness_limit_ms: f64,
}

/// The results of one operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperationReport {
    /// How many were attempted.
    pub total: u64,
    /// How many did not fail.
    pub good: u64,
    /// The latency of the good ones, from the intended start.
    pub latency: Quantiles,
    /// Its objectives.
    pub objectives: Vec<ObjectiveResult>,
}

/// The report of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `met`, `missed` or `untrustworthy`.
    pub verdict: Verdict,
    /// Why the verdict is not `met`.
    pub reasons: Vec<String>,
    /// The requested auctions per second.
    pub rate_per_s: f64,
    /// For how long auctions were opened.
    pub duration_s: f64,
    /// Auctions whose opening was sent.
    pub sent: u64,
    /// Auctions that opened.
    pub opened: u64,
    /// Auctions that were awarded.
    pub awarded: u64,
    /// Auctions whose order was confirmed and notified.
    pub confirmed: u64,
    /// Auctions that did not end with a confirmed order.
    pub failed: u64,
    /// Errors by their codes, including bids that a rule rejected.
    pub errors: BTreeMap<String, u64>,
    /// The results by operation.
    pub operations: BTreeMap<&'static str, OperationReport>,
    /// How well the generator kept its schedule.
    pub generator: Generator,
    /// A complete trace of one of the auctions.
    pub trace_id: Option<String>,
    /// Its address in Jaeger's UI.
    pub trace_url: Option<String>,
}

// === impl ObjectiveResult ===

impl ObjectiveResult {
    fn reason(&self) -> String {
        let found = self.good_share.map_or_else(
            || "nothing was measured".to_owned(),
            |share| format!("{:.3} % were good", share * 100.0),
        );
        format!(
            "{}: {found}, {:.3} % are wanted",
            self.name,
            self.target * 100.0
        )
    }
}

// === impl Report ===

impl Report {
    /// The report of a run that has ended.
    pub(crate) fn new(
        counts: &Counts,
        schedule: &Schedule,
        started: Started,
        lateness: &Lateness,
        objectives: &[Objective],
    ) -> Self {
        let late = lateness.latencies();
        let limit = max_lateness(objectives);
        let operations: BTreeMap<&'static str, OperationReport> = Operation::ALL
            .into_iter()
            .map(|operation| {
                let results = counts
                    .operations
                    .get(&operation)
                    .cloned()
                    .unwrap_or_default();
                let of_operation = objectives
                    .iter()
                    .filter(|objective| objective.operation == operation.name());
                let report = OperationReport {
                    total: results.total,
                    good: results.good,
                    latency: results.latencies.quantiles(),
                    objectives: of_operation
                        .map(|objective| objective.evaluate(&results))
                        .collect(),
                };
                (operation.name(), report)
            })
            .collect();
        let mut doubts = Vec::new();
        if late.quantile(0.99) > limit {
            doubts.push(format!(
                "99 of 100 starts were up to {:?} late; more than {limit:?} cannot be believed",
                late.quantile(0.99)
            ));
        }
        if started.started < started.planned {
            doubts.push(format!(
                "{} of {} auctions were not started: too many were under way",
                started.planned - started.started,
                started.planned
            ));
        }
        let mut misses: Vec<String> = operations
            .values()
            .flat_map(|operation| &operation.objectives)
            .filter(|objective| !objective.met)
            .map(ObjectiveResult::reason)
            .collect();
        // Not an objective of the platform, but a run that loses auctions is not a success.
        let lost = counts.opened.saturating_sub(counts.confirmed);
        if lost > 0 {
            misses.push(format!(
                "{lost} of {} auctions opened and did not end in a confirmed order",
                counts.opened
            ));
        }
        let verdict = match (doubts.is_empty(), misses.is_empty()) {
            (false, _) => Verdict::Untrustworthy,
            (true, false) => Verdict::Missed,
            (true, true) => Verdict::Met,
        };
        doubts.extend(misses);
        Self {
            verdict,
            reasons: doubts,
            rate_per_s: schedule.rate,
            duration_s: schedule.duration.as_secs_f64(),
            sent: counts.sent,
            opened: counts.opened,
            awarded: counts.awarded,
            confirmed: counts.confirmed,
            failed: counts.failed,
            errors: counts.errors.clone(),
            operations,
            generator: Generator {
                planned: started.planned,
                started: started.started,
                lateness_p99_ms: late.quantiles().p99_ms,
                lateness_max_ms: late.quantiles().max_ms,
                lateness_limit_ms: limit.as_secs_f64() * 1000.0,
            },
            trace_id: None,
            trace_url: None,
        }
    }

    /// The report as a few lines of text.
    pub fn summary(&self) -> String {
        let mut lines = vec![format!(
            "auctions: {} sent, {} opened, {} awarded, {} confirmed, {} failed",
            self.sent, self.opened, self.awarded, self.confirmed, self.failed
        )];
        for (name, operation) in &self.operations {
            let latency = operation.latency;
            lines.push(format!(
                "{name:<20} {:>6} measured  p50 {:>8.1} ms  p90 {:>8.1} ms  p99 {:>8.1} ms  max {:>8.1} ms",
                latency.count, latency.p50_ms, latency.p90_ms, latency.p99_ms, latency.max_ms
            ));
            for objective in &operation.objectives {
                lines.push(format!(
                    "  {} {}: {}",
                    if objective.met { "met   " } else { "MISSED" },
                    objective.name,
                    objective
                        .good_share
                        .map_or("nothing measured".to_owned(), |share| format!(
                            "{:.3} % of {:.3} %",
                            share * 100.0,
                            objective.target * 100.0
                        )),
                ));
            }
        }
        lines.push(format!(
            "generator            p99 {:.1} ms late ({:.1} ms can be believed)",
            self.generator.lateness_p99_ms, self.generator.lateness_limit_ms
        ));
        lines.extend(
            self.errors
                .iter()
                .map(|(code, count)| format!("  {count} × {code}")),
        );
        lines.extend(self.reasons.iter().map(|reason| format!("! {reason}")));
        lines.push(format!("verdict: {}", self.verdict.name()));
        if let Some(url) = &self.trace_url {
            lines.push(format!("a complete trace: {url}"));
        }
        lines.join("\n")
    }
}

// === impl Verdict ===

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Untrustworthy => "untrustworthy",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Report;
    use crate::client::CallError;
    use crate::scenario::{AuctionError, Observer as _, Operation, Step};
    use crate::schedule::{Lateness, Schedule, Started};
    use crate::slo::{Objective, Requirement, Verdict};
    use crate::tally::Tally;
    use crate::transport::TransportError;

    const SCHEDULE: Schedule = Schedule {
        rate: 1.0,
        duration: Duration::from_secs(1),
        max_in_flight: 10,
    };
    const ALL_STARTED: Started = Started {
        planned: 1,
        started: 1,
    };

    fn objectives() -> Vec<Objective> {
        vec![Objective {
            name: "opening, latency".to_owned(),
            operation: "open_auction".to_owned(),
            requirement: Requirement::Latency(Duration::from_millis(200)),
            target: 0.99,
        }]
    }

    fn report(tally: &Tally, started: Started, lateness: &Lateness) -> Report {
        Report::new(&tally.counts(), &SCHEDULE, started, lateness, &objectives())
    }

    fn good_opening() -> Tally {
        let tally = Tally::default();
        tally.auction_sent();
        tally.operation_ended(Operation::OpenAuction, Instant::now(), Ok(()));
        tally
    }

    #[tokio::test(start_paused = true)]
    async fn the_verdict_is_met_when_every_objective_is() {
        let report = report(&good_opening(), ALL_STARTED, &Lateness::default());
        assert_eq!((report.verdict, report.reasons.len()), (Verdict::Met, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn latency_counts_from_the_intended_start() {
        let tally = Tally::default();
        let intended = Instant::now();
        tokio::time::advance(Duration::from_millis(400)).await;
        tally.operation_ended(Operation::OpenAuction, intended, Ok(()));
        let report = report(&tally, ALL_STARTED, &Lateness::default());
        assert_eq!(report.verdict, Verdict::Missed);
        assert!(report.operations["open_auction"].latency.max_ms >= 399.0);
    }

    #[tokio::test(start_paused = true)]
    async fn the_results_of_a_late_generator_are_untrustworthy_however_good_they_are() {
        let lateness = Lateness::default();
        let intended = Instant::now();
        tokio::time::advance(Duration::from_millis(60)).await;
        lateness.record(intended);
        let report = report(&good_opening(), ALL_STARTED, &lateness);
        assert_eq!(report.verdict, Verdict::Untrustworthy);
    }

    #[tokio::test(start_paused = true)]
    async fn auctions_that_were_not_started_make_the_results_untrustworthy() {
        let started = Started {
            planned: 2,
            started: 1,
        };
        let report = report(&good_opening(), started, &Lateness::default());
        assert_eq!(report.verdict, Verdict::Untrustworthy);
    }

    #[tokio::test(start_paused = true)]
    async fn an_auction_that_opened_and_did_not_complete_is_a_miss() {
        let tally = good_opening();
        tally.auction_opened();
        tally.auction_ended(Err(AuctionError::TimedOut(Step::Order)));
        let report = report(&tally, ALL_STARTED, &Lateness::default());
        assert_eq!(report.verdict, Verdict::Missed);
        assert_eq!(report.errors["overdue.the_order"], 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_request_is_counted_once_by_its_code_and_has_no_latency() {
        let tally = Tally::default();
        let error = CallError::Transport(TransportError::TimedOut(Duration::from_secs(1)));
        tally.operation_ended(Operation::OpenAuction, Instant::now(), Err(&error));
        tally.auction_ended(Err(AuctionError::Call {
            step: Step::Opening,
            error,
        }));
        let report = report(&tally, ALL_STARTED, &Lateness::default());
        assert_eq!(report.errors["client.timed_out"], 1);
        let opening = &report.operations["open_auction"];
        assert_eq!(
            (opening.total, opening.good, opening.latency.count),
            (1, 0, 0)
        );
        assert_eq!(report.verdict, Verdict::Missed);
    }
}
