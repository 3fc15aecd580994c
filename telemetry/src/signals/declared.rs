//! The declarations themselves: plain data, grouped by the convention that they come from.

use super::{FAST_BUCKETS, Kind, LATENCY_BUCKETS, Metric};

/// How long HTTP requests took to serve, from the first byte to the end of the response; streams are not in it.
pub const HTTP_SERVER_REQUEST_DURATION: Metric = Metric {
    name: "http.server.request.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long HTTP requests took to serve, from the first byte to the end of the response; streams are not in it.",
    buckets: LATENCY_BUCKETS,
    labels: &[
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "error.type",
    ],
};

/// HTTP requests being served now, open streams apart.
pub const HTTP_SERVER_ACTIVE_REQUESTS: Metric = Metric {
    name: "http.server.active_requests",
    kind: Kind::Gauge,
    unit: "{request}",
    help: "HTTP requests being served now, open streams apart.",
    buckets: &[],
    labels: &["http.request.method"],
};

/// Event streams that are open now.
pub const HTTP_SERVER_OPEN_STREAMS: Metric = Metric {
    name: "http.server.open_streams",
    kind: Kind::Gauge,
    unit: "{stream}",
    help: "Event streams that are open now.",
    buckets: &[],
    labels: &["http.route"],
};

/// How long outgoing HTTP requests took, to the end of the response.
pub const HTTP_CLIENT_REQUEST_DURATION: Metric = Metric {
    name: "http.client.request.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long outgoing HTTP requests took, to the end of the response.",
    buckets: LATENCY_BUCKETS,
    labels: &[
        "http.request.method",
        "server.address",
        "server.port",
        "http.response.status_code",
        "error.type",
    ],
};

/// How long gRPC calls took to serve, to their trailers; streaming methods are not in it.
pub const RPC_SERVER_CALL_DURATION: Metric = Metric {
    name: "rpc.server.call.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long gRPC calls took to serve, to their trailers; streaming methods are not in it.",
    buckets: LATENCY_BUCKETS,
    labels: &["rpc.method", "rpc.response.status_code", "error.type"],
};

/// Streaming gRPC calls that are being served now.
pub const RPC_SERVER_OPEN_STREAMS: Metric = Metric {
    name: "rpc.server.open_streams",
    kind: Kind::Gauge,
    unit: "{stream}",
    help: "Streaming gRPC calls that are being served now.",
    buckets: &[],
    labels: &["rpc.method"],
};

/// How long outgoing gRPC calls took, to their trailers; streaming methods are not in it.
pub const RPC_CLIENT_CALL_DURATION: Metric = Metric {
    name: "rpc.client.call.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long outgoing gRPC calls took, to their trailers; streaming methods are not in it.",
    buckets: LATENCY_BUCKETS,
    labels: &["rpc.method", "rpc.response.status_code", "error.type"],
};

/// Outgoing streaming gRPC calls that are open now.
pub const RPC_CLIENT_OPEN_STREAMS: Metric = Metric {
    name: "rpc.client.open_streams",
    kind: Kind::Gauge,
    unit: "{stream}",
    help: "Outgoing streaming gRPC calls that are open now.",
    buckets: &[],
    labels: &["rpc.method"],
};

/// Messages that a producer tried to send.
pub const MESSAGING_CLIENT_SENT_MESSAGES: Metric = Metric {
    name: "messaging.client.sent.messages",
    kind: Kind::Counter,
    unit: "{message}",
    help: "Messages that a producer tried to send.",
    buckets: &[],
    labels: &[
        "messaging.system",
        "messaging.destination.name",
        "error.type",
    ],
};

/// How long sending a message took, to the acknowledgement of the broker.
pub const MESSAGING_CLIENT_OPERATION_DURATION: Metric = Metric {
    name: "messaging.client.operation.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long sending a message took, to the acknowledgement of the broker.",
    buckets: FAST_BUCKETS,
    labels: &[
        "messaging.system",
        "messaging.operation.name",
        "messaging.destination.name",
        "error.type",
    ],
};

