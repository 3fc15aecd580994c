//! The subscriber.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use opentelemetry::trace::{SpanBuilder, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};
use tracing_core::span::Current;

use crate::fields::{OfEvent, OfSpan};
use crate::span::{self, Change, Data, New, Starts};
use crate::spans::Spans;
use crate::stack;

/// Decides what becomes of spans and events, and is handed all events.
pub trait Gate: Any + Send + Sync {
    /// The bridge has come to be.
    fn begin(&self, subscriber: &Dispatch);

    /// Whether a span or an event may be wanted.
    fn interest(&self, metadata: &'static Metadata<'static>) -> Interest;

    /// Whether it is wanted here and now.
    fn wants(&self, metadata: &Metadata<'_>) -> bool;

    /// The most verbose level that may be wanted.
    fn most(&self) -> LevelFilter;

    /// An event happens that is wanted. Returns whether it becomes one of its span.
    fn event(&self, event: &Event<'_>) -> bool;
}

/// Makes spans of OpenTelemetry from those of `tracing`. While a span of the one is entered, the span of the other is the
/// current one of its library.
pub struct Bridge {
    number: u64,
    spans: Arc<Spans>,
    starts: Arc<dyn Starts>,
    now: fn() -> SystemTime,
    gate: Box<dyn Gate>,
}

// === impl Bridge ===

impl Bridge {
    /// A bridge whose spans are made by `tracer` and timed by `now`.
    pub fn new<T>(tracer: T, now: fn() -> SystemTime, gate: impl Gate) -> Self
    where
        T: Tracer + Send + Sync + 'static,
        T::Span: Send + Sync + 'static,
    {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            number: NEXT.fetch_add(1, Ordering::Relaxed),
            spans: Arc::new(Spans::new()),
            starts: Arc::new(tracer),
            now,
            gate: Box::new(gate),
        }
    }

    /// Who decides, when it is of that type.
    pub fn gate<G: Gate>(&self) -> Option<&G> {
        let gate: &dyn Any = &*self.gate;
        gate.downcast_ref()
    }

    pub(crate) fn spans(&self) -> &Spans {
        &self.spans
    }

    fn start_of(&self, attributes: &Attributes<'_>) -> New {
        let named = attributes.parent();
        let parent = match named.and_then(|id| span::context(&self.spans, id)) {
            Some((parent, _)) => parent,
            None if attributes.is_contextual() => Context::current(),
            None => Context::new(),
        };
        let mut said = OfSpan {
            attributes: Vec::with_capacity(attributes.fields().len()),
            ..OfSpan::default()
        };
        attributes.record(&mut said);
        let mut builder = match said.name {
            Some(name) => SpanBuilder::from_name(name),
            None => SpanBuilder::from_name(attributes.metadata().name()),
        };
        builder.start_time = Some((self.now)());
        builder.span_kind = said.kind;
        builder.attributes = Some(said.attributes);
        New {
            builder,
            parent,
            status: said.status.unwrap_or(Status::Unset),
            starts: Arc::clone(&self.starts),
        }
    }

    fn tell(&self, event: &Event<'_>, mut change: Change<'_>) {
        let metadata = event.metadata();
        let mut said = OfEvent::default();
        said.attributes.extend([
            KeyValue::new("level", metadata.level().as_str()),
            KeyValue::new("target", metadata.target()),
        ]);
        event.record(&mut said);
        match said.status {
            Some(status) => change.status(status),
            None if *metadata.level() == Level::ERROR => change.failed(),
            None => {}
        }
        for attribute in said.of_span {
            change.attribute(attribute);
        }
        let name = said.name.unwrap_or_else(|| metadata.name().into());
        change.event(name, (self.now)(), said.attributes);
    }
}

impl Subscriber for Bridge {
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.gate.begin(subscriber);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.gate.interest(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.gate.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.gate.most())
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let new = self.start_of(attributes);
        self.spans.open(Data::new(attributes.metadata(), new))
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        let mut said = OfSpan::default();
        values.record(&mut said);
        span::change(&self.spans, id, |mut change| {
            if let Some(status) = said.status {
                change.status(status);
            }
            for attribute in said.attributes {
                change.attribute(attribute);
            }
            if let Change::New(new) = change {
                if let Some(name) = said.name {
                    new.builder.name = name.into();
                }
                if said.kind.is_some() {
                    new.builder.span_kind = said.kind;
                }
            }
        });
    }

    fn record_follows_from(&self, id: &Id, followed: &Id) {
        if let Some((followed, _)) = span::context(&self.spans, followed) {
            let other = followed.span().span_context().clone();
            span::change(&self.spans, id, |mut change| {
                change.link(other, Vec::new());
            });
        }
    }

    fn event(&self, event: &Event<'_>) {
        if !self.gate.event(event) {
            return;
        }
        let named = event.parent();
        let context = match named.and_then(|id| span::context(&self.spans, id)) {
            Some((context, _)) => Some(context),
            None if event.is_contextual() => stack::context(self.number, &self.spans),
            None => None,
        };
        if let Some(context) = context {
            self.tell(event, Change::Started(&context));
        }
    }

    fn enter(&self, id: &Id) {
        if let Some((context, metadata)) = span::context(&self.spans, id) {
            stack::push(self.number, id, metadata, context.attach());
        }
    }

    fn exit(&self, id: &Id) {
        stack::pop(self.number, id);
        self.spans.with(id, |data| data.leave(self.now));
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.spans.hold(id);
        id.clone()
    }

    fn try_close(&self, id: Id) -> bool {
        let last = self.spans.release(&id);
        let is_closed = last.is_some();
        if let Some(data) = last {
            data.end(self.now);
        }
        is_closed
    }

    fn current_span(&self) -> Current {
        stack::current(self.number, &self.spans)
    }
}
