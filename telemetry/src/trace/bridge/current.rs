//! What is current on a thread: spans of `tracing`, and requests whose `tracing` span has not been asked for.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use tracing::dispatcher::WeakDispatch;
use tracing::span::Id;
use tracing::{Dispatch, Event, Subscriber, dispatcher};
use tracing_core::span::Current as CurrentSpan;

use subscriber_wrapper::Policy;

use super::event;
use super::proxy::Proxy;
use crate::trace::tracer::{self, Tracer};

/// What the subscriber does otherwise than the registry: the current span may be a request's, which is in no registry.
pub(crate) struct Current {
    tracer: Arc<Tracer>,
    /// Whether requests have a `tracing` span from their start on.
    has_layers: bool,
    dispatch: OnceLock<WeakDispatch>,
}

/// What has been entered.
enum Frame {
    /// A span of `tracing`, of the subscriber whose tracer is there.
    Span { tracer: *const Tracer, id: Id },
    /// A request.
    Proxy(Arc<Proxy>),
}

/// While this lives, the proxy's span is the current one of `tracing` on its thread.
#[must_use = "the span is left when this is dropped"]
pub(crate) struct InProxy<'a>(&'a Arc<Proxy>);

thread_local! {
    // The innermost last.
    static ENTERED: RefCell<Vec<Frame>> = const { RefCell::new(Vec::new()) };
}

/// Makes the span of `proxy` the current one.
pub(super) fn enter(proxy: &Arc<Proxy>) -> InProxy<'_> {
    push(Frame::Proxy(Arc::clone(proxy)));
    InProxy(proxy)
}

/// The request that is current on this thread, if the current span is a request's that is made on demand.
pub(super) fn proxy() -> Option<Arc<Proxy>> {
    dispatcher::get_default(|dispatch| dispatch.downcast_ref::<Current>()?.proxy())
}

fn push(frame: Frame) {
    // A thread that is about to end has no stack any more.
    let _ = ENTERED.try_with(|entered| entered.borrow_mut().push(frame));
}

/// Takes the innermost frame that is the one: they may be left in any order.
fn pop(is: impl Fn(&Frame) -> bool) {
    let taken = ENTERED.try_with(|entered| {
        let mut entered = entered.borrow_mut();
        let place = entered.iter().rposition(is)?;
        Some(entered.remove(place))
    });
    // Not under the borrow: a proxy's span may go with it.
    drop(taken);
}

// === impl Current ===

impl Current {
    /// That of a new subscriber.
    pub(super) fn new(tracer: Arc<Tracer>, has_layers: bool) -> Self {
        Self {
            tracer,
            has_layers,
            dispatch: OnceLock::new(),
        }
    }

    pub(super) fn tracer(&self) -> &Arc<Tracer> {
        &self.tracer
    }

    pub(super) fn has_layers(&self) -> bool {
        self.has_layers
    }

    /// The request that is current, unless a span of `tracing` was entered in it.
    fn proxy(&self) -> Option<Arc<Proxy>> {
        let mine = Arc::as_ptr(&self.tracer);
        let innermost = ENTERED.try_with(|entered| {
            let entered = entered.borrow();
            entered.iter().rev().find_map(|frame| match frame {
                Frame::Span { tracer, .. } => (*tracer == mine).then_some(None),
                Frame::Proxy(proxy) => {
                    Arc::ptr_eq(proxy.tracer(), &self.tracer).then(|| Some(Arc::clone(proxy)))
                }
            })
        });
        innermost.ok()??
    }
}

impl<S: Subscriber> Policy<S> for Current {
    fn on_register_dispatch(&self, dispatch: &Dispatch, inner: &S) {
        // There is one, for the whole life of the subscriber.
        let _ = self.dispatch.set(dispatch.downgrade());
        inner.on_register_dispatch(dispatch);
    }

    fn event(&self, event: &Event<'_>, inner: &S) {
        match event.is_contextual().then(|| self.proxy()).flatten() {
            Some(proxy) => event::add(event, proxy.context()),
            None => tracer::within_event(|| inner.event(event)),
        }
    }

    fn enter(&self, id: &Id, inner: &S) {
        inner.enter(id);
        push(Frame::Span {
            tracer: Arc::as_ptr(&self.tracer),
            id: id.clone(),
        });
    }

    fn exit(&self, id: &Id, inner: &S) {
        let mine = Arc::as_ptr(&self.tracer);
        pop(|frame| matches!(frame, Frame::Span { tracer, id: of } if (*tracer, of) == (mine, id)));
        inner.exit(id);
    }

    fn current_span(&self, inner: &S) -> CurrentSpan {
        let Some(proxy) = self.proxy() else {
            return inner.current_span();
        };
        let dispatch = self.dispatch.get().and_then(WeakDispatch::upgrade);
        dispatch.map_or_else(CurrentSpan::none, |dispatch| proxy.current(&dispatch))
    }
}

// === impl InProxy ===

impl Drop for InProxy<'_> {
    fn drop(&mut self) {
        pop(|frame| matches!(frame, Frame::Proxy(proxy) if Arc::ptr_eq(proxy, self.0)));
    }
}
