//! The metrics of `pipeline.yaml`, and the series that each has.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use super::values::{
    OtelSdkExporterSpanExportedErrorType, OtelSdkProcessorSpanProcessedErrorType,
    RpcResponseStatusCode, TelemetryContextRejectedReason, TelemetrySamplingFetchesErrorType,
    TelemetrySpanExcludedReason,
};
use crate::signals::{Counter, Gauge, Histogram, Kind, LabelWriter, Metric, Series};

/// Sampled spans that were started.
pub const OTEL_SDK_SPAN_STARTED: Metric = Metric {
    name: "otel.sdk.span.started",
    kind: Kind::Counter,
    unit: "{span}",
    help: "Sampled spans that were started.",
    buckets: &[],
    labels: &[],
};

/// One series of [`OTEL_SDK_SPAN_STARTED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtelSdkSpanStarted;

impl OtelSdkSpanStarted {
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
        Self.add(0);
    }
}

impl Series for OtelSdkSpanStarted {
    const METRIC: &'static Metric = &OTEL_SDK_SPAN_STARTED;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Sampled spans that have started and not ended.
pub const OTEL_SDK_SPAN_LIVE: Metric = Metric {
    name: "otel.sdk.span.live",
    kind: Kind::Gauge,
    unit: "{span}",
    help: "Sampled spans that have started and not ended.",
    buckets: &[],
    labels: &[],
};

/// One series of [`OTEL_SDK_SPAN_LIVE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtelSdkSpanLive;

impl OtelSdkSpanLive {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for OtelSdkSpanLive {
    const METRIC: &'static Metric = &OTEL_SDK_SPAN_LIVE;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Ended spans that wait for their export.
pub const OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE: Metric = Metric {
    name: "otel.sdk.processor.span.queue.size",
    kind: Kind::Gauge,
    unit: "{span}",
    help: "Ended spans that wait for their export.",
    buckets: &[],
    labels: &[],
};

/// One series of [`OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtelSdkProcessorSpanQueueSize;

impl OtelSdkProcessorSpanQueueSize {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for OtelSdkProcessorSpanQueueSize {
    const METRIC: &'static Metric = &OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// How many ended spans may wait for their export; more are dropped.
pub const OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY: Metric = Metric {
    name: "otel.sdk.processor.span.queue.capacity",
    kind: Kind::Gauge,
    unit: "{span}",
    help: "How many ended spans may wait for their export; more are dropped.",
    buckets: &[],
    labels: &[],
};

/// One series of [`OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtelSdkProcessorSpanQueueCapacity;

impl OtelSdkProcessorSpanQueueCapacity {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for OtelSdkProcessorSpanQueueCapacity {
    const METRIC: &'static Metric = &OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Ended spans that were handed to the exporter, or dropped before that for the reason that the label names.
pub const OTEL_SDK_PROCESSOR_SPAN_PROCESSED: Metric = Metric {
    name: "otel.sdk.processor.span.processed",
    kind: Kind::Counter,
    unit: "{span}",
    help: "Ended spans that were handed to the exporter, or dropped before that for the reason that the label names.",
    buckets: &[],
    labels: &["error.type"],
};

/// One series of [`OTEL_SDK_PROCESSOR_SPAN_PROCESSED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtelSdkProcessorSpanProcessed {
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<OtelSdkProcessorSpanProcessedErrorType>,
}

impl OtelSdkProcessorSpanProcessed {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }
}

impl Series for OtelSdkProcessorSpanProcessed {
    const METRIC: &'static Metric = &OTEL_SDK_PROCESSOR_SPAN_PROCESSED;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(self.error_type.map(|value| (value as u64, value.as_str())));
    }
}

/// Spans handed to the exporter whose result is not known yet.
pub const OTEL_SDK_EXPORTER_SPAN_INFLIGHT: Metric = Metric {
    name: "otel.sdk.exporter.span.inflight",
    kind: Kind::Gauge,
    unit: "{span}",
    help: "Spans handed to the exporter whose result is not known yet.",
    buckets: &[],
    labels: &[],
};

/// One series of [`OTEL_SDK_EXPORTER_SPAN_INFLIGHT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtelSdkExporterSpanInflight;

impl OtelSdkExporterSpanInflight {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for OtelSdkExporterSpanInflight {
    const METRIC: &'static Metric = &OTEL_SDK_EXPORTER_SPAN_INFLIGHT;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Spans whose export is finished: accepted by the collector, or failed for the reason that the label names.
pub const OTEL_SDK_EXPORTER_SPAN_EXPORTED: Metric = Metric {
    name: "otel.sdk.exporter.span.exported",
    kind: Kind::Counter,
    unit: "{span}",
    help: "Spans whose export is finished: accepted by the collector, or failed for the reason that the label names.",
    buckets: &[],
    labels: &["error.type"],
};

/// One series of [`OTEL_SDK_EXPORTER_SPAN_EXPORTED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtelSdkExporterSpanExported {
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<OtelSdkExporterSpanExportedErrorType>,
}

impl OtelSdkExporterSpanExported {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }
}

impl Series for OtelSdkExporterSpanExported {
    const METRIC: &'static Metric = &OTEL_SDK_EXPORTER_SPAN_EXPORTED;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(self.error_type.map(|value| (value as u64, value.as_str())));
    }
}

/// How long exporting a batch of spans took.
pub const OTEL_SDK_EXPORTER_OPERATION_DURATION: Metric = Metric {
    name: "otel.sdk.exporter.operation.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long exporting a batch of spans took.",
    buckets: &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0],
    labels: &[
        "error.type",
        "http.response.status_code",
        "rpc.response.status_code",
    ],
};

/// One series of [`OTEL_SDK_EXPORTER_OPERATION_DURATION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OtelSdkExporterOperationDuration {
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<OtelSdkExporterSpanExportedErrorType>,
    /// `http.response.status_code`: As the semantic conventions define it.
    pub http_response_status_code: Option<i64>,
    /// `rpc.response.status_code`: As the semantic conventions define it.
    pub rpc_response_status_code: Option<RpcResponseStatusCode>,
}

impl OtelSdkExporterOperationDuration {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for OtelSdkExporterOperationDuration {
    const METRIC: &'static Metric = &OTEL_SDK_EXPORTER_OPERATION_DURATION;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(self.error_type.map(|value| (value as u64, value.as_str())));
        labels.number(self.http_response_status_code);
        labels.known(
            self.rpc_response_status_code
                .map(|value| (value as u64, value.as_str())),
        );
    }
}

/// `tracing` spans whose level is wanted and that were not made, since they are OpenTelemetry's own or were opened where telemetry is suppressed, as in the exporter.
pub const TELEMETRY_SPAN_EXCLUDED: Metric = Metric {
    name: "telemetry.span.excluded",
    kind: Kind::Counter,
    unit: "{span}",
    help: "`tracing` spans whose level is wanted and that were not made, since they are OpenTelemetry's own or were opened where telemetry is suppressed, as in the exporter.",
    buckets: &[],
    labels: &["telemetry.reason"],
};

/// One series of [`TELEMETRY_SPAN_EXCLUDED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelemetrySpanExcluded {
    /// `telemetry.reason`: Why something was not taken as it came.
    pub telemetry_reason: TelemetrySpanExcludedReason,
}

