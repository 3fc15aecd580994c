//! What the process and its runtime say about themselves, read when somebody scrapes.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::metrics::signals::{
    ProcessCpu, ProcessMaxFds, ProcessOpenFds, ProcessResidentMemory, ProcessStartTime,
    ProcessThreads, ProcessVirtualMemory, ProcessVirtualMemoryMax, TokioRuntimeAliveTasks,
    TokioRuntimeBusyTime, TokioRuntimeGlobalQueueDepth, TokioRuntimeParks,
    TokioRuntimeScheduleDelay, TokioRuntimeWorkers,
};

const PROBE: Duration = Duration::from_millis(250);

/// Sets the process and runtime metrics to what they are now.
#[allow(clippy::cast_precision_loss)] // Counts of threads and tasks stay far below 2^52.
pub(crate) fn publish(runtime: &Handle) {
    publish_process(&metrics_process::collector::collect());
    let metrics = runtime.metrics();
    let workers = metrics.num_workers();
    let (busy, parks) = (0..workers).fold((Duration::ZERO, 0), |(busy, parks), worker| {
        (
            busy + metrics.worker_total_busy_duration(worker),
            parks + metrics.worker_park_count(worker),
        )
    });
    TokioRuntimeWorkers.set(workers as f64);
    TokioRuntimeAliveTasks.set(metrics.num_alive_tasks() as f64);
    TokioRuntimeGlobalQueueDepth.set(metrics.global_queue_depth() as f64);
    TokioRuntimeBusyTime.observe(busy.as_secs_f64());
    TokioRuntimeParks.counter().absolute(parks);
}

/// What the system does not tell is not shown.
#[allow(clippy::cast_precision_loss)] // Bytes and seconds stay below 2^52.
fn publish_process(process: &metrics_process::collector::Metrics) {
    if let Some(seconds) = process.cpu_seconds_total {
        ProcessCpu.observe(seconds);
    }
    let show = |value: Option<u64>, set: fn(f64)| {
        if let Some(value) = value {
            set(value as f64);
        }
    };
    show(process.open_fds, |value| ProcessOpenFds.set(value));
    show(process.max_fds, |value| ProcessMaxFds.set(value));
    show(process.virtual_memory_bytes, |value| {
        ProcessVirtualMemory.set(value);
    });
    show(process.virtual_memory_max_bytes, |value| {
        ProcessVirtualMemoryMax.set(value);
    });
    show(process.resident_memory_bytes, |value| {
        ProcessResidentMemory.set(value);
    });
    show(process.start_time_seconds, |value| {
        ProcessStartTime.set(value);
    });
    show(process.threads, |value| ProcessThreads.set(value));
}

/// Measures, as long as it is polled, how late a timer wakes: a runtime that is blocked shows here first.
pub(crate) async fn probe_schedule_delay() {
    let mut ticks = tokio::time::interval(PROBE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let due = ticks.tick().await;
        TokioRuntimeScheduleDelay
            .record(Instant::now().saturating_duration_since(due).as_secs_f64());
    }
}
