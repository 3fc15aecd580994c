//! The result of a measurement: the ratio, also by service, and whether the goal is met.

use std::fmt::Write as _;

use serde::Serialize;

use super::phase::{Phase, Round, ServiceUsage, count};

/// The result of a measurement.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overhead {
    /// The maximum of the ratio.
    pub goal: f64,
    /// The median of the rounds' ratios: CPU time of all services per awarded auction with telemetry, as a multiple of
    /// the same without.
    pub ratio: f64,
    /// Whether the ratio is at most the goal.
    pub met: bool,
    /// The ratio of each round, in their order.
    pub ratios: Vec<f64>,
    /// Each service, over all rounds.
    pub services: Vec<ServiceRow>,
    /// All services together.
    pub all: ServiceRow,
    /// The measured rounds.
    pub rounds: Vec<Round>,
}

/// The cost of a service per awarded auction, over all rounds. One round is too short to measure one service.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ServiceRow {
    /// The service, or `all`.
    pub service: &'static str,
    /// Milliseconds of CPU time with telemetry.
    pub on_ms: f64,
    /// The same without.
    pub off_ms: f64,
    /// Spans with telemetry.
    pub spans: f64,
}

// === impl Round ===

impl Round {
    fn ratio(&self) -> f64 {
        self.on.cpu_per_auction() / self.off.cpu_per_auction()
    }
}

// === impl ServiceRow ===

impl ServiceRow {
    /// The sums over the services whose name is included.
    fn new(service: &'static str, rounds: &[Round], includes: impl Fn(&str) -> bool) -> Self {
        let per_auction = |phase: fn(&Round) -> &Phase, figure: fn(&ServiceUsage) -> f64| {
            let phases = || rounds.iter().map(phase);
            let total: f64 = phases()
                .flat_map(|phase| &phase.services)
                .filter(|(name, _)| includes(name))
                .map(|(_, usage)| figure(usage))
                .sum();
            total / count(phases().map(|phase| phase.awarded).sum())
        };
        Self {
            service,
            on_ms: per_auction(|round| &round.on, |usage| usage.cpu_s) * 1e3,
            off_ms: per_auction(|round| &round.off, |usage| usage.cpu_s) * 1e3,
            spans: per_auction(|round| &round.on, |usage| usage.spans),
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
    pub fn new(rounds: Vec<Round>, goal: f64) -> Self {
        let ratios: Vec<f64> = rounds.iter().map(Round::ratio).collect();
        let ratio = median(&ratios);
        let services = rounds
            .first()
            .into_iter()
            .flat_map(|round| round.on.services.keys())
            .map(|service| ServiceRow::new(service, &rounds, |name| name == *service))
            .collect();
        Self {
            goal,
            ratio,
            // Without rounds the ratio is NaN, which does not meet the goal.
            met: ratio <= goal,
            ratios,
            services,
            all: ServiceRow::new("all", &rounds, |_| true),
            rounds,
        }
    }

    /// A table and the verdict, as text.
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

/// The median; of an even number of ratios, the mean of the two in the middle.
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
    use crate::overhead::mode::Telemetry;
    use crate::overhead::phase::{Phase, Round, ServiceUsage};

    fn phase(telemetry: Telemetry, awarded: u64, auction: f64, order: f64) -> Phase {
        let spans = if telemetry == Telemetry::On {
            500.0
        } else {
            0.0
        };
        let usage = |cpu_s| ServiceUsage { cpu_s, spans };
        Phase {
            telemetry,
            awarded,
            services: [("auction", usage(auction)), ("order", usage(order))].into(),
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
        Overhead::new(ratios.iter().copied().map(round).collect(), 1.05)
    }

    #[test]
    fn the_result_is_the_median_and_one_disturbed_round_does_not_change_it() {
        assert!((overhead(&[1.03, 1.9, 1.04]).ratio - 1.04).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 9.0]) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn the_goal_is_met_up_to_it_and_missed_above() {
        assert!(overhead(&[1.049, 1.049, 1.049]).met);
        assert!(!overhead(&[1.051, 1.051, 1.051]).met);
        assert!(!overhead(&[]).met, "without rounds the goal is not met");
    }

    #[test]
    fn the_cost_is_per_awarded_auction() {
        let twice_the_auctions = Round {
            on: phase(Telemetry::On, 200, 6.0, 2.0),
            off: phase(Telemetry::Off, 100, 3.0, 1.0),
        };
        let overhead = Overhead::new(vec![twice_the_auctions], 1.05);
        assert!((overhead.ratio - 1.0).abs() < 1e-9, "{overhead:?}");
    }

    #[test]
    fn each_service_has_a_row_and_so_have_all_together() {
        let overhead = overhead(&[1.0, 1.2]);
        let rows: Vec<_> = overhead.services.iter().map(|row| row.service).collect();
        assert_eq!(rows, ["auction", "order"]);
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
