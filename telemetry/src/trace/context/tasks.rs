//! Tasks that continue the trace of their spawner.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use pin_project_lite::pin_project;
use tokio::task::JoinHandle;
use tracing::Span;

use super::detached::{Detached, MayDetach, SetAt};
use crate::layers::current::{self, ServerSpan};
use crate::layers::hop::{Ending, Hop, Within};

/// Spawns a task in the current trace: its spans and logs belong to the current span.
///
/// The task is bound by no deadline of the call that is being served here, which may be answered long before the task ends;
/// `telemetry::grpc::keep_deadline` keeps it. The current span does not wait for the task to end. For a `JoinSet`, or any
/// other way to spawn,
/// see [`TraceExt`].
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.in_current_trace())
}

/// Spawns a task that is a span of its own, `span`: made here, it is a child of the current one.
///
/// It lasts as long as the task. A panic or an abort is recorded as its `error.type`.
pub fn spawn_in<F>(span: Span, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(future.in_span(span))
}

/// Runs blocking work on its thread, in the current trace; see [`spawn`].
pub fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let hop = Hop::current();
    let handled = current::current();
    let made_at = SetAt::now();
    tokio::task::spawn_blocking(move || {
        let _handling = handled.enter();
        let _detached = Detached::since(made_at);
        hop.in_scope(work)
    })
}

/// Runs blocking work on its thread, as a span of its own; see [`spawn_in`].
pub fn spawn_blocking_in<T: Send + 'static>(
    span: Span,
    work: impl FnOnce() -> T + Send + 'static,
) -> JoinHandle<T> {
    let hop = Hop::of(span);
    spawn_blocking(move || {
        let ending = Ending::new(hop, unmeasured as Unmeasured);
        let output = ending.in_scope(work);
        ending.end(None);
        output
    })
}

/// Futures that keep their trace wherever they are polled.
///
/// A deadline stays behind when that is another task: see [`spawn`]. What is awaited by the task that made it keeps it.
///
/// ```
/// use telemetry::context::TraceExt;
/// use tokio::task::JoinSet;
///
/// # async fn price(dish: &'static str) -> usize { dish.len() }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let mut prices = JoinSet::new();
/// prices.spawn(price("bibimbap").in_current_trace());
/// prices.spawn(price("mapo tofu").in_span(tracing::info_span!("kitchen.price")));
/// let prices = prices.join_all().await;
/// # assert_eq!(prices.len(), 2);
/// # }
/// ```
pub trait TraceExt: Future + Sized {
    /// The future in the current trace: its spans and logs belong to the span that is current now.
    fn in_current_trace(self) -> InTrace<Self> {
        InTrace {
            inner: Hop::current().around(self),
            may_detach: MayDetach::here(),
            handled: current::current(),
        }
    }

    /// The future as a span of its own: made here, it is a child of the current one. It ends when the future does,
    /// panics, or is dropped.
    fn in_span(self, span: Span) -> InSpan<Self> {
        let hop = Hop::of(span);
        InSpan {
            inner: hop.around(self),
            may_detach: MayDetach::here(),
            handled: current::current(),
            ending: Some(Ending::new(hop, unmeasured as Unmeasured)),
        }
    }
}

impl<F: Future> TraceExt for F {}

pin_project! {
    /// Made by [`TraceExt::in_current_trace`].
    #[must_use = "futures do nothing unless polled"]
    pub struct InTrace<F> {
        #[pin]
        inner: Within<F>,
        may_detach: MayDetach,
        handled: ServerSpan,
    }
}

pin_project! {
    /// Made by [`TraceExt::in_span`].
    #[must_use = "futures do nothing unless polled"]
    pub struct InSpan<F> {
        #[pin]
        inner: Within<F>,
        may_detach: MayDetach,
        handled: ServerSpan,
        // After `inner`: what the future drops still belongs to the span.
        ending: Option<Ending<Unmeasured>>,
    }
}

/// What a task's end records beside its span: nothing.
type Unmeasured = fn(&Hop, Option<&str>);

fn unmeasured(_: &Hop, _: Option<&str>) {}

// === impl InTrace ===

impl<F: Future> Future for InTrace<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _detached = this.may_detach.enter();
        let _handling = this.handled.enter();
        this.inner.poll(task)
    }
}

impl<F> std::fmt::Debug for InTrace<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InTrace").finish_non_exhaustive()
    }
}

// === impl InSpan ===

impl<F: Future> Future for InSpan<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _detached = this.may_detach.enter();
        // Held here while it is polled, so that a panic ends the span also when it is caught above.
        let ending = this.ending.take();
        let _handling = this.handled.enter();
        let Poll::Ready(output) = this.inner.poll(task) else {
            *this.ending = ending;
            return Poll::Pending;
        };
        if let Some(ending) = ending {
            ending.end(None);
        }
        Poll::Ready(output)
    }
}

impl<F> std::fmt::Debug for InSpan<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InSpan").finish_non_exhaustive()
    }
}