impl TelemetrySpanExcluded {
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
        for telemetry_reason in TelemetrySpanExcludedReason::ALL {
            Self { telemetry_reason }.add(0);
        }
    }
}

impl Series for TelemetrySpanExcluded {
    const METRIC: &'static Metric = &TELEMETRY_SPAN_EXCLUDED;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((
            self.telemetry_reason as u64,
            self.telemetry_reason.as_str(),
        )));
    }
}

/// Contexts and parts of them that were not taken over or not passed on, by reason.
pub const TELEMETRY_CONTEXT_REJECTED: Metric = Metric {
    name: "telemetry.context.rejected",
    kind: Kind::Counter,
    unit: "{context}",
    help: "Contexts and parts of them that were not taken over or not passed on, by reason.",
    buckets: &[],
    labels: &["telemetry.reason"],
};

/// One series of [`TELEMETRY_CONTEXT_REJECTED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelemetryContextRejected {
    /// `telemetry.reason`: Why something was not taken as it came.
    pub telemetry_reason: TelemetryContextRejectedReason,
}

impl TelemetryContextRejected {
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
        for telemetry_reason in TelemetryContextRejectedReason::ALL {
            Self { telemetry_reason }.add(0);
        }
    }
}

impl Series for TelemetryContextRejected {
    const METRIC: &'static Metric = &TELEMETRY_CONTEXT_REJECTED;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((
            self.telemetry_reason as u64,
            self.telemetry_reason.as_str(),
        )));
    }
}

/// Events of recorded streams that got no trace of their own, since all streams together have had as many as they may in a second.
pub const TELEMETRY_STREAM_EVENTS_UNTRACED: Metric = Metric {
    name: "telemetry.stream.events.untraced",
    kind: Kind::Counter,
    unit: "{event}",
    help: "Events of recorded streams that got no trace of their own, since all streams together have had as many as they may in a second.",
    buckets: &[],
    labels: &[],
};

/// One series of [`TELEMETRY_STREAM_EVENTS_UNTRACED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelemetryStreamEventsUntraced;

impl TelemetryStreamEventsUntraced {
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
        Self.add(0);
    }
}

impl Series for TelemetryStreamEventsUntraced {
    const METRIC: &'static Metric = &TELEMETRY_STREAM_EVENTS_UNTRACED;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Questions to Jaeger for a sampling strategy; the label says why there was no usable answer.
pub const TELEMETRY_SAMPLING_FETCHES: Metric = Metric {
    name: "telemetry.sampling.fetches",
    kind: Kind::Counter,
    unit: "{fetch}",
    help: "Questions to Jaeger for a sampling strategy; the label says why there was no usable answer.",
    buckets: &[],
    labels: &["error.type"],
};

/// One series of [`TELEMETRY_SAMPLING_FETCHES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelemetrySamplingFetches {
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<TelemetrySamplingFetchesErrorType>,
}

impl TelemetrySamplingFetches {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }
}

impl Series for TelemetrySamplingFetches {
    const METRIC: &'static Metric = &TELEMETRY_SAMPLING_FETCHES;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(self.error_type.map(|value| (value as u64, value.as_str())));
    }
}

/// Variables of the environment that were ignored, since their values could not be used; all unknown ones are `_OTHER`.
pub const TELEMETRY_CONFIGURATION_REJECTED: Metric = Metric {
    name: "telemetry.configuration.rejected",
    kind: Kind::Counter,
    unit: "{variable}",
    help: "Variables of the environment that were ignored, since their values could not be used; all unknown ones are `_OTHER`.",
    buckets: &[],
    labels: &["telemetry.variable"],
};

/// One series of [`TELEMETRY_CONFIGURATION_REJECTED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelemetryConfigurationRejected<'a> {
    /// `telemetry.variable`: A variable of the environment that the crate knows, or `_OTHER`.
    pub telemetry_variable: &'a str,
}

impl TelemetryConfigurationRejected<'_> {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }
}

impl Series for TelemetryConfigurationRejected<'_> {
    const METRIC: &'static Metric = &TELEMETRY_CONFIGURATION_REJECTED;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.telemetry_variable);
    }
}
