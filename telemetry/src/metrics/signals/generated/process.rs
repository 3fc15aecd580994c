//! The metrics of `process.yaml`, and the series that each has.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use crate::signals::{Counter, Gauge, Histogram, Kind, LabelWriter, Metric, Series};

/// The resource of this process, as labels.
pub const TARGET_INFO: Metric = Metric {
    name: "target.info",
    kind: Kind::Info,
    unit: "1",
    help: "The resource of this process, as labels.",
    buckets: &[],
    labels: &["service.name", "service.version", "service.instance.id"],
};

/// What this process was built from, as labels.
pub const BUILD_INFO: Metric = Metric {
    name: "build.info",
    kind: Kind::Info,
    unit: "1",
    help: "What this process was built from, as labels.",
    buckets: &[],
    labels: &["service.version", "telemetry.version"],
};

/// Worker threads of the runtime.
pub const TOKIO_RUNTIME_WORKERS: Metric = Metric {
    name: "tokio.runtime.workers",
    kind: Kind::Gauge,
    unit: "{thread}",
    help: "Worker threads of the runtime.",
    buckets: &[],
    labels: &[],
};

/// One series of [`TOKIO_RUNTIME_WORKERS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokioRuntimeWorkers;

impl TokioRuntimeWorkers {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for TokioRuntimeWorkers {
    const METRIC: &'static Metric = &TOKIO_RUNTIME_WORKERS;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Tasks that are spawned and not finished.
pub const TOKIO_RUNTIME_ALIVE_TASKS: Metric = Metric {
    name: "tokio.runtime.alive_tasks",
    kind: Kind::Gauge,
    unit: "{task}",
    help: "Tasks that are spawned and not finished.",
    buckets: &[],
    labels: &[],
};

/// One series of [`TOKIO_RUNTIME_ALIVE_TASKS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokioRuntimeAliveTasks;

impl TokioRuntimeAliveTasks {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for TokioRuntimeAliveTasks {
    const METRIC: &'static Metric = &TOKIO_RUNTIME_ALIVE_TASKS;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Tasks that wait in the global queue of the runtime.
pub const TOKIO_RUNTIME_GLOBAL_QUEUE_DEPTH: Metric = Metric {
    name: "tokio.runtime.global_queue_depth",
    kind: Kind::Gauge,
    unit: "{task}",
    help: "Tasks that wait in the global queue of the runtime.",
    buckets: &[],
    labels: &[],
};

/// One series of [`TOKIO_RUNTIME_GLOBAL_QUEUE_DEPTH`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokioRuntimeGlobalQueueDepth;

impl TokioRuntimeGlobalQueueDepth {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for TokioRuntimeGlobalQueueDepth {
    const METRIC: &'static Metric = &TOKIO_RUNTIME_GLOBAL_QUEUE_DEPTH;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Time that the workers were busy, summed over the workers since the start.
pub const TOKIO_RUNTIME_BUSY_TIME: Metric = Metric {
    name: "tokio.runtime.busy_time",
    kind: Kind::ObservableCounter,
    unit: "s",
    help: "Time that the workers were busy, summed over the workers since the start.",
    buckets: &[],
    labels: &[],
};

/// One series of [`TOKIO_RUNTIME_BUSY_TIME`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokioRuntimeBusyTime;

impl TokioRuntimeBusyTime {
    /// Exposes a total that is counted elsewhere.
    pub fn observe(self, total: f64) {
        Series::observe(&self, total);
    }
}

impl Series for TokioRuntimeBusyTime {
    const METRIC: &'static Metric = &TOKIO_RUNTIME_BUSY_TIME;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// How often a worker ran out of work and slept.
pub const TOKIO_RUNTIME_PARKS: Metric = Metric {
    name: "tokio.runtime.parks",
    kind: Kind::Counter,
    unit: "{park}",
    help: "How often a worker ran out of work and slept.",
    buckets: &[],
    labels: &[],
};

/// One series of [`TOKIO_RUNTIME_PARKS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokioRuntimeParks;

impl TokioRuntimeParks {
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

impl Series for TokioRuntimeParks {
    const METRIC: &'static Metric = &TOKIO_RUNTIME_PARKS;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// How much later than asked a timer woke up: what a ready task waits for a worker.
pub const TOKIO_RUNTIME_SCHEDULE_DELAY: Metric = Metric {
    name: "tokio.runtime.schedule_delay",
    kind: Kind::Histogram,
    unit: "s",
    help: "How much later than asked a timer woke up: what a ready task waits for a worker.",
    buckets: &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0],
    labels: &[],
};

/// One series of [`TOKIO_RUNTIME_SCHEDULE_DELAY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokioRuntimeScheduleDelay;

impl TokioRuntimeScheduleDelay {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        drop(Self.histogram());
    }
}

impl Series for TokioRuntimeScheduleDelay {
    const METRIC: &'static Metric = &TOKIO_RUNTIME_SCHEDULE_DELAY;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// User and system CPU time used.
pub const PROCESS_CPU: Metric = Metric {
    name: "process.cpu",
    kind: Kind::ObservableCounter,
    unit: "s",
    help: "User and system CPU time used.",
    buckets: &[],
    labels: &[],
};

/// One series of [`PROCESS_CPU`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessCpu;

impl ProcessCpu {
    /// Exposes a total that is counted elsewhere.
    pub fn observe(self, total: f64) {
        Series::observe(&self, total);
    }
}

impl Series for ProcessCpu {
    const METRIC: &'static Metric = &PROCESS_CPU;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Open file descriptors.
pub const PROCESS_OPEN_FDS: Metric = Metric {
    name: "process.open_fds",
    kind: Kind::Gauge,
    unit: "{fd}",
    help: "Open file descriptors.",
    buckets: &[],
    labels: &[],
};

/// One series of [`PROCESS_OPEN_FDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessOpenFds;

impl ProcessOpenFds {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for ProcessOpenFds {
    const METRIC: &'static Metric = &PROCESS_OPEN_FDS;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Open file descriptors that are allowed.
pub const PROCESS_MAX_FDS: Metric = Metric {
    name: "process.max_fds",
    kind: Kind::Gauge,
    unit: "{fd}",
    help: "Open file descriptors that are allowed.",
    buckets: &[],
    labels: &[],
};

/// One series of [`PROCESS_MAX_FDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessMaxFds;

impl ProcessMaxFds {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for ProcessMaxFds {
    const METRIC: &'static Metric = &PROCESS_MAX_FDS;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Virtual memory size.
pub const PROCESS_VIRTUAL_MEMORY: Metric = Metric {
    name: "process.virtual_memory",
    kind: Kind::Gauge,
    unit: "By",
    help: "Virtual memory size.",
    buckets: &[],
    labels: &[],
};

/// One series of [`PROCESS_VIRTUAL_MEMORY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessVirtualMemory;

impl ProcessVirtualMemory {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for ProcessVirtualMemory {
    const METRIC: &'static Metric = &PROCESS_VIRTUAL_MEMORY;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Virtual memory that is allowed.
pub const PROCESS_VIRTUAL_MEMORY_MAX: Metric = Metric {
    name: "process.virtual_memory_max",
    kind: Kind::Gauge,
    unit: "By",
    help: "Virtual memory that is allowed.",
    buckets: &[],
    labels: &[],
};

/// One series of [`PROCESS_VIRTUAL_MEMORY_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessVirtualMemoryMax;

impl ProcessVirtualMemoryMax {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for ProcessVirtualMemoryMax {
    const METRIC: &'static Metric = &PROCESS_VIRTUAL_MEMORY_MAX;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Resident memory size.
pub const PROCESS_RESIDENT_MEMORY: Metric = Metric {
    name: "process.resident_memory",
    kind: Kind::Gauge,
    unit: "By",
    help: "Resident memory size.",
    buckets: &[],
    labels: &[],
};

/// One series of [`PROCESS_RESIDENT_MEMORY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessResidentMemory;

impl ProcessResidentMemory {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for ProcessResidentMemory {
    const METRIC: &'static Metric = &PROCESS_RESIDENT_MEMORY;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// When the process started, in seconds since the Unix epoch.
pub const PROCESS_START_TIME: Metric = Metric {
    name: "process.start_time",
    kind: Kind::Gauge,
    unit: "s",
    help: "When the process started, in seconds since the Unix epoch.",
    buckets: &[],
    labels: &[],
};

/// One series of [`PROCESS_START_TIME`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessStartTime;

impl ProcessStartTime {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for ProcessStartTime {
    const METRIC: &'static Metric = &PROCESS_START_TIME;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Threads of the process.
pub const PROCESS_THREADS: Metric = Metric {
    name: "process.threads",
    kind: Kind::Gauge,
    unit: "{thread}",
    help: "Threads of the process.",
    buckets: &[],
    labels: &[],
};

/// One series of [`PROCESS_THREADS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessThreads;

impl ProcessThreads {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for ProcessThreads {
    const METRIC: &'static Metric = &PROCESS_THREADS;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}
