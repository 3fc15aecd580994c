//! The guard of the running telemetry: metrics, flush, shutdown.

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

/// Default time limit of a flush or a shutdown.
pub(crate) const FLUSH_LIMIT: Duration = Duration::from_secs(5);

/// The guard of the running telemetry. Hold it until everything else has ended; spans and log lines are then flushed.
///
/// [`shutdown`](Self::shutdown) returns what was lost. Dropping the value shuts down too: it blocks the thread for at most
/// 5 s and logs what was lost.
#[derive(Debug)]
#[must_use = "what is dropped at once ends at once"]
pub struct Telemetry {
    /// `None` without an exporter, and after the shutdown.
    pub(crate) pipeline: Option<Pipeline>,
    /// Polls for sampling strategies while it is held.
    pub(crate) _poller: Option<Poller>,
    pub(crate) rendering: Rendering,
    /// Host and port for [`Admin::bind_from_environment`](crate::admin::Admin::bind_from_environment).
    pub(crate) scraped_at: (String, u16),
    pub(crate) tasks: Vec<JoinHandle<()>>,
    /// Flushes the log lines, dropped last.
    pub(crate) _flush_logs: FlushOnDrop,
}

/// Renders the metrics. Clones share the recorder.
#[derive(Clone)]
pub(crate) struct Rendering {
    pub(crate) recorder: Recorder,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) logs: Logs,
    pub(crate) runtime: Handle,
}

/// A flush that did not export everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{waiting} spans are still waiting for export; lost since the flush began: {lost}")]
#[non_exhaustive]
pub struct FlushError {
    /// The spans lost during the flush, by reason.
    pub lost: Losses,
    /// The spans that ended before the flush and are not exported yet. They are not lost.
    pub waiting: u64,
}

/// A shutdown during which spans were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("spans were lost at the shutdown: {lost}; since the process started: {}", .spans.lost)]
#[non_exhaustive]
pub struct ShutdownError {
    /// The spans lost since the shutdown began, by reason.
    pub lost: Losses,
    /// The final account of the process; nothing is queued or in flight.
    pub spans: Snapshot,
}

// === impl Telemetry ===

impl Telemetry {
    /// The current metrics in the Prometheus text format.
    pub fn render_metrics(&self) -> String {
        self.rendering.render(Format::Text)
    }

    /// The current metrics as `OpenMetrics` 1.0.0, with exemplars.
    ///
    /// This counts as a scrape: each bucket takes a new exemplar afterwards.
    pub fn render_open_metrics(&self) -> String {
        self.rendering.render(Format::OpenMetrics)
    }

    /// The current account of the process's sampled spans.
    pub fn spans(&self) -> Snapshot {
        self.rendering.ledger.snapshot()
    }

    /// Exports the spans that have ended so far, within 5 s. The pipeline goes on.
    pub async fn flush(&self) -> Result<(), FlushError> {
        self.flush_within(FLUSH_LIMIT).await
    }

    /// The same within `limit`. Spans that are not exported by then stay queued.
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

    /// Exports what is left and stops, within 5 s whatever the collector does. Spans that end afterwards are counted as
    /// lost, so call it last.
    ///
    /// # Errors
    /// When spans were lost since the shutdown began.
    pub async fn shutdown(self) -> Result<Snapshot, ShutdownError> {
        self.shutdown_within(FLUSH_LIMIT).await
    }

    /// The same within `limit`. Spans that are not exported by then are lost.
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
