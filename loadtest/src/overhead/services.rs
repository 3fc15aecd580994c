//! The processes of the services: restarted with or without telemetry, and read from outside.

use std::path::Path;
use std::process::{Command, Stdio};

use chassis::platform::Service;

use super::error::OverheadError;
use super::mode::Telemetry;
use crate::admin::{Admin, MetricsFormat};
use crate::exposition;

/// The unit of CPU time in `/proc`: 100 ticks per second on every Linux architecture that Rust's standard library supports.
/// The kernel counts exactly and rounds down when it reports.
const TICKS_PER_S: f64 = 100.0;

/// The process of a service.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServiceProcess {
    pub(super) service: Service,
    pid: u32,
}

/// The CPU time of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CpuTime {
    /// In user and kernel mode, without child processes.
    ticks: u64,
    /// When the process was started, in ticks since the boot, which tells it from another process with the same id.
    started: u64,
}

/// The spans that a service has counted.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct SpanCounts {
    pub(super) exported: f64,
    pub(super) lost: f64,
    /// Ended, and neither exported nor lost yet.
    pub(super) waiting: f64,
}

/// Restarts the services by running `program on` or `program off`, which prints a line `NAME PID` for each service that is
/// ready.
pub(super) async fn restart(
    program: &Path,
    telemetry: Telemetry,
) -> Result<Vec<ServiceProcess>, OverheadError> {
    let failed = |reason: String| OverheadError::Switch {
        program: program.to_owned(),
        reason,
    };
    let mut command = Command::new(program);
    command.arg(telemetry.name()).stderr(Stdio::inherit());
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    processes(&String::from_utf8_lossy(&output.stdout)).map_err(failed)
}

/// The process of every service, from lines `NAME PID`.
fn processes(lines: &str) -> Result<Vec<ServiceProcess>, String> {
    Service::ALL
        .into_iter()
        .map(|service| {
            let pid = lines.lines().find_map(|line| {
                let (name, pid) = line.split_once(' ')?;
                (name == service.name()).then(|| pid.parse().ok())?
            });
            pid.map(|pid| ServiceProcess { service, pid })
                .ok_or_else(|| format!("it named no process of {}", service.name()))
        })
        .collect()
}

// === impl ServiceProcess ===

impl ServiceProcess {
    /// The CPU time that it has used so far.
    pub(super) fn cpu_time(self) -> Result<CpuTime, OverheadError> {
        std::fs::read_to_string(format!("/proc/{}/stat", self.pid))
            .ok()
            .and_then(|stat| CpuTime::parse(&stat))
            .ok_or(OverheadError::Replaced(self.service.name()))
    }

    /// The spans that it has counted so far.
    pub(super) async fn span_counts(self) -> Result<SpanCounts, OverheadError> {
        let text = Admin::new(self.service)?
            .metrics(MetricsFormat::Prometheus)
            .await?;
        Ok(SpanCounts::parse(&text))
    }
}

// === impl CpuTime ===

impl CpuTime {
    /// Parses `/proc/PID/stat`, see `proc_pid_stat(5)`. The name, in parentheses, may contain any character.
    pub(super) fn parse(stat: &str) -> Option<Self> {
        // Fields are numbered from 1; the one after the name is the third.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            ticks: field(14)? + field(15)?,
            started: field(22)?,
        })
    }

    /// The seconds used since an earlier reading, if that was of the same process.
    #[allow(
        clippy::cast_precision_loss,
        reason = "a process uses fewer ticks than a double can count exactly"
    )]
    pub(super) fn seconds_since(self, earlier: Self) -> Option<f64> {
        (self.started == earlier.started)
            .then(|| self.ticks.saturating_sub(earlier.ticks) as f64 / TICKS_PER_S)
    }
}

// === impl SpanCounts ===

impl SpanCounts {
    /// Parses metrics in text. A missing counter is zero.
    fn parse(scrape: &str) -> Self {
        let (families, _) = exposition::parse(scrape);
        let sum = |name: &str, failed: bool| {
            families
                .values()
                .flat_map(|family| &family.samples)
                .filter(|sample| sample.name == name)
                .filter(|sample| {
                    let reason = sample.labels.iter().find(|(key, _)| key == "error_type");
                    failed == reason.is_some_and(|(_, reason)| !reason.is_empty())
                })
                .map(|sample| sample.value)
                .sum::<f64>()
        };
        Self {
            exported: sum("otel_sdk_exporter_span_exported_total", false),
            lost: sum("otel_sdk_exporter_span_exported_total", true)
                + sum("otel_sdk_processor_span_processed_total", true),
            waiting: sum("otel_sdk_processor_span_queue_size", false)
                + sum("otel_sdk_exporter_span_inflight", false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str =
        "71 (a name) R 2) S 1 71 71 0 -1 4194560 9 8 7 6 250 50 900 900 20 0 9 0 12345 1 2 3";

    #[test]
    fn cpu_time_is_that_of_user_and_kernel_mode_without_children() {
        let parsed = CpuTime::parse(STAT).expect("a line of the kernel's");
        assert_eq!(
            parsed,
            CpuTime {
                ticks: 300,
                started: 12345
            }
        );
        assert_eq!(CpuTime::parse("71 (gone"), None);
    }

    #[test]
    fn a_replaced_process_has_no_time_since_a_reading_of_the_former_one() {
        let before = CpuTime {
            ticks: 300,
            started: 12345,
        };
        let after = CpuTime {
            ticks: 425,
            started: 12345,
        };
        assert_eq!(after.seconds_since(before), Some(1.25));
        let another = CpuTime {
            started: 12346,
            ..after
        };
        assert_eq!(another.seconds_since(before), None);
    }

    #[test]
    fn spans_with_an_error_are_lost_and_not_exported() {
        let spans = SpanCounts::parse(concat!(
            "# TYPE otel_sdk_exporter_span_exported_total counter\n",
            "otel_sdk_exporter_span_exported_total{error_type=\"\"} 90\n",
            "otel_sdk_exporter_span_exported_total{error_type=\"timeout\"} 2\n",
            "# TYPE otel_sdk_processor_span_processed_total counter\n",
            "otel_sdk_processor_span_processed_total 92\n",
            "otel_sdk_processor_span_processed_total{error_type=\"queue_full\"} 3\n",
            "# TYPE otel_sdk_processor_span_queue_size gauge\n",
            "otel_sdk_processor_span_queue_size 4\n",
            "# TYPE otel_sdk_exporter_span_inflight gauge\n",
            "otel_sdk_exporter_span_inflight 5\n",
        ));
        let expected = SpanCounts {
            exported: 90.0,
            lost: 5.0,
            waiting: 9.0,
        };
        assert_eq!(spans, expected);
        assert_eq!(
            SpanCounts::parse("nothing_total 1\n"),
            SpanCounts::default()
        );
    }

    #[test]
    fn a_service_without_a_process_is_named() {
        let mut lines = String::new();
        for service in Service::ALL {
            lines = format!("{lines}{} 7\n", service.name());
        }
        let found = processes(&lines).expect("all are there");
        assert!(found.iter().all(|process| process.pid == 7));
        lines = lines.replace("order 7", "order -");
        let missing = processes(&lines).expect_err("one has none");
        assert!(missing.contains("order"), "{missing}");
    }
}
