//! What a spawned task does not take along: deadlines that were set before it was spawned.
//!
//! They are values of OpenTelemetry's context, and every span below carries them in the context that it brings, so they
//! cannot be taken out. Instead each one is numbered when it is set, and a thread knows up to which number they do not
//! hold for the task that it polls.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::Id;

thread_local! {
    // Numbers up to this one do not hold.
    static DETACHED: Cell<u64> = const { Cell::new(0) };
}

/// When a deadline was set, in the order of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SetAt(u64);

/// Work that may be polled by another task than the one that made it, and is then bound by no deadline of that one.
#[derive(Debug, Clone, Copy)]
pub(super) struct MayDetach {
    made_by: Option<Id>,
    made_at: SetAt,
}

/// While this lives, deadlines that were set before do not hold on this thread.
#[must_use = "they hold again when this is dropped"]
pub(super) struct Detached(u64);

// === impl SetAt ===

impl SetAt {
    pub(crate) fn now() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self(LAST.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// Whether what was set then holds for the work that this thread does.
    pub(crate) fn holds(self) -> bool {
        self.0 > DETACHED.get()
    }
}

// === impl MayDetach ===

impl MayDetach {
    /// Of work that is made here and now.
    pub(super) fn here() -> Self {
        Self {
            made_by: tokio::task::try_id(),
            made_at: SetAt::now(),
        }
    }

    /// To be kept while the work is polled.
    pub(super) fn enter(self) -> Option<Detached> {
        (tokio::task::try_id() != self.made_by).then(|| Detached::since(self.made_at))
    }
}

// === impl Detached ===

impl Detached {
    /// Nothing holds that was set earlier.
    pub(super) fn since(at: SetAt) -> Self {
        Self(DETACHED.replace(at.0))
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        DETACHED.set(self.0);
    }
}
