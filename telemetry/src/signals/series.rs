//! What the generated types of the metrics have in common: each value of one is a series.

use std::cell::RefCell;

use metrics::{Counter, Gauge, Histogram, Key, Label, SharedString};

use super::handles::{self, Handles};
use super::{METADATA, Metric, exposed, label_name};

thread_local! {
    static COUNTERS: RefCell<Handles<Counter>> = RefCell::default();
    static GAUGES: RefCell<Handles<Gauge>> = RefCell::default();
    static HISTOGRAMS: RefCell<Handles<Histogram>> = RefCell::default();
}

/// One series of a metric: for the code that is generated from a registry, whose types have methods of their own that
/// fit their kind.
///
/// Finding the handle of a series that the thread has used lately costs neither an allocation nor a lock.
pub trait Series {
    /// The metric.
    const METRIC: &'static Metric;

    /// Hands over the values of the labels, in the order in which the metric declares them; an empty one is none.
    fn with_values<R>(&self, read: impl FnOnce(&[&str]) -> R) -> R;

    /// The counter of this series.
    fn counter(&self) -> Counter {
        self.with_values(|values| {
            handles::find(&COUNTERS, Self::METRIC, values, |recorder, key| {
                recorder.register_counter(key, &METADATA)
            })
        })
    }

    /// The gauge of this series.
    fn gauge(&self) -> Gauge {
        self.with_values(|values| {
            handles::find(&GAUGES, Self::METRIC, values, |recorder, key| {
                recorder.register_gauge(key, &METADATA)
            })
        })
    }

    /// The histogram of this series.
    fn histogram(&self) -> Histogram {
        self.with_values(|values| {
            handles::find(&HISTOGRAMS, Self::METRIC, values, |recorder, key| {
                recorder.register_histogram(key, &METADATA)
            })
        })
    }

    /// Shows what is counted elsewhere.
    fn observe(&self, total: f64) {
        // The facade's counters are whole numbers, so it goes through a gauge, and the recorder knows better.
        self.gauge().set(total);
    }
}

/// The key of the series of a metric with these values of its labels, in their order.
pub(crate) fn key(metric: &Metric, values: &[&str]) -> Key {
    debug_assert_eq!(metric.labels.len(), values.len(), "{}", metric.name);
    let labels = metric
        .labels
        .iter()
        .zip(values)
        .map(|(key, value)| Label::new(label_name(key), (*value).to_owned()))
        .collect::<Vec<_>>();
    Key::from_parts(SharedString::const_str(exposed(metric)), labels)
}
