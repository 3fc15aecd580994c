//! What stands for the series that a metric has no room for: one series for all of them, by the specification
//! (Metrics SDK, cardinality limits), and a count of what it swallowed.

use std::sync::Arc;

use metrics::{Counter, CounterFn, Gauge, GaugeFn, HistogramFn, Key, Recorder};
use metrics_exporter_prometheus::PrometheusRecorder;

use super::family::Family;
use super::histogram::Histogram;
use super::names;
use super::tally::Tally;
use crate::metrics::signals::METADATA;

/// The label of the one series.
pub(crate) const LABEL: &str = "otel_metric_overflow";

/// The sum of what was counted. A total that was read elsewhere cannot be added to others and is only counted.
pub(crate) struct OverflowingCounter {
    pub(crate) into: Counter,
    pub(crate) swallowed: Arc<Tally>,
}

/// The sum of what was added and taken away, as if the label with too many values did not exist. A value that is
/// set cannot be added to others and is only counted; there is no series as long as nothing else comes.
pub(crate) struct OverflowingGauge {
    pub(crate) exporter: Arc<PrometheusRecorder>,
    pub(crate) family: Arc<Family>,
}

/// All measurements in one distribution.
pub(crate) struct OverflowingHistogram {
    pub(crate) into: Arc<Histogram>,
    pub(crate) swallowed: Arc<Tally>,
}

/// Takes the measurements that go nowhere.
pub(crate) struct Refused(pub(crate) Arc<Tally>);

/// The labels of the one series, as a key.
pub(crate) fn key() -> Key {
    Key::from_parts("", &[(LABEL, "true")])
}

// === impl OverflowingCounter ===

impl CounterFn for OverflowingCounter {
    fn increment(&self, value: u64) {
        self.swallowed.add(1);
        self.into.increment(value);
    }

    fn absolute(&self, _value: u64) {
        self.swallowed.add(1);
    }
}

// === impl OverflowingGauge ===

impl OverflowingGauge {
    fn into(&self) -> Gauge {
        self.family.swallowed.add(1);
        self.family.gauges.overflow(|| {
            let key = names::for_exporter(&self.family.name, &key());
            self.exporter.register_gauge(&key, &METADATA)
        })
    }
}

impl GaugeFn for OverflowingGauge {
    fn increment(&self, value: f64) {
        self.into().increment(value);
    }

    fn decrement(&self, value: f64) {
        self.into().decrement(value);
    }

    fn set(&self, _value: f64) {
        self.family.swallowed.add(1);
    }
}

// === impl OverflowingHistogram ===

impl HistogramFn for OverflowingHistogram {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    fn record_many(&self, value: f64, count: usize) {
        self.swallowed.add(count as u64);
        self.into.record_many(value, count);
    }
}

// === impl Refused ===

impl CounterFn for Refused {
    fn increment(&self, _value: u64) {
        self.0.add(1);
    }

    fn absolute(&self, _value: u64) {
        self.0.add(1);
    }
}

impl GaugeFn for Refused {
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

impl HistogramFn for Refused {
    fn record(&self, _value: f64) {
        self.0.add(1);
    }
}
