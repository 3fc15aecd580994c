//! The metrics of `recorder.yaml`, and the series that each has.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use super::values::TelemetryMetricRejectedReason;
use crate::signals::{Counter, Kind, LabelWriter, Metric, Series};

/// Measurements that had no room for a series of their own, by metric.
pub const TELEMETRY_METRIC_OVERFLOW: Metric = Metric {
    name: "telemetry.metric.overflow",
    kind: Kind::Counter,
    unit: "{measurement}",
    help: "Measurements that had no room for a series of their own, by metric.",
    buckets: &[],
    labels: &["telemetry.metric.name"],
};

/// One series of [`TELEMETRY_METRIC_OVERFLOW`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelemetryMetricOverflow<'a> {
    /// `telemetry.metric.name`: The metric that a measurement was meant for, as Prometheus knows it.
    pub telemetry_metric_name: &'a str,
}

impl TelemetryMetricOverflow<'_> {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }
}

impl Series for TelemetryMetricOverflow<'_> {
    const METRIC: &'static Metric = &TELEMETRY_METRIC_OVERFLOW;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.telemetry_metric_name);
    }
}

/// Metrics that were recorded without being declared.
pub const TELEMETRY_METRIC_UNDECLARED: Metric = Metric {
    name: "telemetry.metric.undeclared",
    kind: Kind::Counter,
    unit: "{metric}",
    help: "Metrics that were recorded without being declared.",
    buckets: &[],
    labels: &["telemetry.metric.name"],
};

/// One series of [`TELEMETRY_METRIC_UNDECLARED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelemetryMetricUndeclared<'a> {
    /// `telemetry.metric.name`: The metric that a measurement was meant for, as Prometheus knows it.
    pub telemetry_metric_name: &'a str,
}

impl TelemetryMetricUndeclared<'_> {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }
}

impl Series for TelemetryMetricUndeclared<'_> {
    const METRIC: &'static Metric = &TELEMETRY_METRIC_UNDECLARED;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.telemetry_metric_name);
    }
}

/// Measurements that went nowhere, by metric and reason.
pub const TELEMETRY_METRIC_REJECTED: Metric = Metric {
    name: "telemetry.metric.rejected",
    kind: Kind::Counter,
    unit: "{measurement}",
    help: "Measurements that went nowhere, by metric and reason.",
    buckets: &[],
    labels: &["telemetry.metric.name", "telemetry.reason"],
};

/// One series of [`TELEMETRY_METRIC_REJECTED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelemetryMetricRejected<'a> {
    /// `telemetry.metric.name`: The metric that a measurement was meant for, as Prometheus knows it.
    pub telemetry_metric_name: &'a str,
    /// `telemetry.reason`: Why something was not taken as it came.
    pub telemetry_reason: TelemetryMetricRejectedReason,
}

impl TelemetryMetricRejected<'_> {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }
}

impl Series for TelemetryMetricRejected<'_> {
    const METRIC: &'static Metric = &TELEMETRY_METRIC_REJECTED;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.telemetry_metric_name);
        labels.known(Some((
            self.telemetry_reason as u64,
            self.telemetry_reason.as_str(),
        )));
    }
}
