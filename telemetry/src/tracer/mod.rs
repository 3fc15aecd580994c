//! The making of spans, behind OpenTelemetry's API.
//!
//! The SDK makes a span out of a builder, asks a sampler that is handed everything the builder holds, and copies the
//! result into what is exported. Here the sampler is asked first, by what it looks at, so that a span that is not
//! recorded is its identity and nothing more; and a span that is recorded is what will be exported from its first
//! moment on, in one piece, which the [`Sink`] takes over when it ends.

use std::borrow::Cow;
use std::cell::{LazyCell, RefCell};
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{
    Link, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt, TraceFlags, TracerProvider,
};
use opentelemetry::{Context, InstrumentationScope, Key, KeyValue};
use opentelemetry_sdk::trace::{IdGenerator, SpanData, SpanEvents, SpanLimits, SpanLinks};

use crate::propagation::Caller;
use crate::sampling::{DatedIds, FirstSpan, Head};
use crate::{clock, propagation};

mod span;

pub(crate) use span::Span;

/// How many attributes a new span of this crate has room for: the most that one of them usually gets.
const ROOM: usize = 12;

/// Where sampled spans go. Both are called on the threads of requests.
pub(crate) trait Sink: fmt::Debug + Send + Sync {
    /// A span has started.
    fn started(&self);

    /// A span has ended; it is this.
    fn ended(&self, span: SpanData);
}

/// Makes spans: the provider and the tracer of OpenTelemetry's API in one. Clones make them alike.
#[derive(Clone)]
pub(crate) struct Tracer {
    // None makes none.
    making: Option<Arc<Making>>,
    scope: InstrumentationScope,
}

/// How spans are made.
#[derive(Debug)]
struct Making {
    head: Head,
    ids: DatedIds,
    limits: SpanLimits,
    /// The members of the baggage that become attributes of every span that is made with them. The attribute has the
    /// key of the member, as the baggage processors of OpenTelemetry's other languages have it.
    baggage: Vec<Key>,
    sink: Option<Arc<dyn Sink>>,
}

/// A span that is about to start.
pub(crate) struct Start {
    kind: SpanKind,
    caller: Caller,
    links: Vec<SpanContext>,
    at: Option<SystemTime>,
}

/// What was decided about a new span.
struct Decided {
    identity: SpanContext,
    /// What the sampler has it say; none when it is not sampled.
    said: Option<Vec<KeyValue>>,
}

thread_local! {
    static STANDS_FOR: RefCell<Option<Context>> = const { RefCell::new(None) };
}

/// Has the next span that any tracer makes on this thread within `making` stand for the span of `context`: what is done
/// to the one happens to the other, but it does not end it.
#[cfg(not(feature = "lean-bridge"))]
pub(crate) fn standing_for<T>(context: Context, making: impl FnOnce() -> T) -> T {
    STANDS_FOR.set(Some(context));
    let made = making();
    STANDS_FOR.take();
    made
}

// === impl Tracer ===

impl Tracer {
    /// A tracer whose sampled spans go to `sink`, or nowhere.
    pub(crate) fn new(
        head: Head,
        limits: SpanLimits,
        baggage: Vec<Key>,
        sink: Option<Arc<dyn Sink>>,
    ) -> Self {
        Self::of(Some(Arc::new(Making {
            head,
            ids: DatedIds::default(),
            limits,
            baggage,
            sink,
        })))
    }

    /// A tracer that makes no spans: who would be the parent of one stays the current span.
    pub(crate) fn disabled() -> Self {
        Self::of(None)
    }

    fn of(making: Option<Arc<Making>>) -> Self {
        Self {
            making,
            scope: InstrumentationScope::builder("telemetry").build(),
        }
    }

    /// Whether it makes spans at all.
    pub(crate) fn is_enabled(&self) -> bool {
        self.making.is_some()
    }

    /// Whether spans in this context are left out for sure: its span is not sampled, and whoever comes after follows.
    pub(crate) fn leaves_out(&self, context: &Context) -> bool {
        let Some(making) = &self.making else {
            return true;
        };
        let span = context.span();
        let span = span.span_context();
        span.is_valid()
            && !span.is_sampled()
            && making.head.follows_parents()
            && propagation::decision(context, span).is_none()
    }

    /// Starts a span. Returns the context in which it is the current one, and whether it is recorded: only then are its
    /// attributes asked for, and its name only then or when the sampler wants to know it.
    pub(crate) fn begin(
        &self,
        start: Start,
        name: impl FnOnce() -> Cow<'static, str>,
        describe: impl FnOnce(&mut Vec<KeyValue>),
    ) -> (Context, bool) {
        let Some(making) = &self.making else {
            return (start.into_parent(), false);
        };
        let Start {
            kind,
            caller,
            links,
            at,
        } = start;
        let parent = caller.context;
        if parent.is_telemetry_suppressed() {
            return (parent.with_remote_span_context(SpanContext::NONE), false);
        }
        let name = LazyCell::new(name);
        let above = parent.span();
        let above = caller.span.as_ref().unwrap_or_else(|| above.span_context());
        let decided = making.decide(&parent, above, &kind, &|| &name);
        let Some(said) = decided.said else {
            return (parent.with_remote_span_context(decided.identity), false);
        };
        let mut attributes = Vec::with_capacity(ROOM);
        describe(&mut attributes);
        attributes.extend(said);
        let mut builder = SpanBuilder::from_name(name.clone()).with_kind(kind);
        builder.start_time = at;
        builder.attributes = Some(attributes);
        if !links.is_empty() {
            builder.links = Some(links.into_iter().map(Link::with_context).collect());
        }
        let span = making.record(builder, decided.identity, &parent, above, &self.scope);
        (parent.with_span(Span::recorded(span, making)), true)
    }
}

