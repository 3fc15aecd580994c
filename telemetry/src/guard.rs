//! The running telemetry: what it can tell, and its end.

use std::sync::Arc;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::pipeline::{Ledger, Snapshot};
use crate::recorder::Recorder;
use crate::runtime;

/// The running telemetry: whoever holds it calls [`shutdown`](Self::shutdown) last.
#[derive(Debug)]
#[must_use = "spans are flushed by its shutdown"]
pub struct Telemetry {
    pub(crate) provider: Option<SdkTracerProvider>,
    pub(crate) rendering: Rendering,
    pub(crate) tasks: Vec<JoinHandle<()>>,
}

/// What renders the metrics. Clones render the same.
#[derive(Clone)]
pub(crate) struct Rendering {
    pub(crate) recorder: Recorder,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) runtime: Handle,
}

/// The last spans did not all reach the collector.
#[derive(Debug, thiserror::Error)]
#[error("{lost} spans were not exported: {cause}")]
pub struct ShutdownError {
    /// How many spans had ended and were not accepted by the collector, since the start of the process.
    pub lost: u64,
    /// What the exporter said last.
    pub cause: String,
}

// === impl Telemetry ===

impl Telemetry {
    /// The metrics of this process in the Prometheus text format, as of now.
    pub fn render_metrics(&self) -> String {
        self.rendering.render()
    }

    /// Where the sampled spans of this process are now.
    pub fn spans(&self) -> Snapshot {
        self.rendering.ledger.snapshot()
    }

    /// Exports what has been recorded so far, and goes on.
    pub async fn flush(&self) -> Result<(), ShutdownError> {
        let Some(provider) = self.provider.clone() else {
            return Ok(());
        };
        // A flush blocks on the exporter, which needs the runtime: it must not block one of its workers.
        let flushed = tokio::task::spawn_blocking(move || provider.force_flush()).await;
        self.verdict(flushed)
    }

    /// Exports what is left and stops. An error says how much may be lost.
    pub async fn shutdown(self) -> Result<(), ShutdownError> {
        for task in &self.tasks {
            task.abort();
        }
        // The SDK's shutdown answers Ok also when its last export failed, so the flush is asked first.
        let flushed = self.flush().await;
        let Some(provider) = self.provider.clone() else {
            return Ok(());
        };
        let stopped = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        flushed.and(self.verdict(stopped))
    }

    pub(crate) fn rendering(&self) -> Rendering {
        self.rendering.clone()
    }

    fn verdict<E: std::fmt::Display>(
        &self,
        result: Result<Result<(), E>, tokio::task::JoinError>,
    ) -> Result<(), ShutdownError> {
        let cause = match result {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        Err(ShutdownError {
            lost: self.spans().unexported(),
            cause,
        })
    }
}

// === impl Rendering ===

impl Rendering {
    pub(crate) fn render(&self) -> String {
        self.ledger.publish();
        runtime::publish(&self.runtime);
        self.recorder.render()
    }
}

impl std::fmt::Debug for Rendering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rendering").finish_non_exhaustive()
    }
}
