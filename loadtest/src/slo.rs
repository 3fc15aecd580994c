//! The verdict: were the objectives met, and can the measurement be believed?

use crate::latency::Latencies;
use alerts::objectives::{Indicator, ObjectivesError};
use serde::Serialize;
use std::time::Duration;

/// What an objective asks of an operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Asks {
    /// That it does not fail.
    Availability,
    /// That it takes at most this long, counted from the intended start.
    Latency(Duration),
}

/// An objective of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// Its name.
    pub name: String,
    /// Of which operation, by its name in reports.
    pub operation: String,
    /// What it asks.
    pub asks: Asks,
    /// The share of good ones that is wanted: 0.99.
    pub target: f64,
}

/// What was measured of one operation.
#[derive(Debug, Clone, Default)]
pub struct Measured {
    /// How many were tried.
    pub total: u64,
    /// How many did not fail. What a rule rejects is good.
    pub good: u64,
    /// How long the good ones took, from their intended start.
    pub latencies: Latencies,
}

/// How one objective fared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judged {
    /// Its name.
    pub name: String,
    /// Of which operation.
    pub operation: String,
    /// `availability` or `latency`.
    pub asks: &'static str,
    /// The limit of a latency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold_ms: Option<f64>,
    /// The share that was wanted.
    pub target: f64,
    /// The share that was found; nothing when nothing was tried.
    pub found: Option<f64>,
    /// Whether it was met; nothing tried is not met.
    pub met: bool,
}

/// What a run comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every objective was met.
    Met,
    /// Some objective was missed.
    Missed,
    /// The generator did not keep its own schedule: the numbers say more of it than of the platform.
    Untrustworthy,
}

// === impl Objective ===

impl From<&alerts::objectives::Objective> for Objective {
    fn from(stated: &alerts::objectives::Objective) -> Self {
        Self {
            name: stated.name.clone(),
            operation: stated.operation.clone(),
            asks: match &stated.indicator {
                Indicator::Availability { .. } => Asks::Availability,
                Indicator::Latency { threshold, .. } => {
                    Asks::Latency(Duration::from_secs_f64(*threshold))
                }
            },
            target: stated.target,
        }
    }
}

/// The objectives that the alerts watch.
///
/// # Errors
/// When one of them cannot hold.
pub fn objectives() -> Result<Vec<Objective>, ObjectivesError> {
    let stated = alerts::objectives::built_in()?;
    Ok(stated.iter().map(Objective::from).collect())
}

impl Objective {
    /// Holds the objective against what was measured.
    #[allow(clippy::cast_precision_loss, reason = "no run counts beyond a double")]
    pub fn judge(&self, measured: &Measured) -> Judged {
        // As in the alerts: a request that failed counts against availability, and not against latency as well.
        let (good, total) = match self.asks {
            Asks::Availability => (measured.good, measured.total),
            Asks::Latency(limit) => (measured.latencies.within(limit), measured.latencies.count()),
        };
        let found = (total > 0).then(|| good as f64 / total as f64);
        Judged {
            name: self.name.clone(),
            operation: self.operation.clone(),
            asks: match self.asks {
                Asks::Availability => "availability",
                Asks::Latency(_) => "latency",
            },
            threshold_ms: match self.asks {
                Asks::Availability => None,
                Asks::Latency(limit) => Some(limit.as_secs_f64() * 1000.0),
            },
            target: self.target,
            found,
            met: found.is_some_and(|found| found >= self.target),
        }
    }
}

/// How late the generator may have been at its 99th percentile and still be believed: a quarter of the tightest latency
/// that it judges.
pub fn believable_lateness(objectives: &[Objective]) -> Duration {
    const WITHOUT_OBJECTIVE: Duration = Duration::from_millis(100);
    objectives
        .iter()
        .filter_map(|objective| match objective.asks {
            Asks::Latency(limit) => Some(limit / 4),
            Asks::Availability => None,
        })
        .min()
        .unwrap_or(WITHOUT_OBJECTIVE)
}

// === impl Verdict ===

impl Verdict {
    /// The exit status of a run: 0 when everything was met, 1 otherwise.
    pub const fn exit_status(self) -> u8 {
        match self {
            Self::Met => 0,
            Self::Missed | Self::Untrustworthy => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Operation;

    fn measured(total: u64, good: u64, fast: u64) -> Measured {
        let mut latencies = Latencies::default();
        for index in 0..good {
            latencies.record(Duration::from_millis(if index < fast { 10 } else { 900 }));
        }
        Measured {
            total,
            good,
            latencies,
        }
    }

    fn objective(asks: Asks) -> Objective {
        Objective {
            name: "x".to_owned(),
            operation: "open_auction".to_owned(),
            asks,
            target: 0.99,
        }
    }

    #[test]
    fn availability_is_the_share_that_did_not_fail() {
        let objective = objective(Asks::Availability);
        assert!(objective.judge(&measured(100, 99, 99)).met);
        assert!(!objective.judge(&measured(100, 98, 98)).met);
    }

    #[test]
    fn latency_is_the_share_of_the_answers_that_were_quick_enough() {
        let objective = objective(Asks::Latency(Duration::from_millis(250)));
        assert!(objective.judge(&measured(100, 100, 99)).met);
        assert!(!objective.judge(&measured(100, 100, 98)).met);
    }

    #[test]
    fn a_failed_request_counts_against_availability_only() {
        let measured = measured(100, 98, 98);
        assert!(!objective(Asks::Availability).judge(&measured).met);
        assert!(
            objective(Asks::Latency(Duration::from_millis(250)))
                .judge(&measured)
                .met
        );
    }

    #[test]
    fn what_was_never_tried_is_not_met() {
        let judged = objective(Asks::Availability).judge(&Measured::default());
        assert_eq!((judged.found, judged.met), (None, false));
    }

    #[test]
    fn every_objective_of_the_repository_is_of_an_operation_that_is_measured() {
        let objectives = objectives().expect("the objectives hold");
        assert!(!objectives.is_empty());
        for objective in objectives {
            assert!(
                Operation::ALL
                    .iter()
                    .any(|operation| operation.name() == objective.operation),
                "{objective:?}"
            );
        }
    }

    #[test]
    fn the_tightest_latency_says_how_late_a_generator_may_be() {
        let objectives = [
            objective(Asks::Availability),
            objective(Asks::Latency(Duration::from_millis(500))),
            objective(Asks::Latency(Duration::from_millis(200))),
        ];
        assert_eq!(believable_lateness(&objectives), Duration::from_millis(50));
    }
}
