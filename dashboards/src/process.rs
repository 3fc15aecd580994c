//! The process of a service: CPU, memory, the tokio runtime, and its telemetry pipeline.

use chassis::platform::Service;
use telemetry::signals::{
    OTEL_SDK_EXPORTER_OPERATION_DURATION, OTEL_SDK_EXPORTER_SPAN_EXPORTED,
    OTEL_SDK_PROCESSOR_SPAN_PROCESSED, OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY,
    OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE, OTEL_SDK_SPAN_LIVE, OTEL_SDK_SPAN_STARTED, PROCESS_CPU,
    PROCESS_OPEN_FDS, PROCESS_RESIDENT_MEMORY, PROCESS_THREADS, TELEMETRY_CONTEXT_REJECTED,
    TOKIO_RUNTIME_ALIVE_TASKS, TOKIO_RUNTIME_BUSY_TIME, TOKIO_RUNTIME_GLOBAL_QUEUE_DEPTH,
    TOKIO_RUNTIME_SCHEDULE_DELAY, TOKIO_RUNTIME_WORKERS,
};

use crate::model::{Panel, Query, Row, Unit};
use crate::query::{or_zero, quantile_or_zero, series};

pub(crate) fn runtime(service: Service) -> Row {
    let current = |metric| series(metric).job(service).sum(&[]);
    let delay = series(&TOKIO_RUNTIME_SCHEDULE_DELAY).job(service);
    Row {
        title: "Process",
        panels: vec![
            Panel::lines(
                "CPU",
                Unit::Count,
                vec![Query::new(
                    series(&PROCESS_CPU).job(service).rate(&[]),
                    "cores",
                )],
            )
            .wide(6)
            .describe("Cores in use."),
            Panel::lines(
                "Memory",
                Unit::Bytes,
                vec![Query::new(current(&PROCESS_RESIDENT_MEMORY), "resident")],
            )
            .wide(6)
            .describe("A line that only rises is a leak."),
            Panel::lines(
                "Threads and files",
                Unit::Count,
                vec![
                    Query::new(current(&PROCESS_THREADS), "threads"),
                    Query::new(current(&PROCESS_OPEN_FDS), "open files"),
                ],
            )
            .wide(6)
            .describe("Connections are open files."),
            Panel::lines(
                "Runtime: tasks",
                Unit::Count,
                vec![
                    Query::new(current(&TOKIO_RUNTIME_ALIVE_TASKS), "alive"),
                    Query::new(
                        current(&TOKIO_RUNTIME_GLOBAL_QUEUE_DEPTH),
                        "in the global queue",
                    ),
                ],
            )
            .wide(6)
            .describe("Tasks of tokio that are not finished, and those that wait for a worker."),
            Panel::lines(
                "Runtime: workers busy",
                Unit::Share,
                vec![Query::new(
                    format!(
                        "{} / {}",
                        series(&TOKIO_RUNTIME_BUSY_TIME).job(service).rate(&[]),
                        current(&TOKIO_RUNTIME_WORKERS)
                    ),
                    "busy",
                )],
            )
            .wide(12)
            .describe("Share of the workers' time. Near 1 every request waits."),
            Panel::lines(
                "Runtime: schedule delay",
                Unit::Seconds,
                vec![
                    Query::new(quantile_or_zero(delay.quantile(0.5, &[])), "p50"),
                    Query::new(quantile_or_zero(delay.quantile(0.99, &[])), "p99"),
                ],
            )
            .wide(12)
            .describe(
                "How late timers wake. Above some milliseconds something blocks the runtime.",
            ),
        ],
    }
}

pub(crate) fn telemetry(service: Service) -> Row {
    let rate = |metric| series(metric).job(service).rate(&[]);
    let lost = |metric| or_zero(series(metric).job(service).failed().rate(&["error.type"]));
    let export = series(&OTEL_SDK_EXPORTER_OPERATION_DURATION).job(service);
    let current = |metric| series(metric).job(service).max(&[]);
    Row {
        title: "Telemetry",
        panels: vec![
            Panel::lines(
                "Spans",
                Unit::PerSecond,
                vec![
                    Query::new(rate(&OTEL_SDK_SPAN_STARTED), "started"),
                    Query::new(rate(&OTEL_SDK_EXPORTER_SPAN_EXPORTED), "exported"),
                ],
            )
            .wide(6)
            .describe("Sampled spans. Exports come in batches, some seconds later."),
            Panel::lines(
                "Lost",
                Unit::PerSecond,
                vec![
                    Query::new(
                        lost(&OTEL_SDK_PROCESSOR_SPAN_PROCESSED),
                        "dropped {{error_type}}",
                    ),
                    Query::new(
                        lost(&OTEL_SDK_EXPORTER_SPAN_EXPORTED),
                        "not delivered {{error_type}}",
                    ),
                    Query::new(
                        or_zero(
                            series(&TELEMETRY_CONTEXT_REJECTED)
                                .job(service)
                                .rate(&["telemetry.reason"]),
                        ),
                        "context rejected {{telemetry_reason}}",
                    ),
                ],
            )
            .wide(6)
            .describe(
                "Spans that never reached the collector, and parents that could not be read.",
            ),
            Panel::lines(
                "Queue",
                Unit::Count,
                vec![
                    Query::new(current(&OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE), "waiting"),
                    Query::new(current(&OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY), "room"),
                    Query::new(current(&OTEL_SDK_SPAN_LIVE), "not ended"),
                ],
            )
            .wide(6)
            .describe("Ended spans that wait for their export, and spans that have not ended."),
            Panel::lines(
                "Export p95",
                Unit::Seconds,
                vec![Query::new(
                    quantile_or_zero(export.quantile(0.95, &[])),
                    "p95",
                )],
            )
            .wide(6)
            .describe("How long a batch takes to the collector."),
        ],
    }
}
