//! The buckets that a service gives to single histograms in code.

use std::collections::HashMap;

use super::names;
use crate::metrics::signals::{HTTP_SERVER_REQUEST_DURATION, Kind, Metric};

/// Upper bounds of buckets by the names of the histograms, as they are exposed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Buckets(HashMap<String, &'static [f64]>);

/// Whether these can be the upper bounds of a histogram's buckets: finite and rising, and at least one.
pub(crate) fn are_valid(bounds: &[f64]) -> bool {
    !bounds.is_empty()
        && bounds.iter().all(|bound| bound.is_finite())
        && bounds.is_sorted_by(|one, next| one < next)
}

// === impl Buckets ===

impl Buckets {
    /// The bounds for each of these histograms; the last one of a name stands.
    pub(crate) fn of(given: &[(&str, &'static [f64])]) -> Self {
        let exposed = |name: &str| names::metric(name, Kind::Histogram);
        Self(
            given
                .iter()
                .map(|(name, bounds)| (exposed(name), *bounds))
                .collect(),
        )
    }

    /// Those of a declared metric: the ones that are given to its name in the registry or to its exposed one, or else as
    /// it is declared.
    pub(super) fn of_declared(&self, metric: &'static Metric, exposed: &str) -> &'static [f64] {
        if metric.kind != Kind::Histogram {
            return metric.buckets;
        }
        let in_registry = names::metric(metric.name, Kind::Histogram);
        let given = self.0.get(exposed).or_else(|| self.0.get(&in_registry));
        given.copied().unwrap_or(metric.buckets)
    }

    /// Those of a metric that nobody has declared: the ones that are given, or those of a latency.
    pub(super) fn of_undeclared(&self, exposed: &str, kind: Kind) -> &'static [f64] {
        match kind {
            Kind::Histogram => {
                let given = self.0.get(exposed).copied();
                given.unwrap_or(HTTP_SERVER_REQUEST_DURATION.buckets)
            }
            _ => &[],
        }
    }
}
