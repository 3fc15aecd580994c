//! What the generated types of the metrics have in common: each value of one is a series.

use std::cell::RefCell;

use metrics::{Counter, Gauge, Histogram, Key, Label, SharedString};

use super::decimal::Decimal;
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

    /// Writes the values of the labels, in the order in which the metric declares them.
    fn write_labels(&self, labels: &mut impl LabelWriter);

    /// The counter of this series.
    fn counter(&self) -> Counter {
        counter(self, Counter::clone)
    }

    /// The gauge of this series.
    fn gauge(&self) -> Gauge {
        gauge(self, Gauge::clone)
    }

    /// The histogram of this series.
    fn histogram(&self) -> Histogram {
        histogram(self, Histogram::clone)
    }

    /// Counts this many more.
    fn add(&self, count: u64) {
        counter(self, |counter| counter.increment(count));
    }

    /// Sets the gauge to this.
    fn set(&self, value: f64) {
        gauge(self, |gauge| gauge.set(value));
    }

    /// Records a measurement.
    fn record(&self, value: f64) {
        histogram(self, |histogram| histogram.record(value));
    }

    /// Exposes a total that is counted elsewhere.
    fn observe(&self, total: f64) {
        // The facade's counters are whole numbers, so it goes through a gauge, and the recorder knows better.
        self.set(total);
    }
}

/// Takes the values of a series' labels, one after the other. `None` is written as an empty text.
pub trait LabelWriter {
    /// One of a closed set of values: its place in there, and its text.
    fn known(&mut self, value: Option<(u64, &'static str)>);

    /// A number.
    fn number(&mut self, value: Option<i64>);

    /// Any text.
    fn text(&mut self, value: &str);
}

/// Collects the values of the labels as texts.
#[derive(Default)]
struct Texts(Vec<SharedString>);

fn counter<R>(series: &(impl Series + ?Sized), act: impl Fn(&Counter) -> R) -> R {
    let register =
        |recorder: &dyn metrics::Recorder, key: &Key| recorder.register_counter(key, &METADATA);
    handles::find(&COUNTERS, series, register, act)
}

fn gauge<R>(series: &(impl Series + ?Sized), act: impl Fn(&Gauge) -> R) -> R {
    let register =
        |recorder: &dyn metrics::Recorder, key: &Key| recorder.register_gauge(key, &METADATA);
    handles::find(&GAUGES, series, register, act)
}

fn histogram<R>(series: &(impl Series + ?Sized), act: impl Fn(&Histogram) -> R) -> R {
    let register =
        |recorder: &dyn metrics::Recorder, key: &Key| recorder.register_histogram(key, &METADATA);
    handles::find(&HISTOGRAMS, series, register, act)
}

/// The key of a series.
pub(crate) fn key<S: Series + ?Sized>(series: &S) -> Key {
    let mut texts = Texts::default();
    series.write_labels(&mut texts);
    debug_assert_eq!(S::METRIC.labels.len(), texts.0.len(), "{}", S::METRIC.name);
    key_of(S::METRIC, texts.0)
}

/// The key of the series of a metric with these values of its labels, in their order.
pub(super) fn key_of(metric: &Metric, values: Vec<SharedString>) -> Key {
    let labels = metric
        .labels
        .iter()
        .zip(values)
        .map(|(key, value)| Label::new(label_name(key), value))
        .collect::<Vec<_>>();
    Key::from_parts(SharedString::const_str(exposed(metric)), labels)
}

// === impl Texts ===

impl LabelWriter for Texts {
    fn known(&mut self, value: Option<(u64, &'static str)>) {
        let text = value.map_or("", |(_, text)| text);
        self.0.push(SharedString::const_str(text));
    }

    fn number(&mut self, value: Option<i64>) {
        let text = value.map_or(Decimal::NONE, Decimal::of);
        self.text(text.as_str());
    }

    fn text(&mut self, value: &str) {
        self.0.push(value.to_owned().into());
    }
}
