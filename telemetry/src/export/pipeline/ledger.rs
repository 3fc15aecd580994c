//! Where every sampled span of this process is: the account and the queue, behind one lock. Only that a span has started
//! is counted outside of it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::InstrumentationScope;
use tokio::sync::{Notify, watch};

use super::account::{Loss, Snapshot};
use crate::settings::Batch as Bounds;
use crate::trace::wire::{Ended, Message, SPANS};

/// What the queue may hold, in bytes as they are sent, whatever the number of its spans.
const QUEUE_BYTES: usize = 32 << 20;

/// A batch goes out when it has so many bytes, even if more spans would fit: collectors refuse requests beyond
/// some size, for gRPC 4 MiB if nobody says otherwise.
const BATCH_BYTES: usize = 2 << 20;

/// The memory of so many batches is kept: of one that grows and one that goes out, in a few scopes.
const SPARE: usize = 4;

/// The account and the queue. One lock for both, so that a snapshot is exact at any moment.
#[derive(Debug)]
pub(crate) struct Ledger {
    capacity: usize,
    batch_size: usize,
    /// How many spans have ever started. Whoever ends one has counted it here before, so that under the lock it is never
    /// less than what has ended.
    started: AtomicU64,
    state: Mutex<State>,
    /// Tells the worker that a batch is ready, or that there will be no more.
    ready: Notify,
    /// Tells the worker that nobody waits for what it does any more.
    abandoned: Notify,
    /// How many of the queued spans have got their end.
    settled: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// Without those that were started, and that live.
    account: Snapshot,
    /// How many spans have ever ended.
    ended: u64,
    /// The batch that grows.
    open: Batch,
    /// Those that wait to be sent, the oldest first.
    sealed: VecDeque<Batch>,
    queued_bytes: usize,
    /// How many spans have ever been queued.
    accepted: u64,
    settled: u64,
    /// What becomes of the spans in flight if they are abandoned now.
    fate: Option<Loss>,
    /// Memory of batches that are gone: new one would have to be made by the system, page by page.
    spare: Vec<Message>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Open,
    /// What is queued still goes out, nothing more comes in.
    Closed,
    /// Everything has its end.
    Abandoned,
}

/// Spans that go to the collector together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    scopes: Vec<Scoped>,
    /// How many spans there are, and what they take.
    count: usize,
    bytes: usize,
}

/// The spans of one scope.
#[derive(Debug)]
pub(crate) struct Scoped {
    pub(crate) scope: Arc<InstrumentationScope>,
    /// As the fields of a `ScopeSpans`, one after the other.
    pub(crate) spans: Message,
}

/// What there is to do.
#[derive(Debug)]
pub(super) enum Work {
    Export(Batch),
    Wait,
    /// The pipeline is closed, and everything in it has its end.
    Done,
}

/// How an export ended, for all spans of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The collector took the batch, but for so many of its spans.
    Accepted {
        rejected: u64,
    },
    Lost(Loss),
}

// === impl Ledger ===

impl Ledger {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            capacity: bounds.queue_size,
            batch_size: bounds.export_size,
            started: AtomicU64::new(0),
            state: Mutex::default(),
            ready: Notify::new(),
            abandoned: Notify::new(),
            settled: watch::Sender::new(0),
        }
    }

    /// How many spans may wait.
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
        if state.open.count >= self.batch_size || state.open.bytes >= BATCH_BYTES {
            state.seal();
            drop(state);
            self.ready.notify_one();
        }
    }

    /// Lets go out what is queued, without waiting for more. The returned mark is for [`reached`](Self::reached).
    pub(super) fn seal(&self) -> u64 {
        let mut state = self.state();
        state.seal();
        let mark = state.accepted;
        drop(state);
        self.ready.notify_one();
        mark
    }

    /// The same, and from now on nothing comes in.
    pub(super) fn close(&self) -> u64 {
        let mut state = self.state();
        if state.phase == Phase::Open {
            state.phase = Phase::Closed;
        }
        drop(state);
        self.seal()
    }

    /// The next batch, which then is in flight.
    pub(super) fn take(&self) -> Work {
        let mut state = self.state();
        let Some(batch) = state.sealed.pop_front() else {
            return match state.phase {
                Phase::Open => Work::Wait,
                Phase::Closed | Phase::Abandoned => Work::Done,
            };
        };
        let count = batch.count as u64;
        state.account.queued -= count;
        state.account.in_flight += count;
        state.queued_bytes -= batch.bytes;
        state.fate = None;
        Work::Export(batch)
    }

    /// Takes back the memory of a batch that is gone.
    pub(super) fn recycle(&self, batch: Batch) {
        let mut state = self.state();
        for Scoped { mut spans, .. } in batch.scopes {
            if state.spare.len() < SPARE && spans.capacity() <= 2 * BATCH_BYTES {
                spans.clear();
                state.spare.push(spans);
            }
        }
    }

    /// Says what becomes of the spans in flight if nobody waits for them any longer.
    pub(super) fn forebode(&self, fate: Loss) {
        self.state().fate = Some(fate);
    }

    /// Counts how the export of what is in flight ended.
    pub(super) fn settle(&self, outcome: Outcome) {
        self.state().settle(outcome);
        self.tell_settled();
    }

    /// Counts everything that is queued or in flight as lost, and closes. For a shutdown whose time is over.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        if state.phase == Phase::Abandoned {
            return;
        }
        state.phase = Phase::Abandoned;
        let fate = state.fate.unwrap_or(Loss::ShutdownTimeout);
        state.settle(Outcome::Lost(fate));
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

    /// Until there may be work; also wakes without a reason.
    pub(super) async fn ready(&self) {
        self.ready.notified().await;
    }

    /// Until the pipeline is abandoned. For the worker alone.
    pub(super) async fn abandoned(&self) {
        self.abandoned.notified().await;
    }

    /// Until all spans that were queued before the mark was made have got their end.
    pub(super) async fn reached(&self, mark: u64) {
        // The sender lives as long as `self`, so this ends only when the mark is reached.
        let _ = self
            .settled
            .subscribe()
            .wait_for(|settled| *settled >= mark)
            .await;
    }

    /// How many of the spans before the mark have not got their end.
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
        if self.open.count > 0 {
            let batch = std::mem::take(&mut self.open);
            self.sealed.push_back(batch);
        }
    }

    fn settle(&mut self, outcome: Outcome) {
        // Nothing is in flight when an abandoned export comes back.
        let count = std::mem::take(&mut self.account.in_flight);
        self.settled += count;
        match outcome {
            Outcome::Accepted { rejected } => {
                let rejected = rejected.min(count);
                self.account.exported += count - rejected;
                self.account.lost[Loss::Rejected] += rejected;
            }
            Outcome::Lost(loss) => self.account.lost[loss] += count,
        }
    }
}

// === impl Batch ===

impl Batch {
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn scopes(&self) -> &[Scoped] {
        &self.scopes
    }

    fn push(&mut self, span: &Ended<'_>, spare: &mut Vec<Message>) {
        let known = self
            .scopes
            .iter()
            .position(|known| Arc::ptr_eq(&known.scope, span.scope) || known.scope == *span.scope);
        let at = known.unwrap_or_else(|| {
            self.scopes.push(Scoped {
                scope: Arc::clone(span.scope),
                spans: spare.pop().unwrap_or_default(),
            });
            self.scopes.len() - 1
        });
        self.scopes[at].spans.bytes(SPANS, &span.bytes);
        self.count += 1;
        self.bytes += span.bytes.len();
    }
}
