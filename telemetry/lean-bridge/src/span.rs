//! What a span of `tracing` has with it: a span of OpenTelemetry, before and after its start.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::trace::{
    Event, Link, SpanBuilder, SpanContext, Status, TraceContextExt, Tracer,
};
use opentelemetry::{Context, KeyValue};
use tracing::Metadata;
use tracing::span::Id;

use crate::spans::Spans;
use crate::stack;

/// Starts spans, whatever kind of tracer does.
pub(crate) trait Starts: Send + Sync {
    fn start(&self, builder: SpanBuilder, parent: &Context) -> Context;
}

/// What belongs to a span.
pub(crate) struct Data {
    metadata: &'static Metadata<'static>,
    state: State,
    /// When it was left last: its end, however much later it is closed.
    pub(crate) left: Option<SystemTime>,
}

#[allow(clippy::large_enum_variant)] // Nearly all have been new.
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

/// The context of a span, which is started for it. None when there is no such span.
pub(crate) fn context(spans: &Spans, id: &Id) -> Option<(Context, &'static Metadata<'static>)> {
    let (metadata, new) = spans.with(id, |data| {
        let new = match &data.state {
            State::Running(context) | State::StandsFor(context) => Err(Some(context.clone())),
            State::Starting => Err(None),
            State::New(_) => match std::mem::replace(&mut data.state, State::Starting) {
                State::New(new) => Ok(new),
                State::Starting | State::Running(_) | State::StandsFor(_) => Err(None),
            },
        };
        (data.metadata, new)
    })?;
    let new = match new {
        Ok(new) => new,
        Err(started) => return started.map(|context| (context, metadata)),
    };
    // Without the lock: a sampler may log.
    let context = new.start();
    let running = State::Running(context.clone());
    spans.with(id, |data| data.state = running);
    Some((context, metadata))
}

/// Changes a span. None when there is no such span, or when it is just being started.
pub(crate) fn change<T>(spans: &Spans, id: &Id, change: impl FnOnce(Change<'_>) -> T) -> Option<T> {
    let mut change = Some(change);
    let done = spans.with(id, |data| match &mut data.state {
        State::New(new) => Ok(change.take().map(|change| change(Change::New(new)))),
        State::Starting => Ok(None),
        State::Running(context) | State::StandsFor(context) => Err(context.clone()),
    })?;
    match done {
        Ok(changed) => changed,
        // Without the lock: whoever made the span may do anything.
        Err(context) => change.map(|change| change(Change::Started(&context))),
    }
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
    pub(crate) fn new(metadata: &'static Metadata<'static>, new: New) -> Self {
        Self {
            metadata,
            state: State::New(new),
            left: None,
        }
    }

    /// What is done to it happens to the span of the context, but it does not end that.
    pub(crate) fn standing_for(context: Context) -> Self {
        Self {
            metadata: &stack::METADATA,
            state: State::StandsFor(context),
            left: None,
        }
    }

    /// It has been left.
    pub(crate) fn leave(&mut self, now: fn() -> SystemTime) {
        if matches!(self.state, State::Running(_)) {
            self.left = Some(now());
        }
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
