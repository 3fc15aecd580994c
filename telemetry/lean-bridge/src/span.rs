//! What a span of `tracing` has with it: a span of OpenTelemetry, before and after its start.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::trace::{
    Event, Link, SpanBuilder, SpanContext, Status, TraceContextExt, Tracer,
};
use opentelemetry::{Context, KeyValue};
use tracing_subscriber::registry::{LookupSpan, SpanRef};

/// Starts spans, whatever kind of tracer does.
pub(crate) trait Starts: Send + Sync {
    fn start(&self, builder: SpanBuilder, parent: &Context) -> Context;
}

/// What lies among the extensions of a span.
pub(crate) struct Data {
    state: State,
    /// When it was left last: its end, however much later it is closed.
    pub(crate) left: Option<SystemTime>,
}

#[allow(clippy::large_enum_variant)] // The extensions put it into a box of its own.
enum State {
    New(New),
    /// It is being started: what happens on the way does not belong to it.
    Starting,
    Running(Context),
    /// Another span, which somebody else ends.
    StandsFor(Context),
}

/// A span that has not started: its parent can still be set.
pub(crate) struct New {
    pub(crate) builder: SpanBuilder,
    pub(crate) parent: Context,
    pub(crate) status: Status,
    pub(crate) starts: Arc<dyn Starts>,
}

/// A span that may be changed: one that has started, or one that has not.
pub(crate) enum Change<'a> {
    New(&'a mut New),
    Started(&'a Context),
}

thread_local! {
    static STANDS_FOR: RefCell<Option<Context>> = const { RefCell::new(None) };
}

/// Has the next `tracing` span that is made on this thread within `making` stand for the span of `context`: what is
/// done to the one happens to the other, but it does not end it.
pub fn standing_for<T>(context: Context, making: impl FnOnce() -> T) -> T {
    STANDS_FOR.set(Some(context));
    let made = making();
    STANDS_FOR.take();
    made
}

/// The context of a span, which is started for it. None when the bridge does not know the span.
pub(crate) fn context<'a, S>(span: &SpanRef<'a, S>) -> Option<Context>
where
    S: LookupSpan<'a>,
{
    entered(span).map(|(context, _)| context)
}

/// The same, and whether the end of this span is the end of the one behind it.
pub(crate) fn entered<'a, S>(span: &SpanRef<'a, S>) -> Option<(Context, bool)>
where
    S: LookupSpan<'a>,
{
    let new = {
        let mut extensions = span.extensions_mut();
        let data = extensions.get_mut::<Data>()?;
        match &data.state {
            State::Running(context) => return Some((context.clone(), true)),
            State::StandsFor(context) => return Some((context.clone(), false)),
            State::Starting => return None,
            State::New(_) => {}
        }
        match std::mem::replace(&mut data.state, State::Starting) {
            State::New(new) => new,
            State::Starting | State::Running(_) | State::StandsFor(_) => return None,
        }
    };
    // Without the lock: a sampler may log.
    let context = new.start();
    if let Some(data) = span.extensions_mut().get_mut::<Data>() {
        data.state = State::Running(context.clone());
    }
    Some((context, true))
}

/// Changes a span. None when the bridge does not know it, or when it is just being started.
pub(crate) fn change<'a, S, T>(
    span: &SpanRef<'a, S>,
    change: impl FnOnce(Change<'_>) -> T,
) -> Option<T>
where
    S: LookupSpan<'a>,
{
    let context = {
        let mut extensions = span.extensions_mut();
        match &mut extensions.get_mut::<Data>()?.state {
            State::New(new) => return Some(change(Change::New(new))),
            State::Starting => return None,
            State::Running(context) | State::StandsFor(context) => context.clone(),
        }
    };
    Some(change(Change::Started(&context)))
}

// === impl Starts ===

impl<T> Starts for T
where
    T: Tracer + Send + Sync,
    T::Span: Send + Sync + 'static,
{
    fn start(&self, builder: SpanBuilder, parent: &Context) -> Context {
        parent.with_span(self.build_with_context(builder, parent))
    }
}

// === impl Data ===

impl Data {
    /// For a span that is about to be made: it stands for the one that was named, or is one that `new` makes.
    pub(crate) fn next(new: impl FnOnce() -> New) -> Self {
        let state = match STANDS_FOR.take() {
            Some(context) => State::StandsFor(context),
            None => State::New(new()),
        };
        Self { state, left: None }
    }

    /// Ends the span, which has been closed. One that was never entered has started with its end.
    pub(crate) fn end(self, now: fn() -> SystemTime) {
        let context = match self.state {
            State::New(new) => new.start(),
            State::Running(context) => context,
            State::Starting | State::StandsFor(_) => return,
        };
        let end = self.left.unwrap_or_else(now);
        context.span().end_with_timestamp(end);
    }
}

// === impl New ===

impl New {
    fn start(self) -> Context {
        let context = self.starts.start(self.builder, &self.parent);
        if self.status != Status::Unset {
            context.span().set_status(self.status);
        }
        context
    }
}

// === impl Change ===

impl Change<'_> {
    pub(crate) fn attribute(&mut self, attribute: KeyValue) {
        match self {
            Self::New(new) => new
                .builder
                .attributes
                .get_or_insert_default()
                .push(attribute),
            Self::Started(context) => context.span().set_attribute(attribute),
        }
    }

    pub(crate) fn status(&mut self, status: Status) {
        match self {
            Self::New(new) => new.status = status,
            Self::Started(context) => context.span().set_status(status),
        }
    }

    /// An error that nobody has described; it takes nothing from one that somebody has.
    pub(crate) fn failed(&mut self) {
        match self {
            Self::New(new) if new.status != Status::Unset => {}
            _ => self.status(Status::error("")),
        }
    }

    pub(crate) fn link(&mut self, other: SpanContext, attributes: Vec<KeyValue>) {
        match self {
            Self::New(new) => new
                .builder
                .links
                .get_or_insert_default()
                .push(Link::new(other, attributes, 0)),
            Self::Started(context) => context.span().add_link(other, attributes),
        }
    }

    pub(crate) fn event(
        &mut self,
        name: Cow<'static, str>,
        time: SystemTime,
        attributes: Vec<KeyValue>,
    ) {
        match self {
            Self::New(new) => new
                .builder
                .events
                .get_or_insert_default()
                .push(Event::new(name, time, attributes, 0)),
            Self::Started(context) => context
                .span()
                .add_event_with_timestamp(name, time, attributes),
        }
    }
}
