//! The layer.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::trace::noop::NoopTracer;
use opentelemetry::trace::{SpanBuilder, Status, TraceContextExt, Tracer};
use opentelemetry::{Context as OtelContext, ContextGuard, KeyValue};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::fields::{OfEvent, OfSpan};
use crate::span::{self, Change, Data, New, Starts};

/// The layer that makes spans of OpenTelemetry from those of `tracing`. While a span of the one is entered, the span of
/// the other is the current one of its library.
pub struct OpenTelemetryLayer<S> {
    starts: Arc<dyn Starts>,
    now: fn() -> SystemTime,
    subscriber: PhantomData<fn(S)>,
}

/// A span that is entered.
struct Entered {
    id: Id,
    /// Whether the bridge ends the span behind it, and must know when it was left last.
    ends: bool,
    _context: ContextGuard,
}

thread_local! {
    // Those of this thread.
    static ENTERED: RefCell<Vec<Entered>> = const { RefCell::new(Vec::new()) };
}

/// A layer without a tracer.
pub fn layer<S>() -> OpenTelemetryLayer<S> {
    OpenTelemetryLayer {
        starts: Arc::new(NoopTracer::new()),
        now: SystemTime::now,
        subscriber: PhantomData,
    }
}

// === impl OpenTelemetryLayer ===

impl<S> OpenTelemetryLayer<S> {
    /// The same with a tracer.
    #[must_use]
    pub fn with_tracer<T>(self, tracer: T) -> Self
    where
        T: Tracer + Send + Sync + 'static,
        T::Span: Send + Sync + 'static,
    {
        Self {
            starts: Arc::new(tracer),
            ..self
        }
    }

    /// The same with a clock of the caller's.
    #[must_use]
    pub fn with_clock(self, now: fn() -> SystemTime) -> Self {
        Self { now, ..self }
    }

    fn new_span(&self, attributes: &Attributes<'_>, context: &Context<'_, S>) -> New
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
    {
        let named = attributes.parent().and_then(|id| context.span(id));
        let parent = match named.and_then(|parent| span::context(&parent)) {
            Some(parent) => parent,
            None if attributes.is_contextual() => OtelContext::current(),
            None => OtelContext::new(),
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
}

impl<S> Layer<S> for OpenTelemetryLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let data = Data::next(|| self.new_span(attributes, &context));
            span.extensions_mut().insert(data);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        let entered = context.span(id).and_then(|span| span::entered(&span));
        if let Some((context, ends)) = entered {
            let entered = Entered {
                id: id.clone(),
                ends,
                _context: context.attach(),
            };
            ENTERED.with_borrow_mut(|all| all.push(entered));
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        let left = ENTERED.with_borrow_mut(|all| {
            let place = all.iter().rposition(|entered| entered.id == *id)?;
            Some(all.remove(place))
        });
        let ends = left.as_ref().is_some_and(|left| left.ends);
        // Not under the borrow: what the context holds may go with it.
        drop(left);
        if ends
            && let Some(span) = context.span(id)
            && let Some(data) = span.extensions_mut().get_mut::<Data>()
        {
            data.left = Some((self.now)());
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else {
            return;
        };
        let mut said = OfSpan::default();
        values.record(&mut said);
        span::change(&span, |mut change| {
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

    fn on_follows_from(&self, id: &Id, followed: &Id, context: Context<'_, S>) {
        let followed = context.span(followed).and_then(|span| span::context(&span));
        if let Some(span) = context.span(id)
            && let Some(followed) = followed
        {
            let other = followed.span().span_context().clone();
            span::change(&span, |mut change| change.link(other, Vec::new()));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(span) = span_of(event, &context) else {
            return;
        };
        let metadata = event.metadata();
        let mut said = OfEvent::default();
        said.attributes.extend([
            KeyValue::new("level", metadata.level().as_str()),
            KeyValue::new("target", metadata.target()),
        ]);
        event.record(&mut said);
        span::change(&span, |mut change| {
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
        });
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let data = context
            .span(&id)
            .and_then(|span| span.extensions_mut().remove::<Data>());
        if let Some(data) = data {
            data.end(self.now);
        }
    }
}

/// The span that an event names as its parent, or the current one.
fn span_of<'a, S>(event: &Event<'_>, context: &'a Context<'_, S>) -> Option<SpanRef<'a, S>>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    let named = event.parent().and_then(|id| context.span(id));
    named.or_else(|| {
        event
            .is_contextual()
            .then(|| context.lookup_current())
            .flatten()
    })
}
