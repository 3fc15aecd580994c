//! The result of one phase, computed from readings before and after it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::error::OverheadError;
use super::mode::Telemetry;
use super::services::{CpuTime, SpanCounts};

/// The result of one phase.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Phase {
    /// Whether the services ran with telemetry.
    pub telemetry: Telemetry,
    /// How many auctions were awarded.
    pub awarded: u64,
    /// The usage of each service, by its name.
    pub services: BTreeMap<&'static str, ServiceUsage>,
}

/// What a service used in a phase.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ServiceUsage {
    /// Seconds of CPU time, in user and kernel mode.
    pub cpu_s: f64,
    /// Exported spans.
    pub spans: f64,
}

/// Two successive phases, with and without telemetry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Round {
    /// With telemetry.
    pub on: Phase,
    /// Without.
    pub off: Phase,
}

/// The totals of a service at one moment.
pub(super) struct Reading {
    pub(super) service: &'static str,
    pub(super) cpu: CpuTime,
    pub(super) spans: SpanCounts,
}

/// A number of auctions as a divisor.
#[allow(
    clippy::cast_precision_loss,
    reason = "a run has fewer auctions than a double can count exactly"
)]
pub(super) const fn count(auctions: u64) -> f64 {
    auctions as f64
}

// === impl Phase ===

impl Phase {
    /// The result of a phase, from the readings before and after it.
    pub(super) fn new(
        telemetry: Telemetry,
        awarded: u64,
        before: &[Reading],
        after: &[Reading],
    ) -> Result<Self, OverheadError> {
        let mut services = BTreeMap::new();
        for (before, after) in before.iter().zip(after) {
            let service = after.service;
            let lost = after.spans.lost - before.spans.lost;
            if lost > 0.0 {
                return Err(OverheadError::Lost {
                    service,
                    spans: lost,
                });
            }
            let cpu_s = after
                .cpu
                .seconds_since(before.cpu)
                .ok_or(OverheadError::Replaced(service))?;
            let spans = after.spans.exported - before.spans.exported;
            services.insert(service, ServiceUsage { cpu_s, spans });
        }
        let phase = Self {
            telemetry,
            awarded,
            services,
        };
        let spans = phase.spans();
        if (spans > 0.0) == (telemetry == Telemetry::On) {
            Ok(phase)
        } else {
            Err(OverheadError::NotSwitched { telemetry, spans })
        }
    }

    /// The exported spans of all services.
    pub(super) fn spans(&self) -> f64 {
        self.services.values().map(|usage| usage.spans).sum()
    }

    /// CPU time of all services per awarded auction, in seconds.
    pub fn cpu_per_auction(&self) -> f64 {
        let cpu_s: f64 = self.services.values().map(|usage| usage.cpu_s).sum();
        cpu_s / count(self.awarded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(stat: &str, exported: f64, lost: f64) -> Reading {
        Reading {
            service: "auction",
            cpu: CpuTime::parse(&format!("7 (auction) S {stat}")).expect("a line"),
            spans: SpanCounts {
                exported,
                lost,
                waiting: 0.0,
            },
        }
    }

    /// The fourth field and those that follow, up to the start of the process.
    fn used(ticks: u64, started: u64) -> String {
        format!("1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 9 0 {started} 0")
    }

    #[test]
    fn a_phase_is_the_difference_of_its_readings() {
        let before = [reading(&used(100, 5), 10.0, 1.0)];
        let after = [reading(&used(300, 5), 60.0, 1.0)];
        let phase = Phase::new(Telemetry::On, 50, &before, &after).expect("it has a result");
        let spent = phase.services["auction"];
        assert!((spent.cpu_s - 2.0).abs() < 1e-9 && (spent.spans - 50.0).abs() < 1e-9);
        assert!((phase.cpu_per_auction() - 0.04).abs() < 1e-9);
    }

    #[test]
    fn a_phase_with_another_process_or_with_lost_spans_has_no_result() {
        let before = [reading(&used(100, 5), 10.0, 0.0)];
        let replaced = Phase::new(
            Telemetry::On,
            50,
            &before,
            &[reading(&used(300, 6), 60.0, 0.0)],
        );
        assert!(matches!(replaced, Err(OverheadError::Replaced("auction"))));
        let lossy = Phase::new(
            Telemetry::On,
            50,
            &before,
            &[reading(&used(300, 5), 60.0, 2.0)],
        );
        assert!(matches!(lossy, Err(OverheadError::Lost { .. })));
    }

    #[test]
    fn a_phase_with_telemetry_must_export_spans_and_one_without_must_not() {
        let before = [reading(&used(100, 5), 10.0, 0.0)];
        for (telemetry, exported, expected) in [
            (Telemetry::On, 60.0, true),
            (Telemetry::On, 10.0, false),
            (Telemetry::Off, 10.0, true),
            (Telemetry::Off, 60.0, false),
        ] {
            let after = [reading(&used(300, 5), exported, 0.0)];
            let phase = Phase::new(telemetry, 50, &before, &after);
            assert_eq!(phase.is_ok(), expected, "{phase:?}");
        }
    }
}
