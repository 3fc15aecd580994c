//! The running telemetry: what it can tell, and its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::export::account::{Losses, Snapshot};
use crate::export::pipeline::{Ledger, Pipeline};
use crate::logs::{FlushOnDrop, Levels, Logs};
use crate::metrics::recorder::{Format, Recorder};
use crate::metrics::runtime;
use crate::trace::sampling::Poller;

/// How long a flush or a shutdown takes at most, unless its caller says otherwise.
pub(crate) const FLUSH_LIMIT: Duration = Duration::from_secs(5);

/// The running telemetry, to be held until everything else has ended: then spans and log lines are flushed.
///
/// Whoever calls [`shutdown`](Self::shutdown) last is told what is lost. When the value is dropped instead, that happens
/// too, in 5 s at most for which the thread blocks, and a log line tells.
#[derive(Debug)]
#[must_use = "what is dropped at once ends at once"]
pub struct Telemetry {
    /// None when no span is recorded, or none leaves, or when it is shut down.
    pub(crate) pipeline: Option<Pipeline>,
    /// Asks for sampling strategies while this lives.
    pub(crate) _poller: Option<Poller>,
    pub(crate) rendering: Rendering,
    /// The host and the port of the admin port, when the environment is asked for them.
    pub(crate) scraped_at: (String, u16),
    pub(crate) tasks: Vec<JoinHandle<()>>,
    /// However this ends, the last lines are written.
    pub(crate) _flush_logs: FlushOnDrop,
}

/// What renders the metrics. Clones render the same.
#[derive(Clone)]
pub(crate) struct Rendering {
    pub(crate) recorder: Recorder,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) logs: Logs,
    pub(crate) runtime: Handle,
}

/// A flush did not bring everything to the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{waiting} spans still wait for their export, and since the flush began were lost: {lost}")]
#[non_exhaustive]
pub struct FlushError {
    /// The spans that were lost while it went on, by reason.
    pub lost: Losses,
    /// The spans that had ended before it and have no result yet. They are not lost.
    pub waiting: u64,
}

/// The last spans did not all reach the collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("spans were lost at the shutdown: {lost}; in the life of the process: {}", .spans.lost)]
#[non_exhaustive]
pub struct ShutdownError {
    /// The spans that were lost since the shutdown began, by reason.
    pub lost: Losses,
    /// The last account of the process. Nothing is queued or in flight any more.
    pub spans: Snapshot,
}

// === impl Telemetry ===

impl Telemetry {
    /// The metrics of this process in the Prometheus text format, as of now.
    pub fn render_metrics(&self) -> String {
        self.rendering.render(Format::Text)
    }

    /// The metrics of this process as `OpenMetrics` 1.0.0, with exemplars, as of now.
    ///
    /// As far as exemplars go this is a scrape: each bucket takes a new one afterwards.
    pub fn render_open_metrics(&self) -> String {
        self.rendering.render(Format::OpenMetrics)
    }

    /// Where the sampled spans of this process are now.
    pub fn spans(&self) -> Snapshot {
        self.rendering.ledger.snapshot()
    }

    /// Exports what has ended so far, and goes on. Takes 5 s at most.
    pub async fn flush(&self) -> Result<(), FlushError> {
        self.flush_within(FLUSH_LIMIT).await
    }

    /// The same in a time of the caller's. What is not exported then still waits for it.
    pub async fn flush_within(&self, limit: Duration) -> Result<(), FlushError> {
        let Some(pipeline) = &self.pipeline else {
            return Ok(());
        };
        let before = self.spans().lost;
        let waiting = pipeline.flush(limit).await;
        let lost = self.spans().lost - before;
        if waiting + lost.total() == 0 {
            Ok(())
        } else {
            Err(FlushError { lost, waiting })
        }
    }

    /// Exports what is left and stops. Takes 5 s at most, whatever the collector does.
    ///
    /// Returns the account of the process; an error when spans were lost since the shutdown began. Spans that end
    /// later are counted as lost, so this comes after the last of them.
    pub async fn shutdown(self) -> Result<Snapshot, ShutdownError> {
        self.shutdown_within(FLUSH_LIMIT).await
    }

    /// The same in a time of the caller's. What is not exported then is lost.
    pub async fn shutdown_within(mut self, limit: Duration) -> Result<Snapshot, ShutdownError> {
        self.stop_tasks();
        let before = self.spans().lost;
        if let Some(pipeline) = self.pipeline.take() {
            pipeline.shutdown(limit).await;
        }
        let spans = self.spans();
        let lost = spans.lost - before;
        if lost.total() == 0 {
            Ok(spans)
        } else {
            Err(ShutdownError { lost, spans })
        }
    }

    fn stop_tasks(&self) {
        for task in &self.tasks {
            task.abort();
        }
    }

    pub(crate) fn rendering(&self) -> Rendering {
        self.rendering.clone()
    }

    pub(crate) fn levels(&self) -> Levels {
        self.rendering.logs.levels().clone()
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let Some(pipeline) = self.pipeline.take() else {
            return;
        };
        self.stop_tasks();
        let lost = pipeline.shutdown_blocking(FLUSH_LIMIT);
        if lost.total() > 0 {
            tracing::error!(%lost, "spans were lost at the shutdown");
        }
    }
}

// === impl Rendering ===

impl Rendering {
    pub(crate) fn render(&self, format: Format) -> String {
        self.ledger.publish();
        self.logs.publish();
        runtime::publish(&self.runtime);
        self.recorder.render(format)
    }
}

impl std::fmt::Debug for Rendering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rendering").finish_non_exhaustive()
    }
}
