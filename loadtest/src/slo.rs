//! The objectives that a load test is evaluated by, and the verdict.

use std::time::Duration;

use alerts::objectives::{Indicator, ObjectivesError};
use serde::Serialize;

use crate::latency::Latencies;

/// What an operation must do to be good.
#[derive(Debug, Clone, PartialEq)]
pub enum Requirement {
    /// Not fail.
    Availability,
    /// Take at most this long from the intended start.
    Latency(Duration),
}

/// An objective of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// Its name.
    pub name: String,
    /// The operation, by its name in reports.
    pub operation: String,
    /// What makes an operation good.
    pub requirement: Requirement,
    /// The share of operations that must be good, such as 0.99.
    pub target: f64,
}

/// The results of one operation.
#[derive(Debug, Clone, Default)]
pub struct OperationResults {
    /// How many were attempted.
    pub total: u64,
    /// How many did not fail. A refusal by a rule is not a failure.
    pub good: u64,
    /// The latencies of the good ones, from their intended start.
    pub latencies: Latencies,
}

/// The result of one objective.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectiveResult {
    /// Its name.
    pub name: String,
    /// The operation.
    pub operation: String,
    /// `availability` or `latency`.
    #[serde(rename = "asks")]
    pub requirement: &'static str,
    /// The limit of a latency objective.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold_ms: Option<f64>,
    /// The share that must be good.
    pub target: f64,
    /// The share that was good; `None` when nothing was attempted.
    #[serde(rename = "found")]
    pub good_share: Option<f64>,
    /// Whether it was met. Without any attempt it was not.
    pub met: bool,
}

/// The verdict of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every objective was met.
    Met,
    /// An objective was missed.
    Missed,
    /// The generator did not keep its schedule, so the results are not about the platform only.
    Untrustworthy,
}

// === impl Objective ===

impl From<&alerts::objectives::Objective> for Objective {
    fn from(stated: &alerts::objectives::Objective) -> Self {
        Self {
            name: stated.name.clone(),
            operation: stated.operation.clone(),
            requirement: match &stated.indicator {
                Indicator::Availability { .. } => Requirement::Availability,
                Indicator::Latency { threshold, .. } => {
                    Requirement::Latency(Duration::from_secs_f64(*threshold))
                }
            },
            target: stated.target,
        }
    }
}

/// The objectives of `alerts/slo.yaml`.
///
/// # Errors
/// When the file is not valid.
pub fn objectives() -> Result<Vec<Objective>, ObjectivesError> {
    let stated = alerts::objectives::built_in()?;
    Ok(stated.iter().map(Objective::from).collect())
}

impl Objective {
    /// Whether the results meet the objective.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a run has fewer operations than a double can count exactly"
    )]
    pub fn evaluate(&self, results: &OperationResults) -> ObjectiveResult {
        // As in the alerts, a failed request counts against availability only, not against latency too.
        let (good, total) = match self.requirement {
            Requirement::Availability => (results.good, results.total),
            Requirement::Latency(limit) => {
                (results.latencies.within(limit), results.latencies.count())
            }
        };
        let good_share = (total > 0).then(|| good as f64 / total as f64);
        ObjectiveResult {
            name: self.name.clone(),
            operation: self.operation.clone(),
            requirement: match self.requirement {
                Requirement::Availability => "availability",
                Requirement::Latency(_) => "latency",
            },
            threshold_ms: match self.requirement {
                Requirement::Availability => None,
                Requirement::Latency(limit) => Some(limit.as_secs_f64() * 1000.0),
            },
            target: self.target,
            good_share,
            met: good_share.is_some_and(|share| share >= self.target),
        }
    }
}

/// Maximum lateness of the generator, at its 99th percentile, with which the results are trusted: a quarter of the lowest
/// latency objective.
pub fn max_lateness(objectives: &[Objective]) -> Duration {
    const WITHOUT_OBJECTIVE: Duration = Duration::from_millis(100);
    objectives
        .iter()
        .filter_map(|objective| match objective.requirement {
            Requirement::Latency(limit) => Some(limit / 4),
            Requirement::Availability => None,
        })
        .min()
        .unwrap_or(WITHOUT_OBJECTIVE)
}

// === impl Verdict ===

impl Verdict {
    /// The exit status of a run: 0 when every objective was met, 1 otherwise.
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

    fn results(total: u64, good: u64, fast: u64) -> OperationResults {
        let mut latencies = Latencies::default();
        for index in 0..good {
            latencies.record(Duration::from_millis(if index < fast { 10 } else { 900 }));
        }
        OperationResults {
            total,
            good,
            latencies,
        }
    }

    fn objective(requirement: Requirement) -> Objective {
        Objective {
            name: "x".to_owned(),
            operation: "open_auction".to_owned(),
            requirement,
            target: 0.99,
        }
    }

    #[test]
    fn availability_is_the_share_that_did_not_fail() {
        let objective = objective(Requirement::Availability);
        assert!(objective.evaluate(&results(100, 99, 99)).met);
        assert!(!objective.evaluate(&results(100, 98, 98)).met);
    }

    #[test]
    fn latency_is_the_share_of_good_operations_within_the_limit() {
        let objective = objective(Requirement::Latency(Duration::from_millis(250)));
        assert!(objective.evaluate(&results(100, 100, 99)).met);
        assert!(!objective.evaluate(&results(100, 100, 98)).met);
    }

    #[test]
    fn a_failed_request_counts_against_availability_only() {
        let results = results(100, 98, 98);
        assert!(!objective(Requirement::Availability).evaluate(&results).met);
        assert!(
            objective(Requirement::Latency(Duration::from_millis(250)))
                .evaluate(&results)
                .met
        );
    }

    #[test]
    fn without_attempts_an_objective_is_not_met() {
        let result = objective(Requirement::Availability).evaluate(&OperationResults::default());
        assert_eq!((result.good_share, result.met), (None, false));
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
    fn the_lowest_latency_objective_limits_the_lateness_of_the_generator() {
        let objectives = [
            objective(Requirement::Availability),
            objective(Requirement::Latency(Duration::from_millis(500))),
            objective(Requirement::Latency(Duration::from_millis(200))),
        ];
        assert_eq!(max_lateness(&objectives), Duration::from_millis(50));
    }
}
