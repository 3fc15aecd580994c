//! What the recorder of the metrics could not take as it came.

use crate::signals::{Kind, Metric};

/// Measurements that had no room for a series of their own, by metric.
pub const TELEMETRY_METRIC_OVERFLOW: Metric = Metric {
    name: "telemetry.metric.overflow",
    kind: Kind::Counter,
    unit: "{measurement}",
    help: "Measurements that had no room for a series of their own, by metric.",
    buckets: &[],
    labels: &["metric"],
};

/// Metrics that were recorded without being declared.
pub const TELEMETRY_METRIC_UNDECLARED: Metric = Metric {
    name: "telemetry.metric.undeclared",
    kind: Kind::Counter,
    unit: "{metric}",
    help: "Metrics that were recorded without being declared.",
    buckets: &[],
    labels: &["metric"],
};

/// Measurements that went nowhere, by metric and reason: `kind_conflict`, `too_many_metrics` or `not_finite`.
pub const TELEMETRY_METRIC_REJECTED: Metric = Metric {
    name: "telemetry.metric.rejected",
    kind: Kind::Counter,
    unit: "{measurement}",
    help: "Measurements that went nowhere, by metric and reason.",
    buckets: &[],
    labels: &["metric", "reason"],
};

/// All of these.
pub(super) const ALL: &[&Metric] = &[
    &TELEMETRY_METRIC_OVERFLOW,
    &TELEMETRY_METRIC_UNDECLARED,
    &TELEMETRY_METRIC_REJECTED,
];
