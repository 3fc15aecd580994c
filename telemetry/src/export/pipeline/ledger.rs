//! The queue of ended spans and the account of all sampled ones, behind one lock. Starts alone are counted outside of it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::export::account::{Loss, Snapshot};
use crate::export::batch::Batch;
use crate::settings::BatchLimits;
use crate::trace::wire::{Ended, Message};

/// Maximum size of the queue in bytes, beside its limit in spans.
const QUEUE_BYTES: usize = 32 << 20;

/// A batch of this size is sent even if more spans would fit: collectors refuse larger requests, by default beyond 4 MiB
/// over gRPC.
const BATCH_BYTES: usize = 2 << 20;

/// How many buffers of sent batches are kept for reuse: for one that is filled and one that is sent, in a few scopes.
const SPARE: usize = 4;

/// The account and the queue. They share one lock, so that a snapshot is exact at any moment.
#[derive(Debug)]
pub(crate) struct Ledger {
    capacity: usize,
    batch_size: usize,
    /// Spans started so far. A span is counted here before it can end, so that under the lock this is never less than the
    /// number of ended ones.
    started: AtomicU64,
    state: Mutex<State>,
    /// Wakes the worker for a batch, or for the close.
    ready: Notify,
    /// Stops the worker in the middle of an export.
    abandoned: Notify,
    /// How many of the queued spans have been exported or counted as lost.
    settled: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// `started` and `live` are computed for a snapshot.
    account: Snapshot,
    /// Spans ended so far.
    ended: u64,
    /// The batch that is being filled.
    open: Batch,
    /// Batches that wait to be sent, the oldest first.
    sealed: VecDeque<Batch>,
    queued_bytes: usize,
    /// Spans queued so far.
    accepted: u64,
    settled: u64,
    /// The reason under which the spans in flight count as lost if they are abandoned now.
    loss_if_abandoned: Option<Loss>,
    /// Buffers of sent batches: fresh memory would come from the system page by page.
    spare: Vec<Message>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Open,
    /// What is queued is still exported; new spans are refused.
    Closed,
    /// Everything is exported or counted as lost.
    Abandoned,
}

/// What the worker does next.
#[derive(Debug)]
pub(super) enum Work {
    Export(Batch),
    Wait,
    /// The pipeline is closed and empty.
    Done,
}

/// The result of an export, for all spans of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExportResult {
    /// The collector accepted the batch except `rejected` of its spans.
    Accepted {
        rejected: u64,
    },
    Lost(Loss),
}

// === impl Ledger ===

impl Ledger {
    pub(crate) fn new(limits: BatchLimits) -> Self {
        Self {
            capacity: limits.queue_size,
            batch_size: limits.export_size,
            started: AtomicU64::new(0),
            state: Mutex::default(),
            ready: Notify::new(),
            abandoned: Notify::new(),
            settled: watch::Sender::new(0),
        }
    }

