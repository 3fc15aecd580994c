//! The export pipeline: a batch span processor that counts every loss.
//!
//! The SDK's processor logs a full queue once, its exporter only logs partial success, and its shutdown returns `Ok` even
//! if the last batch failed. Here the [`Processor`] counts started spans and queues ended ones in the [`Ledger`]; a
//! [`worker`] thread exports batches one at a time and counts each result. At any moment every span is in exactly one
//! place of the [`Snapshot`](crate::Snapshot), and ends as exported or as a [`Loss`](crate::Loss).
//!
//! Only the worker waits for the network. While a collector is away the queue fills up, limited in spans and in bytes;
//! what does not fit is dropped and counted.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::Resource;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::export::account::Losses;
use crate::export::otlp::{Client, Encoder, ExporterError};
use crate::settings::{Exporter, Settings};
use crate::trace::tracer::Sink;
use crate::trace::wire::Ended;
use delivery::Delivery;
use worker::{Destination, Worker};

pub(crate) use ledger::Ledger;

mod backoff;
mod console;
mod delivery;
mod ledger;
mod publish;
mod worker;

/// The span processor. It runs on the threads of requests, so it does little.
#[derive(Debug)]
pub(crate) struct Processor {
    ledger: Arc<Ledger>,
}

/// The running pipeline. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    ledger: Arc<Ledger>,
    /// The worker's runtime, on which callers wait for it, whatever runtime they have.
    runtime: Handle,
}

/// Starts the pipeline; `None` when there is no exporter.
pub(crate) fn start(
    settings: &Settings,
    resource: &Resource,
    ledger: &Arc<Ledger>,
) -> Result<Option<(Processor, Pipeline)>, ExporterError> {
    let destination = match settings.exporter {
        Exporter::None => return Ok(None),
        Exporter::Console => Destination::Console,
        Exporter::Otlp => Destination::Collector(Box::new(Delivery::new(
            Arc::clone(ledger),
            Encoder::new(resource),
            Client::new(&settings.otlp)?,
            settings.batch.export_timeout,
        ))),
    };
    let worker = Worker::new(
        Arc::clone(ledger),
        settings.batch.schedule_delay,
        destination,
    );
    let pipeline = Pipeline {
        ledger: Arc::clone(ledger),
        runtime: spawn(worker)?,
    };
    let processor = Processor {
        ledger: Arc::clone(ledger),
    };
    Ok(Some((processor, pipeline)))
}

/// Starts the worker's thread and runtime.
fn spawn(worker: Worker) -> Result<Handle, ExporterError> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("span-export".to_owned())
        .spawn(move || run(worker, runtime))?;
    Ok(handle)
}

fn run(worker: Worker, runtime: Runtime) {
    // The exporter's own requests must not be traced: each export would cause another.
    let _suppressed = Context::enter_telemetry_suppressed_scope();
    runtime.block_on(worker.run());
    // A pending name look-up would block the runtime's end.
    runtime.shutdown_background();
}

// === impl Pipeline ===

impl Pipeline {
    /// Exports the spans that have ended. Returns how many of them are still waiting after `limit`.
    pub(crate) async fn flush(&self, limit: Duration) -> u64 {
        let mark = self.ledger.seal();
        self.wait(mark, limit).await
    }

    /// Refuses new spans and exports what is left; what is not exported within `limit` is counted as lost.
    pub(crate) async fn shutdown(&self, limit: Duration) {
        let mark = self.ledger.close();
        self.wait(mark, limit).await;
        self.ledger.abandon();
    }

    /// The same, blocking. Returns what was lost.
    pub(crate) fn shutdown_blocking(&self, limit: Duration) -> Losses {
        let before = self.ledger.snapshot().lost;
        let pipeline = self.clone();
        self.block_on(async move { pipeline.shutdown(limit).await });
        self.ledger.abandon();
        self.ledger.snapshot().lost - before
    }

    async fn wait(&self, mark: u64, limit: Duration) -> u64 {
        let ledger = Arc::clone(&self.ledger);
        let reached = async move {
            tokio::time::timeout(limit, ledger.reached(mark))
                .await
                .is_ok()
        };
        // The task is cancelled when the worker has ended, so the ledger is asked for the result.
        let _ = self.runtime.spawn(reached).await;
        self.ledger.missing(mark)
    }

    /// Blocks until `future` is done. This cannot deadlock: the worker has a thread of its own.
    fn block_on<F>(&self, future: F) -> Option<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.runtime.spawn(async move {
            // The receiver is gone only when nobody waits any more.
            let _ = sender.send(future.await);
        });
        receiver.recv().ok()
    }
}

// === impl Processor ===

impl Sink for Processor {
    fn started(&self) {
        self.ledger.started();
    }

    fn ended(&self, span: Ended<'_>) {
        self.ledger.ended(&span);
    }
}

#[cfg(test)]
pub(crate) use tests::{batch_of_empty_spans, empty_span};

#[cfg(test)]
mod delivery_tests;
#[cfg(test)]
mod tests;
