//! The metrics of `logs.yaml`, and the series that each has.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use super::values::{TelemetryLogDroppedReason, TelemetryLogLevel};
use crate::signals::{Counter, Kind, LabelWriter, Metric, Series};

/// Log lines that were put out, by level.
pub const TELEMETRY_LOG_EVENTS: Metric = Metric {
    name: "telemetry.log.events",
    kind: Kind::Counter,
    unit: "{line}",
    help: "Log lines that were put out, by level.",
    buckets: &[],
    labels: &["telemetry.log.level"],
};

/// One series of [`TELEMETRY_LOG_EVENTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelemetryLogEvents {
    /// `telemetry.log.level`: The level of a log line.
    pub telemetry_log_level: TelemetryLogLevel,
}

impl TelemetryLogEvents {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        for telemetry_log_level in TelemetryLogLevel::ALL {
            Self {
                telemetry_log_level,
            }
            .add(0);
        }
    }
}

impl Series for TelemetryLogEvents {
    const METRIC: &'static Metric = &TELEMETRY_LOG_EVENTS;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((
            self.telemetry_log_level as u64,
            self.telemetry_log_level.as_str(),
        )));
    }
}

/// Events that were left out as repeats of the same event, by level.
pub const TELEMETRY_LOG_SUPPRESSED: Metric = Metric {
    name: "telemetry.log.suppressed",
    kind: Kind::Counter,
    unit: "{event}",
    help: "Events that were left out as repeats of the same event, by level.",
    buckets: &[],
    labels: &["telemetry.log.level"],
};

/// One series of [`TELEMETRY_LOG_SUPPRESSED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelemetryLogSuppressed {
    /// `telemetry.log.level`: The level of a log line.
    pub telemetry_log_level: TelemetryLogLevel,
}

impl TelemetryLogSuppressed {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        for telemetry_log_level in TelemetryLogLevel::ALL {
            Self {
                telemetry_log_level,
            }
            .add(0);
        }
    }
}

impl Series for TelemetryLogSuppressed {
    const METRIC: &'static Metric = &TELEMETRY_LOG_SUPPRESSED;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((
            self.telemetry_log_level as u64,
            self.telemetry_log_level.as_str(),
        )));
    }
}

/// Log lines that were lost, since nobody took them or they could not be written.
pub const TELEMETRY_LOG_DROPPED: Metric = Metric {
    name: "telemetry.log.dropped",
    kind: Kind::Counter,
    unit: "{line}",
    help: "Log lines that were lost, since nobody took them or they could not be written.",
    buckets: &[],
    labels: &["telemetry.reason"],
};

/// One series of [`TELEMETRY_LOG_DROPPED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelemetryLogDropped {
    /// `telemetry.reason`: Why something was not taken as it came.
    pub telemetry_reason: TelemetryLogDroppedReason,
}

impl TelemetryLogDropped {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        for telemetry_reason in TelemetryLogDroppedReason::ALL {
            Self { telemetry_reason }.add(0);
        }
    }
}

impl Series for TelemetryLogDropped {
    const METRIC: &'static Metric = &TELEMETRY_LOG_DROPPED;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((
            self.telemetry_reason as u64,
            self.telemetry_reason.as_str(),
        )));
    }
}
