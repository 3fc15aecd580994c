//! The way of a span out of the process, with nothing lost silently.
//!
//! The SDK's batch processor drops spans when its queue is full and says so once, in a log; its exporter logs what
//! a partial success rejected; its shutdown answers `Ok` whatever became of the last batch. So the way is one of
//! our own. The [`Processor`] counts what starts and queues what has ended, behind one lock with the
//! [`Ledger`]; a [`worker`] thread takes batches to the collector, one at a time, and counts how each ended. Every
//! span is in one place of the [`Snapshot`] at any moment, and ends as exported or as a [`Loss`].
//!
//! Nothing here waits for the network but the worker. A collector that is away costs the queue, whose bound holds
//! in spans and in bytes, and then what no longer fits, counted.

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

/// The tracer's part: what it does happens on the threads of requests, so it is little.
#[derive(Debug)]
pub(crate) struct Processor {
    ledger: Arc<Ledger>,
}

/// The running pipeline. Clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    ledger: Arc<Ledger>,
    /// The worker's: what waits for it waits there, whatever runtime the caller has.
    runtime: Handle,
}

/// Starts the pipeline; none when spans go nowhere.
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

/// Runs the worker on a thread and a runtime of its own.
fn spawn(worker: Worker) -> Result<Handle, ExporterError> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("span-export".to_owned())
        .spawn(move || run(worker, runtime))?;
    Ok(handle)
}

fn run(worker: Worker, runtime: Runtime) {
    // The exporter's own requests must not become spans, which would be exported, which would become spans.
    let _suppressed = Context::enter_telemetry_suppressed_scope();
    runtime.block_on(worker.run());
    // A name that is still being resolved would hold the end of the runtime.
    runtime.shutdown_background();
}

// === impl Pipeline ===

impl Pipeline {
    /// Lets go out what has ended by now. Returns how many spans have no end of theirs within `limit`.
    pub(crate) async fn flush(&self, limit: Duration) -> u64 {
        let mark = self.ledger.seal();
        self.wait(mark, limit).await
    }

    /// Lets go out what is left, and nothing more comes in. What has no end within `limit` is counted as lost.
    pub(crate) async fn shutdown(&self, limit: Duration) {
        let mark = self.ledger.close();
        self.wait(mark, limit).await;
        self.ledger.abandon();
    }

    /// The same for callers that block. Returns what was lost.
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
        // Whether it was reached is asked of the ledger: the task is cancelled when the worker has ended.
        let _ = self.runtime.spawn(reached).await;
        self.ledger.missing(mark)
    }

    /// The same for callers that block. They may: the worker needs no thread of theirs.
    fn block_on<F>(&self, future: F) -> Option<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.runtime.spawn(async move {
            // Only who does not wait any more does not listen.
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
