//! What the process and its runtime say about themselves, read when somebody scrapes.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::signals;

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
    signals::TOKIO_WORKERS.gauge(&[]).set(workers as f64);
    signals::TOKIO_ALIVE_TASKS
        .gauge(&[])
        .set(metrics.num_alive_tasks() as f64);
    signals::TOKIO_GLOBAL_QUEUE_DEPTH
        .gauge(&[])
        .set(metrics.global_queue_depth() as f64);
    signals::TOKIO_BUSY_TIME.observe(&[], busy.as_secs_f64());
    signals::TOKIO_PARKS.counter(&[]).absolute(parks);
}

/// What the system does not tell is not shown.
#[allow(clippy::cast_precision_loss)] // Bytes and seconds stay below 2^52.
fn publish_process(process: &metrics_process::collector::Metrics) {
    if let Some(seconds) = process.cpu_seconds_total {
        signals::PROCESS_CPU.observe(&[], seconds);
    }
    for (metric, value) in [
        (&signals::PROCESS_OPEN_FDS, process.open_fds),
        (&signals::PROCESS_MAX_FDS, process.max_fds),
        (
            &signals::PROCESS_VIRTUAL_MEMORY,
            process.virtual_memory_bytes,
        ),
        (
            &signals::PROCESS_VIRTUAL_MEMORY_MAX,
            process.virtual_memory_max_bytes,
        ),
        (
            &signals::PROCESS_RESIDENT_MEMORY,
            process.resident_memory_bytes,
        ),
        (&signals::PROCESS_START_TIME, process.start_time_seconds),
        (&signals::PROCESS_THREADS, process.threads),
    ] {
        if let Some(value) = value {
            metric.gauge(&[]).set(value as f64);
        }
    }
}

/// Measures, as long as it is polled, how late a timer wakes: a runtime that is blocked shows here first.
pub(crate) async fn probe_schedule_delay() {
    let mut ticks = tokio::time::interval(PROBE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let due = ticks.tick().await;
        signals::TOKIO_SCHEDULE_DELAY
            .histogram(&[])
            .record(Instant::now().saturating_duration_since(due).as_secs_f64());
    }
}
