//! The telemetry's own: the way of the spans, and what it could not use.

use crate::signals::{FAST_BUCKETS, Kind, Metric};

/// Sampled spans that were started.
pub const OTEL_SDK_SPAN_STARTED: Metric = Metric {
    name: "otel.sdk.span.started",
    kind: Kind::Counter,
    unit: "{span}",
    help: "Sampled spans that were started.",
    buckets: &[],
    labels: &[],
};

/// Sampled spans that have started and not ended.
pub const OTEL_SDK_SPAN_LIVE: Metric = Metric {
    name: "otel.sdk.span.live",
    kind: Kind::Gauge,
    unit: "{span}",
    help: "Sampled spans that have started and not ended.",
    buckets: &[],
    labels: &[],
};

/// Ended spans that wait for their export.
pub const OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE: Metric = Metric {
    name: "otel.sdk.processor.span.queue.size",
    kind: Kind::Gauge,
    unit: "{span}",
    help: "Ended spans that wait for their export.",
    buckets: &[],
    labels: &[],
};

/// How many ended spans may wait for their export; more are dropped.
pub const OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY: Metric = Metric {
    name: "otel.sdk.processor.span.queue.capacity",
    kind: Kind::Gauge,
    unit: "{span}",
    help: "How many ended spans may wait for their export; more are dropped.",
    buckets: &[],
    labels: &[],
};

/// Ended spans that were handed to the exporter, or dropped before that for the reason that the label names.
pub const OTEL_SDK_PROCESSOR_SPAN_PROCESSED: Metric = Metric {
    name: "otel.sdk.processor.span.processed",
    kind: Kind::Counter,
    unit: "{span}",
    help: "Ended spans that were handed to the exporter, or dropped before that for the reason that the label names.",
    buckets: &[],
    labels: &["error.type"],
};

/// Spans handed to the exporter whose result is not known yet.
pub const OTEL_SDK_EXPORTER_SPAN_INFLIGHT: Metric = Metric {
    name: "otel.sdk.exporter.span.inflight",
    kind: Kind::Gauge,
    unit: "{span}",
    help: "Spans handed to the exporter whose result is not known yet.",
    buckets: &[],
    labels: &[],
};

/// Spans whose export is finished: accepted by the collector, or failed for the reason that the label names.
pub const OTEL_SDK_EXPORTER_SPAN_EXPORTED: Metric = Metric {
    name: "otel.sdk.exporter.span.exported",
    kind: Kind::Counter,
    unit: "{span}",
    help: "Spans whose export is finished: accepted by the collector, or failed for the reason that the label names.",
    buckets: &[],
    labels: &["error.type"],
};

/// How long exporting a batch of spans took.
pub const OTEL_SDK_EXPORTER_OPERATION_DURATION: Metric = Metric {
    name: "otel.sdk.exporter.operation.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long exporting a batch of spans took.",
    buckets: FAST_BUCKETS,
    labels: &[
        "error.type",
        "http.response.status_code",
        "rpc.response.status_code",
    ],
};

/// Contexts and parts of them that were not taken over or not passed on, by reason.
pub const TELEMETRY_CONTEXT_REJECTED: Metric = Metric {
    name: "telemetry.context.rejected",
    kind: Kind::Counter,
    unit: "{context}",
    help: "Contexts and parts of them that were not taken over or not passed on, by reason.",
    buckets: &[],
    labels: &["reason"],
};

/// Questions to Jaeger for a sampling strategy; the label says why there was no usable answer.
pub const TELEMETRY_SAMPLING_FETCHES: Metric = Metric {
    name: "telemetry.sampling.fetches",
    kind: Kind::Counter,
    unit: "{fetch}",
    help: "Questions to Jaeger for a sampling strategy; the label says why there was no usable answer.",
    buckets: &[],
    labels: &["error.type"],
};

/// Variables of the environment that were ignored, since their values could not be used; all unknown ones are `_OTHER`.
pub const TELEMETRY_CONFIGURATION_REJECTED: Metric = Metric {
    name: "telemetry.configuration.rejected",
    kind: Kind::Counter,
    unit: "{variable}",
    help: "Variables of the environment that were ignored, since their values could not be used; all unknown ones are `_OTHER`.",
    buckets: &[],
    labels: &["variable"],
};

/// All of these.
pub(super) const ALL: &[&Metric] = &[
    &OTEL_SDK_SPAN_STARTED,
    &OTEL_SDK_SPAN_LIVE,
    &OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE,
    &OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY,
    &OTEL_SDK_PROCESSOR_SPAN_PROCESSED,
    &OTEL_SDK_EXPORTER_SPAN_INFLIGHT,
    &OTEL_SDK_EXPORTER_SPAN_EXPORTED,
    &OTEL_SDK_EXPORTER_OPERATION_DURATION,
    &TELEMETRY_CONTEXT_REJECTED,
    &TELEMETRY_SAMPLING_FETCHES,
    &TELEMETRY_CONFIGURATION_REJECTED,
];
