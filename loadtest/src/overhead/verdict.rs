//! What came of a measurement: the ratio, by service, and whether it is small enough.

use super::{Round, Settings, Spent};
use serde::Serialize;
use std::fmt::Write as _;

/// A measurement, as it is written down.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overhead {
    /// What the ratio may be at most.
    pub goal: f64,
    /// The median of the rounds' ratios: processor time of all services per awarded auction with telemetry, in
    /// multiples of the same without.
    pub ratio: f64,
    /// Whether it is no more than the goal.
    pub met: bool,
    /// The ratio of each round, in their order.
    pub ratios: Vec<f64>,
    /// Each service over all rounds.
    pub services: Vec<Row>,
    /// All of them.
    pub all: Row,
    /// What was measured.
    pub rounds: Vec<Round>,
}

/// Per awarded auction, over all rounds. A single round of a single service is too little time to tell alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Of which service, or `all`.
    pub service: &'static str,
    /// Milliseconds of processor time with telemetry.
    pub on_ms: f64,
    /// The same without.
    pub off_ms: f64,
    /// Spans with telemetry.
    pub spans: f64,
}

/// A number of auctions to divide by.
#[allow(
    clippy::cast_precision_loss,
    reason = "no run has so many auctions that a double cannot count them"
)]
pub(super) const fn count(auctions: u64) -> f64 {
    auctions as f64
}

// === impl Round ===

impl Round {
    fn ratio(&self) -> f64 {
        self.on.cpu_per_auction() / self.off.cpu_per_auction()
    }
}

// === impl Row ===

impl Row {
    /// The sums over the services whose name is `wanted`.
    fn of(service: &'static str, rounds: &[Round], wanted: impl Fn(&str) -> bool) -> Self {
        let per_auction = |phase: fn(&Round) -> &super::Phase, figure: fn(&Spent) -> f64| {
            let phases = || rounds.iter().map(phase);
            let spent: f64 = phases()
                .flat_map(|phase| &phase.services)
                .filter(|(name, _)| wanted(name))
                .map(|(_, spent)| figure(spent))
                .sum();
            spent / count(phases().map(|phase| phase.awarded).sum())
        };
        Self {
            service,
            on_ms: per_auction(|round| &round.on, |spent| spent.cpu_s) * 1e3,
            off_ms: per_auction(|round| &round.off, |spent| spent.cpu_s) * 1e3,
            spans: per_auction(|round| &round.on, |spent| spent.spans),
        }
    }

    fn line(&self) -> String {
        format!(
            "{:<14}{:>8.2}{:>9.2}{:>9.3}{:>8.1}\n",
            self.service,
            self.on_ms,
            self.off_ms,
            self.on_ms / self.off_ms,
            self.spans
        )
    }
}

// === impl Overhead ===

impl Overhead {
    /// The result of these rounds, of which there is at least one.
    pub fn of(rounds: Vec<Round>, goal: f64) -> Self {
        let ratios: Vec<f64> = rounds.iter().map(Round::ratio).collect();
        let ratio = median(&ratios);
        let services = rounds
            .first()
            .into_iter()
            .flat_map(|round| round.on.services.keys())
            .map(|service| Row::of(service, &rounds, |name| name == *service))
            .collect();
        Self {
            goal,
            ratio,
            // No result is no success.
            met: ratio <= goal,
            ratios,
            services,
            all: Row::of("all", &rounds, |_| true),
            rounds,
        }
    }

    /// A table and the verdict, for a person.
    pub fn summary(&self) -> String {
        let mut text =
            "CPU per awarded auction, ms\n\n                    on      off   on/off   spans\n"
                .to_owned();
        for row in self.services.iter().chain([&self.all]) {
            text.push_str(&row.line());
        }
        text.push_str("\non/off by round: ");
        for ratio in &self.ratios {
            let _ = write!(text, " {ratio:.3}");
        }
        let _ = write!(
            text,
            "\ntheir median is {:.3}, and at most {} is the goal: {}",
            self.ratio,
            self.goal,
            if self.met { "met" } else { "MISSED" }
        );
        text
    }
}

// === impl Settings ===

impl Settings {
    /// What will be measured, in a line for a person.
    pub fn summary(&self) -> String {
        let phases = u32::from(self.rounds) * 2;
        // What else a phase takes: the restart, the last auctions of both loads, and two waits for the export.
        let rest = 10 + 2 * (self.load.auction.as_secs() + 2) + 2 * super::EXPORTED_AFTER.as_secs();
        let seconds = (self.load.plan.duration + self.warm_up).as_secs() + rest;
        format!(
            "{} rounds of two phases with {} auctions each, at {} per second: about {} minutes",
            self.rounds,
            self.load.plan.arrivals(),
            self.load.plan.rate,
            (u64::from(phases) * seconds).div_ceil(60)
        )
    }
}

/// The mean of the two in the middle when they are even in number.
fn median(ratios: &[f64]) -> f64 {
    let mut sorted = ratios.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::{Overhead, median};
    use crate::overhead::{Phase, Round, Spent, Telemetry};

    fn phase(telemetry: Telemetry, awarded: u64, auction: f64, order: f64) -> Phase {
        let spans = if telemetry == Telemetry::On {
            500.0
        } else {
            0.0
        };
        let spent = |cpu_s| Spent { cpu_s, spans };
        Phase {
            telemetry,
            awarded,
            services: [("auction", spent(auction)), ("order", spent(order))].into(),
        }
    }

    /// A round in which telemetry costs this many times as much.
    fn round(ratio: f64) -> Round {
        Round {
            on: phase(Telemetry::On, 100, 3.0 * ratio, 1.0 * ratio),
            off: phase(Telemetry::Off, 100, 3.0, 1.0),
        }
    }

    fn overhead(ratios: &[f64]) -> Overhead {
        Overhead::of(ratios.iter().copied().map(round).collect(), 1.05)
    }

    #[test]
    fn the_median_counts_and_one_disturbed_round_does_not() {
        assert!((overhead(&[1.03, 1.9, 1.04]).ratio - 1.04).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 9.0]) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn the_goal_is_met_up_to_it_and_missed_above() {
        assert!(overhead(&[1.049, 1.049, 1.049]).met);
        assert!(!overhead(&[1.051, 1.051, 1.051]).met);
        assert!(!overhead(&[]).met, "nothing measured is nothing met");
    }

    #[test]
    fn what_counts_is_the_time_per_awarded_auction() {
        let twice_the_auctions = Round {
            on: phase(Telemetry::On, 200, 6.0, 2.0),
            off: phase(Telemetry::Off, 100, 3.0, 1.0),
        };
        let overhead = Overhead::of(vec![twice_the_auctions], 1.05);
        assert!((overhead.ratio - 1.0).abs() < 1e-9, "{overhead:?}");
    }

    #[test]
    fn each_service_is_told_and_all_of_them() {
        let overhead = overhead(&[1.0, 1.2]);
        let told: Vec<_> = overhead.services.iter().map(|row| row.service).collect();
        assert_eq!(told, ["auction", "order"]);
        let order = &overhead.services[1];
        assert!((order.on_ms - 11.0).abs() < 1e-9 && (order.off_ms - 10.0).abs() < 1e-9);
        assert!((overhead.all.on_ms - 44.0).abs() < 1e-9);
        assert!((order.spans - 5.0).abs() < 1e-9 && (overhead.all.spans - 10.0).abs() < 1e-9);
        let summary = overhead.summary();
        assert!(
            summary.contains("MISSED") && summary.contains("1.200"),
            "{summary}"
        );
    }
}