    /// Maximum number of queued spans.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let state = self.state();
        let started = self.started.load(Ordering::Relaxed);
        Snapshot {
            started,
            live: started - state.ended,
            ..state.account
        }
    }

    pub(super) fn started(&self) {
        self.started.fetch_add(1, Ordering::Relaxed);
    }

    /// Queues a span that has ended, or counts why not. Wakes the worker only for a full batch.
    pub(super) fn ended(&self, span: &Ended<'_>) {
        let bytes = span.bytes.len();
        let mut state = self.state();
        state.ended += 1;
        let refused = if state.phase != Phase::Open {
            Some(Loss::AlreadyShutdown)
        } else if state.account.queued >= self.capacity as u64
            || state.queued_bytes + bytes > QUEUE_BYTES
        {
            Some(Loss::QueueFull)
        } else {
            None
        };
        if let Some(loss) = refused {
            state.account.lost[loss] += 1;
            return;
        }
        state.account.queued += 1;
        state.accepted += 1;
        state.queued_bytes += bytes;
        let State { open, spare, .. } = &mut *state;
        open.push(span, spare);
        if state.open.count() >= self.batch_size || state.open.bytes() >= BATCH_BYTES {
            state.seal();
            drop(state);
            self.ready.notify_one();
        }
    }

    /// Has everything queued exported without waiting for more. The returned mark is for [`reached`](Self::reached).
    pub(super) fn seal(&self) -> u64 {
        let mut state = self.state();
        state.seal();
        let mark = state.accepted;
        drop(state);
        self.ready.notify_one();
        mark
    }

    /// The same, and refuses spans from now on.
    pub(super) fn close(&self) -> u64 {
        let mut state = self.state();
        if state.phase == Phase::Open {
            state.phase = Phase::Closed;
        }
        drop(state);
        self.seal()
    }

    /// Takes the next batch, which then counts as in flight.
    pub(super) fn take(&self) -> Work {
        let mut state = self.state();
        let Some(batch) = state.sealed.pop_front() else {
            return match state.phase {
                Phase::Open => Work::Wait,
                Phase::Closed | Phase::Abandoned => Work::Done,
            };
        };
        let count = batch.count() as u64;
        state.account.queued -= count;
        state.account.in_flight += count;
        state.queued_bytes -= batch.bytes();
        state.loss_if_abandoned = None;
        Work::Export(batch)
    }

    /// Keeps the buffers of a batch for reuse.
    pub(super) fn recycle(&self, batch: Batch) {
        let mut state = self.state();
        for mut spans in batch.into_memory() {
            if state.spare.len() < SPARE && spans.capacity() <= 2 * BATCH_BYTES {
                spans.clear();
                state.spare.push(spans);
            }
        }
    }

    /// Sets the loss reason for the spans in flight, in case they are abandoned.
    pub(super) fn set_loss_if_abandoned(&self, loss: Loss) {
        self.state().loss_if_abandoned = Some(loss);
    }

    /// Counts the spans in flight by the result of their export.
    pub(super) fn settle(&self, result: ExportResult) {
        self.state().settle(result);
        self.tell_settled();
    }

    /// Counts everything that is queued or in flight as lost, and closes. For a shutdown whose time is over.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        if state.phase == Phase::Abandoned {
            return;
        }
        state.phase = Phase::Abandoned;
        let loss = state.loss_if_abandoned.unwrap_or(Loss::ShutdownTimeout);
        state.settle(ExportResult::Lost(loss));
        let queued = std::mem::take(&mut state.account.queued);
        state.account.lost[Loss::ShutdownTimeout] += queued;
        state.settled += queued;
        let left = (
            std::mem::take(&mut state.open),
            std::mem::take(&mut state.sealed),
        );
        drop(state);
        drop(left);
        self.tell_settled();
        self.abandoned.notify_one();
        self.ready.notify_one();
    }

    /// Resolves when there may be work; may also wake without any.
    pub(super) async fn ready(&self) {
        self.ready.notified().await;
    }

    /// Resolves when the pipeline is abandoned. For the worker alone.
    pub(super) async fn abandoned(&self) {
        self.abandoned.notified().await;
    }

    /// Resolves when every span that was queued before `mark` has been exported or counted as lost.
    pub(super) async fn reached(&self, mark: u64) {
        // The sender lives as long as `self`, so this ends only when the mark is reached.
        let _ = self
            .settled
            .subscribe()
            .wait_for(|settled| *settled >= mark)
            .await;
    }

    /// How many of the spans before `mark` are neither exported nor counted as lost.
    pub(super) fn missing(&self, mark: u64) -> u64 {
        mark.saturating_sub(self.state().settled)
    }

    fn tell_settled(&self) {
        let settled = self.state().settled;
        self.settled.send_replace(settled);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl State ===

impl State {
    fn seal(&mut self) {
        if self.open.count() > 0 {
            let batch = std::mem::take(&mut self.open);
            self.sealed.push_back(batch);
        }
    }

    fn settle(&mut self, result: ExportResult) {
        // Nothing is in flight when an abandoned export comes back.
        let count = std::mem::take(&mut self.account.in_flight);
        self.settled += count;
        match result {
            ExportResult::Accepted { rejected } => {
                let rejected = rejected.min(count);
                self.account.exported += count - rejected;
                self.account.lost[Loss::Rejected] += rejected;
            }
            ExportResult::Lost(loss) => self.account.lost[loss] += count,
        }
    }
}