/// How long processing a delivered message took.
pub const MESSAGING_PROCESS_DURATION: Metric = Metric {
    name: "messaging.process.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long processing a delivered message took.",
    buckets: FAST_BUCKETS,
    labels: &[
        "messaging.system",
        "messaging.destination.name",
        "messaging.consumer.group.name",
        "error.type",
    ],
};

/// How long database operations took.
pub const DB_CLIENT_OPERATION_DURATION: Metric = Metric {
    name: "db.client.operation.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long database operations took.",
    buckets: FAST_BUCKETS,
    labels: &[
        "db.system.name",
        "db.operation.name",
        "db.collection.name",
        "error.type",
    ],
};

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
    labels: &["error.type"],
};

/// Trace contexts that could not become a parent, by reason.
pub const TELEMETRY_CONTEXT_REJECTED: Metric = Metric {
    name: "telemetry.context.rejected",
    kind: Kind::Counter,
    unit: "{context}",
    help: "Trace contexts that could not become a parent, by reason.",
    buckets: &[],
    labels: &["reason"],
};

/// The resource of this process, as labels.
pub const TARGET: Metric = Metric {
    name: "target.info",
    kind: Kind::Gauge,
    unit: "",
    help: "The resource of this process, as labels.",
    buckets: &[],
    labels: &["service.name", "service.version", "service.instance.id"],
};

/// What this process was built from, as labels.
pub const BUILD: Metric = Metric {
    name: "build.info",
    kind: Kind::Gauge,
    unit: "",
    help: "What this process was built from, as labels.",
    buckets: &[],
    labels: &["service.version", "telemetry.version"],
};

/// Worker threads of the runtime.
pub const TOKIO_WORKERS: Metric = Metric {
    name: "tokio.runtime.workers",
    kind: Kind::Gauge,
    unit: "{thread}",
    help: "Worker threads of the runtime.",
    buckets: &[],
    labels: &[],
};

/// Tasks that are spawned and not finished.
pub const TOKIO_ALIVE_TASKS: Metric = Metric {
    name: "tokio.runtime.alive_tasks",
    kind: Kind::Gauge,
    unit: "{task}",
    help: "Tasks that are spawned and not finished.",
    buckets: &[],
    labels: &[],
};

/// Tasks that wait in the global queue of the runtime.
pub const TOKIO_GLOBAL_QUEUE_DEPTH: Metric = Metric {
    name: "tokio.runtime.global_queue_depth",
    kind: Kind::Gauge,
    unit: "{task}",
    help: "Tasks that wait in the global queue of the runtime.",
    buckets: &[],
    labels: &[],
};

/// Time that the workers were busy, summed over the workers since the start; it only rises.
pub const TOKIO_BUSY_TIME: Metric = Metric {
    name: "tokio.runtime.busy_time",
    kind: Kind::Gauge,
    unit: "s",
    help: "Time that the workers were busy, summed over the workers since the start; it only rises.",
    buckets: &[],
    labels: &[],
};

/// How often a worker ran out of work and slept.
pub const TOKIO_PARKS: Metric = Metric {
    name: "tokio.runtime.parks",
    kind: Kind::Counter,
    unit: "{park}",
    help: "How often a worker ran out of work and slept.",
    buckets: &[],
    labels: &[],
};

/// How much later than asked a timer woke up: what a ready task waits for a worker.
pub const TOKIO_SCHEDULE_DELAY: Metric = Metric {
    name: "tokio.runtime.schedule_delay",
    kind: Kind::Histogram,
    unit: "s",
    help: "How much later than asked a timer woke up: what a ready task waits for a worker.",
    buckets: FAST_BUCKETS,
    labels: &[],
};

/// User and system CPU time used, in seconds; it only rises.
pub const PROCESS_CPU: Metric = Metric {
    name: "process.cpu.seconds_total",
    kind: Kind::Gauge,
    unit: "",
    help: "User and system CPU time used, in seconds; it only rises.",
    buckets: &[],
    labels: &[],
};

