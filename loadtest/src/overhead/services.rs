//! The services' processes: restarted with their telemetry on or off, and read from the outside.

use super::{OverheadError, Telemetry};
use crate::{exposition, transport::Transport};
use bytes::Bytes;
use chassis::platform::Service;
use http::{HeaderMap, HeaderValue, Method, header};
use std::{
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

/// What the kernel counts processor time in, as programs see it: 100 to the second on every architecture that Rust's
/// standard library knows Linux on. The time itself is exact; only what is told is rounded down to this.
const TICKS_PER_S: f64 = 100.0;

const ANSWER: Duration = Duration::from_secs(5);

/// A service that runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    pub(super) service: Service,
    pid: u32,
}

/// What a process has used up so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Processor {
    /// In user and in kernel mode, without its children.
    ticks: u64,
    /// When it was started, in ticks since the machine was: another process has another.
    started: u64,
}

/// What a service counts of its spans.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Spans {
    pub(super) exported: f64,
    pub(super) lost: f64,
    /// Ended, and without a result so far.
    pub(super) waiting: f64,
}

/// Restarts the services by running `program on` or `program off`, which prints a line `NAME PID` for each once it is
/// ready.
pub(super) async fn switch(
    program: &Path,
    telemetry: Telemetry,
) -> Result<Vec<Running>, OverheadError> {
    let failed = |reason: String| OverheadError::Switch {
        program: program.to_owned(),
        reason,
    };
    let mut command = Command::new(program);
    command.arg(telemetry.word()).stderr(Stdio::inherit());
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(output.status.to_string()));
    }
    running(&String::from_utf8_lossy(&output.stdout)).map_err(failed)
}

/// Every service with its process id, from lines `NAME PID`.
fn running(lines: &str) -> Result<Vec<Running>, String> {
    Service::ALL
        .into_iter()
        .map(|service| {
            let pid = lines.lines().find_map(|line| {
                let (name, pid) = line.split_once(' ')?;
                (name == service.name()).then(|| pid.parse().ok())?
            });
            pid.map(|pid| Running { service, pid })
                .ok_or_else(|| format!("it named no process of {}", service.name()))
        })
        .collect()
}

// === impl Running ===

impl Running {
    /// What its process has used so far.
    pub(super) fn processor(self) -> Result<Processor, OverheadError> {
        std::fs::read_to_string(format!("/proc/{}/stat", self.pid))
            .ok()
            .and_then(|stat| Processor::parse(&stat))
            .ok_or(OverheadError::Replaced(self.service.name()))
    }

    /// What it says of its spans.
    pub(super) async fn spans(self) -> Result<Spans, OverheadError> {
        let address = format!("http://{}", self.service.default_admin_listen());
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/plain"));
        let answer = Transport::new(&address, ANSWER)?
            .send(Method::GET, "/metrics", headers, Bytes::new())
            .await?;
        Ok(Spans::parse(&String::from_utf8_lossy(&answer.body)))
    }
}

// === impl Processor ===

impl Processor {
    /// From `/proc/PID/stat`, see `proc_pid_stat(5)`. The name, in parentheses, may contain anything.
    pub(super) fn parse(stat: &str) -> Option<Self> {
        // The fields are counted from 1, and what follows the name begins with the third.
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            ticks: field(14)? + field(15)?,
            started: field(22)?,
        })
    }

    /// The seconds used since an earlier reading, when it was of the same process.
    #[allow(
        clippy::cast_precision_loss,
        reason = "ticks of a process that people wait for"
    )]
    pub(super) fn seconds_since(self, earlier: Self) -> Option<f64> {
        (self.started == earlier.started)
            .then(|| self.ticks.saturating_sub(earlier.ticks) as f64 / TICKS_PER_S)
    }
}

// === impl Spans ===

impl Spans {
    /// From a scrape; what is not there is zero.
    fn parse(scrape: &str) -> Self {
        let (families, _) = exposition::read(scrape);
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
    use super::{Processor, Spans, running};
    use chassis::platform::Service;

    const STAT: &str =
        "71 (a name) R 2) S 1 71 71 0 -1 4194560 9 8 7 6 250 50 900 900 20 0 9 0 12345 1 2 3";

    #[test]
    fn processor_time_is_that_of_user_and_kernel_without_children() {
        let parsed = Processor::parse(STAT).expect("a line of the kernel's");
        assert_eq!(
            parsed,
            Processor {
                ticks: 300,
                started: 12345
            }
        );
        assert_eq!(Processor::parse("71 (gone"), None);
    }

    #[test]
    fn a_process_that_was_replaced_has_no_time_since_the_other() {
        let before = Processor {
            ticks: 300,
            started: 12345,
        };
        let after = Processor {
            ticks: 425,
            started: 12345,
        };
        assert_eq!(after.seconds_since(before), Some(1.25));
        let another = Processor {
            started: 12346,
            ..after
        };
        assert_eq!(another.seconds_since(before), None);
    }

    #[test]
    fn spans_that_failed_are_lost_and_not_exported() {
        let spans = Spans::parse(concat!(
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
        let expected = Spans {
            exported: 90.0,
            lost: 5.0,
            waiting: 9.0,
        };
        assert_eq!(spans, expected);
        assert_eq!(Spans::parse("nothing_total 1\n"), Spans::default());
    }

    #[test]
    fn every_service_has_a_process_or_the_one_without_is_named() {
        let mut lines = String::new();
        for service in Service::ALL {
            lines = format!("{lines}{} 7\n", service.name());
        }
        let found = running(&lines).expect("all are there");
        assert!(found.iter().all(|running| running.pid == 7));
        lines = lines.replace("order 7", "order -");
        let missing = running(&lines).expect_err("one has none");
        assert!(missing.contains("order"), "{missing}");
    }
}
