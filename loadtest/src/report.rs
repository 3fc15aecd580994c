//! What came of a run: the verdict, the numbers behind it, and why.

use crate::{
    latency::Quantiles,
    scenario::Operation,
    schedule::{Lateness, Plan, Started},
    slo::{Judged, Objective, Verdict, believable_lateness},
    tally::Counts,
};
use serde::Serialize;
use std::collections::BTreeMap;

/// How the generator kept its own schedule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Generator {
    /// How many auctions the schedule had.
    pub planned: u64,
    /// How many were started.
    pub started: u64,
    /// How late 99 of 100 starts were at most.
    pub lateness_p99_ms: f64,
    /// The latest.
    pub lateness_max_ms: f64,
    /// How late 99 of 100 may be for the result to be believed.
    pub lateness_limit_ms: f64,
}

/// One operation in the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperationReport {
    /// How many were tried.
    pub total: u64,
    /// How many did not fail.
    pub good: u64,
    /// From the intended start.
    pub latency: Quantiles,
    /// Its objectives.
    pub objectives: Vec<Judged>,
}

/// A run, as it is written down.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `met`, `missed` or `untrustworthy`.
    pub verdict: Verdict,
    /// Why it is not `met`.
    pub reasons: Vec<String>,
    /// Auctions per second that were asked for.
    pub rate_per_s: f64,
    /// For how long.
    pub duration_s: f64,
    /// Auctions that were to be opened.
    pub sent: u64,
    /// Auctions that opened.
    pub opened: u64,
    /// Auctions whose award stands.
    pub awarded: u64,
    /// Auctions whose order was confirmed and notified.
    pub confirmed: u64,
    /// Auctions that did not go all the way.
    pub failed: u64,
    /// Refusals and failures by code; a bid that the rules reject is among them.
    pub errors: BTreeMap<String, u64>,
    /// By operation.
    pub operations: BTreeMap<&'static str, OperationReport>,
    /// How the generator did.
    pub generator: Generator,
    /// A complete trace of one of the auctions.
    pub trace_id: Option<String>,
    /// Where to look at it.
    pub trace_url: Option<String>,
}

// === impl Judged ===

impl Judged {
    fn reason(&self) -> String {
        let found = self.found.map_or_else(
            || "nothing was measured".to_owned(),
            |found| format!("{:.3} % were good", found * 100.0),
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
    pub(crate) fn of(
        counts: &Counts,
        plan: &Plan,
        started: Started,
        lateness: &Lateness,
        objectives: &[Objective],
    ) -> Self {
        let late = lateness.so_far();
        let limit = believable_lateness(objectives);
        let operations: BTreeMap<&'static str, OperationReport> = Operation::ALL
            .into_iter()
            .map(|operation| {
                let measured = counts.measured.get(&operation).cloned().unwrap_or_default();
                let of_it = objectives
                    .iter()
                    .filter(|o| o.operation == operation.name());
                let report = OperationReport {
                    total: measured.total,
                    good: measured.good,
                    latency: measured.latencies.quantiles(),
                    objectives: of_it.map(|o| o.judge(&measured)).collect(),
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
            .filter(|judged| !judged.met)
            .map(Judged::reason)
            .collect();
        // Not an objective of the platform's, but a run whose auctions get lost has not gone well.
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
            rate_per_s: plan.rate,
            duration_s: plan.duration.as_secs_f64(),
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

    /// A few lines for a person.
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
            for judged in &operation.objectives {
                lines.push(format!(
                    "  {} {}: {}",
                    if judged.met { "met   " } else { "MISSED" },
                    judged.name,
                    judged
                        .found
                        .map_or("nothing measured".to_owned(), |found| format!(
                            "{:.3} % of {:.3} %",
                            found * 100.0,
                            judged.target * 100.0
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
    use super::Report;
    use crate::{
        client::CallError,
        scenario::{OPENING, Observer as _, Operation, Unfinished},
        schedule::{Lateness, Plan, Started},
        slo::{Asks, Objective, Verdict},
        tally::Tally,
        transport::TransportError,
    };
    use std::time::Duration;
    use tokio::time::Instant;

    const PLAN: Plan = Plan {
        rate: 1.0,
        duration: Duration::from_secs(1),
        most_at_once: 10,
    };
    const ALL_STARTED: Started = Started {
        planned: 1,
        started: 1,
    };

    fn objectives() -> Vec<Objective> {
        vec![Objective {
            name: "opening, latency".to_owned(),
            operation: "open_auction".to_owned(),
            asks: Asks::Latency(Duration::from_millis(200)),
            target: 0.99,
        }]
    }

    fn report(tally: &Tally, started: Started, lateness: &Lateness) -> Report {
        tally.report(&PLAN, started, lateness, &objectives())
    }

    fn good_opening() -> Tally {
        let tally = Tally::default();
        tally.sent();
        tally.ended(Operation::OpenAuction, Instant::now(), Ok(()));
        tally
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_whose_objectives_are_met_is_met() {
        let report = report(&good_opening(), ALL_STARTED, &Lateness::default());
        assert_eq!((report.verdict, report.reasons.len()), (Verdict::Met, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn latency_counts_from_the_intended_start() {
        let tally = Tally::default();
        let intended = Instant::now();
        tokio::time::advance(Duration::from_millis(400)).await;
        tally.ended(Operation::OpenAuction, intended, Ok(()));
        let report = report(&tally, ALL_STARTED, &Lateness::default());
        assert_eq!(report.verdict, Verdict::Missed);
        assert!(report.operations["open_auction"].latency.max_ms >= 399.0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_generator_that_was_late_is_not_believed_however_good_the_numbers() {
        let lateness = Lateness::default();
        let intended = Instant::now();
        tokio::time::advance(Duration::from_millis(60)).await;
        lateness.note(intended);
        let report = report(&good_opening(), ALL_STARTED, &lateness);
        assert_eq!(report.verdict, Verdict::Untrustworthy);
    }

    #[tokio::test(start_paused = true)]
    async fn auctions_that_were_not_started_are_not_passed_over() {
        let started = Started {
            planned: 2,
            started: 1,
        };
        let report = report(&good_opening(), started, &Lateness::default());
        assert_eq!(report.verdict, Verdict::Untrustworthy);
    }

    #[tokio::test(start_paused = true)]
    async fn an_auction_that_opened_and_got_lost_is_a_miss() {
        let tally = good_opening();
        tally.opened();
        tally.finished(Err(Unfinished::Overdue("the order")));
        let report = report(&tally, ALL_STARTED, &Lateness::default());
        assert_eq!(report.verdict, Verdict::Missed);
        assert_eq!(report.errors["overdue.the_order"], 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_broke_is_counted_once_by_its_code_and_is_no_latency() {
        let tally = Tally::default();
        let error = CallError::Transport(TransportError::TimedOut(Duration::from_secs(1)));
        tally.ended(Operation::OpenAuction, Instant::now(), Err(&error));
        tally.finished(Err(Unfinished::Refused {
            step: OPENING,
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