impl opentelemetry::trace::Tracer for Tracer {
    type Span = Span;

    fn build_with_context(&self, mut builder: SpanBuilder, parent: &Context) -> Span {
        if let Some(context) = STANDS_FOR.take() {
            return Span::standing_for(context);
        }
        let Some(making) = &self.making else {
            return Span::left_out(parent.span().span_context().clone());
        };
        if parent.is_telemetry_suppressed() {
            return Span::left_out(SpanContext::NONE);
        }
        let kind = builder.span_kind.get_or_insert(SpanKind::Internal);
        let above = parent.span();
        let above = above.span_context();
        let decided = making.decide(parent, above, kind, &|| &builder.name);
        let Some(said) = decided.said else {
            return Span::left_out(decided.identity);
        };
        if !said.is_empty() {
            builder.attributes.get_or_insert_default().extend(said);
        }
        let span = making.record(builder, decided.identity, parent, above, &self.scope);
        Span::recorded(span, making)
    }
}

impl TracerProvider for Tracer {
    type Tracer = Self;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> Self {
        Self {
            making: self.making.clone(),
            scope,
        }
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer")
            .field("scope", &self.scope.name())
            .finish_non_exhaustive()
    }
}

// === impl Making ===

impl Making {
    fn decide<'a>(
        &self,
        context: &Context,
        parent: &SpanContext,
        kind: &'a SpanKind,
        name: &'a dyn Fn() -> &'a str,
    ) -> Decided {
        let asked = propagation::decision(context, parent);
        let parent = Some(parent).filter(|parent| parent.is_valid());
        let id = parent.map_or_else(|| self.ids.new_trace_id(), SpanContext::trace_id);
        let first = FirstSpan { name, kind };
        let sampled = self.head.decide(parent, asked, id, &first);
        let flags = match (&sampled.said, parent) {
            (Some(_), Some(parent)) => parent.trace_flags().with_sampled(true),
            (Some(_), None) => TraceFlags::SAMPLED,
            (None, _) => TraceFlags::default(),
        };
        let span_id = self.ids.new_span_id();
        Decided {
            identity: SpanContext::new(id, span_id, flags, false, sampled.trace_state),
            said: sampled.said,
        }
    }

    /// What a span is when it starts, within the limits.
    fn record(
        &self,
        builder: SpanBuilder,
        identity: SpanContext,
        context: &Context,
        parent: &SpanContext,
        scope: &InstrumentationScope,
    ) -> SpanData {
        let SpanBuilder {
            span_kind,
            name,
            start_time,
            attributes,
            events,
            links,
            ..
        } = builder;
        let mut attributes = attributes.unwrap_or_default();
        if !self.baggage.is_empty() {
            let baggage = context.baggage();
            attributes.extend(self.baggage.iter().filter_map(|key| {
                let value = baggage.get(key.as_str())?;
                Some(KeyValue::new(key.clone(), value.clone()))
            }));
        }
        let dropped = cut(&mut attributes, self.limits.max_attributes_per_span);
        let mut span_events = SpanEvents::default();
        if let Some(mut events) = events {
            span_events.dropped_count = cut(&mut events, self.limits.max_events_per_span);
            for event in &mut events {
                event.dropped_attributes_count +=
                    cut(&mut event.attributes, self.limits.max_attributes_per_event);
            }
            span_events.events = events;
        }
        let mut span_links = SpanLinks::default();
        if let Some(mut links) = links {
            span_links.dropped_count = cut(&mut links, self.limits.max_links_per_span);
            for link in &mut links {
                link.dropped_attributes_count +=
                    cut(&mut link.attributes, self.limits.max_attributes_per_link);
            }
            span_links.links = links;
        }
        let start_time = start_time.unwrap_or_else(clock::now);
        if let Some(sink) = &self.sink {
            sink.started();
        }
        SpanData {
            span_context: identity,
            parent_span_id: parent.span_id(),
            parent_span_is_remote: parent.is_valid() && parent.is_remote(),
            span_kind: span_kind.unwrap_or(SpanKind::Internal),
            name,
            start_time,
            end_time: start_time,
            attributes,
            dropped_attributes_count: dropped,
            events: span_events,
            links: span_links,
            status: Status::Unset,
            instrumentation_scope: scope.clone(),
        }
    }
}

/// Keeps the first ones. Returns how many there are no more.
fn cut<T>(items: &mut Vec<T>, limit: u32) -> u32 {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let dropped = items.len().saturating_sub(limit);
    items.truncate(limit);
    u32::try_from(dropped).unwrap_or(u32::MAX)
}

// === impl Start ===

impl Start {
    /// A span in this context, whose span, if there is one, is its parent.
    pub(crate) fn within(parent: Context, kind: SpanKind) -> Self {
        let caller = Caller {
            context: parent,
            span: None,
        };
        Self::below(caller, kind)
    }

    /// A span below that of a caller.
    pub(crate) fn below(caller: Caller, kind: SpanKind) -> Self {
        Self {
            kind,
            caller,
            links: Vec::new(),
            at: None,
        }
    }

    /// A span in the current context.
    pub(crate) fn here(kind: SpanKind) -> Self {
        Self::within(Context::current(), kind)
    }

    /// It links to `other`; of one that is no span nothing comes.
    pub(crate) fn link(mut self, other: Option<SpanContext>) -> Self {
        self.links.extend(other.filter(SpanContext::is_valid));
        self
    }

    /// It started then.
    pub(crate) fn at(mut self, time: SystemTime) -> Self {
        self.at = Some(time);
        self
    }

    pub(crate) fn into_parent(self) -> Context {
        self.caller.into_context()
    }
}

#[cfg(test)]
mod tests;
