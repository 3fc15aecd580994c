//! The metrics of `kitchen.yaml`, and the series that each has.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use super::values::{DishOutcome, DishSize};
use telemetry::signals::{Counter, Gauge, Histogram, Kind, LabelWriter, Metric, Series};

/// Soups served.
pub const SOUPS: Metric = Metric {
    name: "kitchen.soups",
    kind: Kind::Counter,
    unit: "{soup}",
    help: "Soups served.",
    buckets: &[],
    labels: &["dish.size", "dish.outcome"],
};

/// One series of [`SOUPS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Soups {
    /// `dish.size`: How large a dish is.
    pub dish_size: Option<DishSize>,
    /// `dish.outcome`: What became of a dish.
    pub dish_outcome: Option<DishOutcome>,
}

impl Soups {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }
}

impl Series for Soups {
    const METRIC: &'static Metric = &SOUPS;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(self.dish_size.map(|value| (value as u64, value.as_str())));
        labels.known(
            self.dish_outcome
                .map(|value| (value as u64, value.as_str())),
        );
    }
}

/// How hot the stove is.
pub const HEAT: Metric = Metric {
    name: "kitchen.heat",
    kind: Kind::Gauge,
    unit: "Cel",
    help: "How hot the stove is.",
    buckets: &[],
    labels: &[],
};

/// One series of [`HEAT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heat;

impl Heat {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for Heat {
    const METRIC: &'static Metric = &HEAT;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// How long dishes took to prepare.
pub const PREPARATION_DURATION: Metric = Metric {
    name: "kitchen.preparation.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long dishes took to prepare.",
    buckets: &[1.0, 10.0, 60.0, 600.0],
    labels: &["dish.size", "error.type"],
};

/// One series of [`PREPARATION_DURATION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreparationDuration<'a> {
    /// `dish.size`: How large a dish is.
    pub dish_size: DishSize,
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<&'a str>,
}

impl PreparationDuration<'_> {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for PreparationDuration<'_> {
    const METRIC: &'static Metric = &PREPARATION_DURATION;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((self.dish_size as u64, self.dish_size.as_str())));
        labels.text(self.error_type.unwrap_or_default());
    }
}
