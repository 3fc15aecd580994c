//! The process, its build and its runtime.

use crate::signals::{FAST_BUCKETS, Kind, Metric};

/// The resource of this process, as labels.
pub const TARGET: Metric = Metric {
    name: "target.info",
    kind: Kind::Info,
    unit: "",
    help: "The resource of this process, as labels.",
    buckets: &[],
    // Others of the resource may come beside these.
    labels: &["service.name", "service.version", "service.instance.id"],
};

/// What this process was built from, as labels.
pub const BUILD: Metric = Metric {
    name: "build.info",
    kind: Kind::Info,
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

/// Time that the workers were busy, summed over the workers since the start.
pub const TOKIO_BUSY_TIME: Metric = Metric {
    name: "tokio.runtime.busy_time",
    kind: Kind::ObservableCounter,
    unit: "s",
    help: "Time that the workers were busy, summed over the workers since the start.",
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

/// User and system CPU time used.
pub const PROCESS_CPU: Metric = Metric {
    name: "process.cpu",
    kind: Kind::ObservableCounter,
    unit: "s",
    help: "User and system CPU time used.",
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

/// All of these.
pub(super) const ALL: &[&Metric] = &[
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