/// Open file descriptors.
pub const PROCESS_OPEN_FDS: Metric = Metric {
    name: "process.open_fds",
    kind: Kind::Gauge,
    unit: "{fd}",
    help: "Open file descriptors.",
    buckets: &[],
    labels: &[],
};

/// Open file descriptors that are allowed.
pub const PROCESS_MAX_FDS: Metric = Metric {
    name: "process.max_fds",
    kind: Kind::Gauge,
    unit: "{fd}",
    help: "Open file descriptors that are allowed.",
    buckets: &[],
    labels: &[],
};

/// Virtual memory size.
pub const PROCESS_VIRTUAL_MEMORY: Metric = Metric {
    name: "process.virtual_memory",
    kind: Kind::Gauge,
    unit: "By",
    help: "Virtual memory size.",
    buckets: &[],
    labels: &[],
};

/// Virtual memory that is allowed.
pub const PROCESS_VIRTUAL_MEMORY_MAX: Metric = Metric {
    name: "process.virtual_memory_max",
    kind: Kind::Gauge,
    unit: "By",
    help: "Virtual memory that is allowed.",
    buckets: &[],
    labels: &[],
};

/// Resident memory size.
pub const PROCESS_RESIDENT_MEMORY: Metric = Metric {
    name: "process.resident_memory",
    kind: Kind::Gauge,
    unit: "By",
    help: "Resident memory size.",
    buckets: &[],
    labels: &[],
};

/// When the process started, in seconds since the Unix epoch.
pub const PROCESS_START_TIME: Metric = Metric {
    name: "process.start_time",
    kind: Kind::Gauge,
    unit: "s",
    help: "When the process started, in seconds since the Unix epoch.",
    buckets: &[],
    labels: &[],
};

/// Threads of the process.
pub const PROCESS_THREADS: Metric = Metric {
    name: "process.threads",
    kind: Kind::Gauge,
    unit: "{thread}",
    help: "Threads of the process.",
    buckets: &[],
    labels: &[],
};

/// Every metric that this crate emits.
pub const ALL: &[&Metric] = &[
    &HTTP_SERVER_REQUEST_DURATION,
    &HTTP_SERVER_ACTIVE_REQUESTS,
    &HTTP_SERVER_OPEN_STREAMS,
    &HTTP_CLIENT_REQUEST_DURATION,
    &RPC_SERVER_CALL_DURATION,
    &RPC_SERVER_OPEN_STREAMS,
    &RPC_CLIENT_CALL_DURATION,
    &RPC_CLIENT_OPEN_STREAMS,
    &MESSAGING_CLIENT_SENT_MESSAGES,
    &MESSAGING_CLIENT_OPERATION_DURATION,
    &MESSAGING_PROCESS_DURATION,
    &DB_CLIENT_OPERATION_DURATION,
    &OTEL_SDK_SPAN_STARTED,
    &OTEL_SDK_SPAN_LIVE,
    &OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE,
    &OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY,
    &OTEL_SDK_PROCESSOR_SPAN_PROCESSED,
    &OTEL_SDK_EXPORTER_SPAN_INFLIGHT,
    &OTEL_SDK_EXPORTER_SPAN_EXPORTED,
    &OTEL_SDK_EXPORTER_OPERATION_DURATION,
    &TELEMETRY_CONTEXT_REJECTED,
    &TARGET,
    &BUILD,
    &TOKIO_WORKERS,
    &TOKIO_ALIVE_TASKS,
    &TOKIO_GLOBAL_QUEUE_DEPTH,
    &TOKIO_BUSY_TIME,
    &TOKIO_PARKS,
    &TOKIO_SCHEDULE_DELAY,
    &PROCESS_CPU,
    &PROCESS_OPEN_FDS,
    &PROCESS_MAX_FDS,
    &PROCESS_VIRTUAL_MEMORY,
    &PROCESS_VIRTUAL_MEMORY_MAX,
    &PROCESS_RESIDENT_MEMORY,
    &PROCESS_START_TIME,
    &PROCESS_THREADS,
];
