//! The metrics of a capture.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_util::registry::{AtomicStorage, Registry};

use crate::metrics::signals::Metric;

thread_local! {
    /// The capture that the thread records metrics for.
    pub(super) static CURRENT: RefCell<Option<Arc<Measured>>> = const { RefCell::new(None) };
}

/// The metrics registry of a capture.
pub(super) struct Measured(Registry<Key, AtomicStorage>);

/// The recorder of every thread that takes part in a capture.
pub(super) struct CurrentRecorder;

/// A snapshot of the metrics.
///
/// Labels select the series that have all of them, by their declared (dotted) keys or as Prometheus shows them. The values of
/// several series are added up for counters and gauges, and concatenated for histograms.
#[derive(Debug, Clone)]
pub struct Metrics(Vec<Series>);

/// The name of a metric: its declaration, or the name in Prometheus, `kitchen_soups_total`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricName(String);

#[derive(Debug, Clone)]
struct Series {
    key: Key,
    value: Value,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    Counter(u64),
    Gauge(f64),
    Histogram(Vec<f64>),
}

// === impl Metrics ===

impl Metrics {
    /// The value of a counter.
    ///
    /// # Panics
    ///
    /// When there is no such counter. The message lists the series that there are.
    #[track_caller]
    pub fn counter(&self, name: impl Into<MetricName>, labels: &[(&str, &str)]) -> u64 {
        let found = self.find(&name.into(), labels, |value| match value {
            Value::Counter(count) => Some(*count),
            _ => None,
        });
        found.into_iter().sum()
    }

    /// The value of a gauge.
    ///
    /// # Panics
    ///
    /// When there is no such gauge. The message lists the series that there are.
    #[track_caller]
    pub fn gauge(&self, name: impl Into<MetricName>, labels: &[(&str, &str)]) -> f64 {
        let found = self.find(&name.into(), labels, |value| match value {
            Value::Gauge(level) => Some(*level),
            _ => None,
        });
        found.into_iter().sum()
    }

    /// The recorded values of a histogram, in ascending order.
    ///
    /// # Panics
    ///
    /// When there is no such histogram. The message lists the series that there are.
    #[track_caller]
    pub fn histogram(&self, name: impl Into<MetricName>, labels: &[(&str, &str)]) -> Vec<f64> {
        let found = self.find(&name.into(), labels, |value| match value {
            Value::Histogram(values) => Some(values.clone()),
            _ => None,
        });
        let mut values = found.concat();
        values.sort_by(f64::total_cmp);
        values
    }

    /// Whether there is any such series.
    pub fn has(&self, name: impl Into<MetricName>, labels: &[(&str, &str)]) -> bool {
        let name = name.into();
        self.0.iter().any(|series| series.is(&name, labels))
    }

    #[track_caller]
    fn find<T>(
        &self,
        name: &MetricName,
        labels: &[(&str, &str)],
        value: impl Fn(&Value) -> Option<T>,
    ) -> Vec<T> {
        let found: Vec<T> = self
            .0
            .iter()
            .filter(|series| series.is(name, labels))
            .filter_map(|series| value(&series.value))
            .collect();
        assert!(
            !found.is_empty(),
            "there is no series {}{labels:?}; there are:\n{self}",
            name.0
        );
        found
    }
}

/// A line for each series.
impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|series| {
            let labels = series.key.labels();
            let labels: Vec<_> = labels.map(|label| (label.key(), label.value())).collect();
            writeln!(f, "  {}{labels:?}: {:?}", series.key.name(), series.value)
        })
    }
}

// === impl Series ===

impl Series {
    fn is(&self, name: &MetricName, labels: &[(&str, &str)]) -> bool {
        self.key.name() == name.0
            && labels.iter().all(|(key, value)| {
                let key = key.replace(['.', '-'], "_");
                self.key
                    .labels()
                    .any(|label| label.key() == key && label.value() == *value)
            })
    }
}

// === impl MetricName ===

impl From<&Metric> for MetricName {
    fn from(metric: &Metric) -> Self {
        Self(metric.prometheus_name())
    }
}

impl From<&str> for MetricName {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

// === impl Measured ===

impl Measured {
    pub(super) fn so_far(&self) -> Metrics {
        let mut series = Vec::new();
        let mut add = |key: &Key, value| {
            series.push(Series {
                key: key.clone(),
                value,
            });
        };
        self.0.visit_counters(|key, counter| {
            add(key, Value::Counter(counter.load(Ordering::Acquire)));
        });
        self.0.visit_gauges(|key, gauge| {
            add(
                key,
                Value::Gauge(f64::from_bits(gauge.load(Ordering::Acquire))),
            );
        });
        self.0.visit_histograms(|key, histogram| {
            add(key, Value::Histogram(histogram.data()));
        });
        series.sort_by(|one, other| one.key.cmp(&other.key));
        Metrics(series)
    }
}

impl Default for Measured {
    fn default() -> Self {
        Self(Registry::new(AtomicStorage))
    }
}

impl fmt::Debug for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.so_far(), f)
    }
}

// === impl CurrentRecorder ===

impl CurrentRecorder {
    fn measure<T>(otherwise: T, register: impl FnOnce(&Registry<Key, AtomicStorage>) -> T) -> T {
        CURRENT.with_borrow(|current| match current {
            Some(measured) => register(&measured.0),
            None => otherwise,
        })
    }
}

impl Recorder for CurrentRecorder {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Self::measure(Counter::noop(), |registry| {
            registry.get_or_create_counter(key, |counter| Counter::from_arc(Arc::clone(counter)))
        })
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Self::measure(Gauge::noop(), |registry| {
            registry.get_or_create_gauge(key, |gauge| Gauge::from_arc(Arc::clone(gauge)))
        })
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Self::measure(Histogram::noop(), |registry| {
            registry.get_or_create_histogram(key, |values| Histogram::from_arc(Arc::clone(values)))
        })
    }
}
