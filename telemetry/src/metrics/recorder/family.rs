//! A metric family: all series of one metric, and the bound on how many they are.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use metrics::{Counter, Gauge, Key, SharedString};

use super::histogram::{Histogram, Shape};
use super::tally::Tally;
use crate::metrics::signals::Kind;

/// How many series a metric may have, beside the one for the rest: the specification's default (Metrics SDK,
/// cardinality limits).
pub(crate) const SERIES_LIMIT: usize = 2000;

/// What one metric is, and its series, which are all of the kind in which it is recorded.
pub(crate) struct Family {
    /// As exposed: a counter's ends in `_total`.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// As exposed: `seconds`.
    pub(crate) unit: Option<&'static str>,
    /// Empty until somebody says it.
    pub(crate) help: OnceLock<SharedString>,
    /// Counts the measurements that are beyond the bound.
    pub(crate) swallowed: Arc<Tally>,
    /// Of the histograms.
    pub(crate) shape: Arc<Shape>,
    pub(crate) counters: Members<Counter>,
    pub(crate) gauges: Members<Gauge>,
    pub(crate) histograms: Members<Arc<Histogram>>,
}

/// The series of a family.
pub(crate) struct Members<S> {
    series: RwLock<HashMap<Key, S>>,
    // What is beyond the bound, since there was any.
    overflow: OnceLock<S>,
}

// === impl Members ===

impl<S: Clone> Members<S> {
    /// The series of this key, made the first time; none when there are as many as there may be.
    pub(crate) fn find(&self, key: &Key, make: impl FnOnce() -> S) -> Option<S> {
        let known = self
            .series
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned();
        if known.is_some() {
            return known;
        }
        let mut all = self.series.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = all.get(key) {
            return Some(series.clone());
        }
        if all.len() >= SERIES_LIMIT {
            return None;
        }
        let series = make();
        all.insert(key.to_retained(), series.clone());
        Some(series)
    }

    /// The one series for all that is beyond the bound.
    pub(crate) fn overflow(&self, make: impl FnOnce() -> S) -> S {
        self.overflow.get_or_init(make).clone()
    }

    /// All series; the one without a key is for all that is beyond the bound.
    pub(crate) fn all(&self) -> Vec<(Option<Key>, S)> {
        let all = self.series.read().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .map(|(key, series)| (Some(key.clone()), series.clone()))
            .chain(self.overflow.get().map(|series| (None, series.clone())))
            .collect()
    }
}

impl<S> Default for Members<S> {
    fn default() -> Self {
        Self {
            series: RwLock::default(),
            overflow: OnceLock::new(),
        }
    }
}
