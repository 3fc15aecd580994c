//! The overflow series of a metric, which takes the measurements of all series beyond the limit (Metrics SDK, cardinality
//! limits), and the handles of rejected metrics.

use std::sync::Arc;

use metrics::{Counter, CounterFn, Gauge, GaugeFn, HistogramFn, Key, Recorder};
use metrics_exporter_prometheus::PrometheusRecorder;

use super::family::Family;
use super::histogram::Histogram;
use super::lazy_counter::LazyCounter;
use super::names;
use crate::metrics::signals::METADATA;

/// The label of the overflow series.
pub(crate) const LABEL: &str = "otel_metric_overflow";

/// A counter of the overflow series: the sum of all increments. An absolute total cannot be added to others, so it is only
/// counted.
pub(crate) struct OverflowingCounter {
    pub(crate) series: Counter,
    pub(crate) overflowed: Arc<LazyCounter>,
}

/// A gauge of the overflow series: the sum of all increments and decrements. A gauge set on the overflow series would
/// overwrite other series' values, so only count it; the series is made by the first increment or decrement.
pub(crate) struct OverflowingGauge {
    pub(crate) exporter: Arc<PrometheusRecorder>,
    pub(crate) family: Arc<Family>,
}

/// A histogram of the overflow series.
pub(crate) struct OverflowingHistogram {
    pub(crate) series: Arc<Histogram>,
    pub(crate) overflowed: Arc<LazyCounter>,
}

/// Drops the measurements of a metric that was rejected, and counts them.
pub(crate) struct RejectedHandle(pub(crate) Arc<LazyCounter>);

/// A key with the label of the overflow series.
pub(crate) fn key() -> Key {
    Key::from_parts("", &[(LABEL, "true")])
}

// === impl OverflowingCounter ===

impl CounterFn for OverflowingCounter {
    fn increment(&self, value: u64) {
        self.overflowed.add(1);
        self.series.increment(value);
    }

    fn absolute(&self, _value: u64) {
        self.overflowed.add(1);
    }
}

// === impl OverflowingGauge ===

impl OverflowingGauge {
    fn series(&self) -> Gauge {
        self.family.overflowed.add(1);
        self.family.gauges.overflow(|| {
            let key = names::for_exporter(&self.family.name, &key());
            self.exporter.register_gauge(&key, &METADATA)
        })
    }
}

impl GaugeFn for OverflowingGauge {
    fn increment(&self, value: f64) {
        self.series().increment(value);
    }

    fn decrement(&self, value: f64) {
        self.series().decrement(value);
    }

    fn set(&self, _value: f64) {
        self.family.overflowed.add(1);
    }
}

// === impl OverflowingHistogram ===

impl HistogramFn for OverflowingHistogram {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        self.overflowed.add(count as u64);
        self.series.record_many(value, count);
    }
}

// === impl RejectedHandle ===

impl CounterFn for RejectedHandle {
    fn increment(&self, _value: u64) {
        self.0.add(1);
    }

    fn absolute(&self, _value: u64) {
        self.0.add(1);
    }
}

impl GaugeFn for RejectedHandle {
    fn increment(&self, _value: f64) {
        self.0.add(1);
    }

    fn decrement(&self, _value: f64) {
        self.0.add(1);
    }

    fn set(&self, _value: f64) {
        self.0.add(1);
    }
}

impl HistogramFn for RejectedHandle {
    fn record(&self, _value: f64) {
        self.0.add(1);
    }
}
