//! A metric family: all series of one metric, and the limit on how many there are.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use metrics::{Counter, Gauge, Key, SharedString};

use super::histogram::{Histogram, HistogramConfig};
use super::lazy_counter::LazyCounter;
use crate::metrics::signals::Kind;

/// Maximum number of series of a metric, without the overflow series: the specification's default (Metrics SDK, cardinality
/// limits).
pub(crate) const SERIES_LIMIT: usize = 2000;

/// One metric and its series, which are all of its kind.
pub(crate) struct Family {
    /// The exposed name: a counter's ends in `_total`.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The unit in the exposed name: `seconds`.
    pub(crate) unit: Option<&'static str>,
    /// Empty until it is described.
    pub(crate) help: OnceLock<SharedString>,
    /// Counts the measurements that went to the overflow series.
    pub(crate) overflowed: Arc<LazyCounter>,
    /// What the histograms have in common.
    pub(crate) config: Arc<HistogramConfig>,
    pub(crate) counters: SeriesMap<Counter>,
    pub(crate) gauges: SeriesMap<Gauge>,
    pub(crate) histograms: SeriesMap<Arc<Histogram>>,
}

/// The series of a family.
pub(crate) struct SeriesMap<S> {
    series: RwLock<HashMap<Key, S>>,
    // There once a measurement was beyond the limit.
    overflow: OnceLock<S>,
}

// === impl SeriesMap ===

impl<S: Clone> SeriesMap<S> {
    /// The series of this key, which is made the first time; none beyond the limit.
    pub(crate) fn get_or_add(&self, key: &Key, make: impl FnOnce() -> S) -> Option<S> {
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

    /// The overflow series.
    pub(crate) fn overflow(&self, make: impl FnOnce() -> S) -> S {
        self.overflow.get_or_init(make).clone()
    }

    /// All series; the overflow series has no key.
    pub(crate) fn all(&self) -> Vec<(Option<Key>, S)> {
        let all = self.series.read().unwrap_or_else(PoisonError::into_inner);
        all.iter()
            .map(|(key, series)| (Some(key.clone()), series.clone()))
            .chain(self.overflow.get().map(|series| (None, series.clone())))
            .collect()
    }
}

impl<S> Default for SeriesMap<S> {
    fn default() -> Self {
        Self {
            series: RwLock::default(),
            overflow: OnceLock::new(),
        }
    }
}
