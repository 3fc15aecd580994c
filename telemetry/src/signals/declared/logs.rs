//! The log lines.

use crate::signals::{Kind, Metric};

/// Log lines that were put out, by level.
pub const TELEMETRY_LOG_EVENTS: Metric = Metric {
    name: "telemetry.log.events",
    kind: Kind::Counter,
    unit: "{line}",
    help: "Log lines that were put out, by level.",
    buckets: &[],
    labels: &["level"],
};

/// Events that were left out as repeats of the same event, by level.
pub const TELEMETRY_LOG_SUPPRESSED: Metric = Metric {
    name: "telemetry.log.suppressed",
    kind: Kind::Counter,
    unit: "{event}",
    help: "Events that were left out as repeats of the same event, by level.",
    buckets: &[],
    labels: &["level"],
};

/// Log lines that were lost, since nobody took them or they could not be written.
pub const TELEMETRY_LOG_DROPPED: Metric = Metric {
    name: "telemetry.log.dropped",
    kind: Kind::Counter,
    unit: "{line}",
    help: "Log lines that were lost, since nobody took them or they could not be written.",
    buckets: &[],
    labels: &["reason"],
};

/// All of these.
pub(super) const ALL: &[&Metric] = &[
    &TELEMETRY_LOG_EVENTS,
    &TELEMETRY_LOG_SUPPRESSED,
    &TELEMETRY_LOG_DROPPED,
];
