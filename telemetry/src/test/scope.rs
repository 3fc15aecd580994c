//! The threads and futures that take part in a capture.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use metrics::{LocalRecorderGuard, set_default_local_recorder};
use tracing::Dispatch;
use tracing::dispatcher::DefaultGuard;

use super::logs::Lines;
use super::metrics::{CURRENT, CurrentRecorder, Measured};
use super::spans::Ended;

/// A handle with which other threads take part in a capture. Clones are of the same capture.
#[derive(Debug, Clone)]
pub struct Scope {
    subscriber: Dispatch,
    kept: Arc<Kept>,
}

/// What a capture has recorded.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) spans: Ended,
    pub(super) metrics: Arc<Measured>,
    pub(super) logs: Lines,
}

/// A thread's part in a capture, for as long as this lives.
#[must_use = "the thread takes part for as long as this lives"]
pub struct Attached {
    // In the order in which they must go.
    _recorder: LocalRecorderGuard<'static>,
    _measured: Measuring,
    _subscriber: DefaultGuard,
}

/// Restores the capture that the thread recorded metrics for before.
struct Measuring(Option<Arc<Measured>>);

pin_project_lite::pin_project! {
    /// A future that takes part in a capture, wherever it is polled.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct InScope<F> {
        #[pin]
        future: F,
        scope: Scope,
    }
}

/// Records metrics for the capture that the thread takes part in.
static RECORDER: CurrentRecorder = CurrentRecorder;

// === impl Scope ===

impl Scope {
    pub(super) fn new(subscriber: Dispatch, kept: Arc<Kept>) -> Self {
        Self { subscriber, kept }
    }

    pub(super) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// Captures what the current thread does while the value lives.
    ///
    /// ```
    /// let captured = telemetry::test::capture();
    /// let scope = captured.scope();
    /// let thread = std::thread::spawn(move || {
    ///     let _attached = scope.attach();
    ///     tracing::info_span!("elsewhere").in_scope(|| {});
    /// });
    /// thread.join().unwrap();
    /// captured.span("elsewhere").assert_root();
    /// ```
    pub fn attach(&self) -> Attached {
        let measured = Some(Arc::clone(&self.kept.metrics));
        Attached {
            _subscriber: tracing::dispatcher::set_default(&self.subscriber),
            _measured: Measuring(
                CURRENT.with_borrow_mut(|current| std::mem::replace(current, measured)),
            ),
            _recorder: set_default_local_recorder(&RECORDER),
        }
    }

    /// Captures what `future` does, on whichever threads it is polled.
    pub fn in_scope<F: Future>(&self, future: F) -> InScope<F> {
        InScope {
            future,
            scope: self.clone(),
        }
    }
}

// === impl Measuring ===

impl Drop for Measuring {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

// === impl Attached ===

impl std::fmt::Debug for Attached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attached").finish_non_exhaustive()
    }
}

// === impl InScope ===

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _attached = this.scope.attach();
        this.future.poll(cx)
    }
}
