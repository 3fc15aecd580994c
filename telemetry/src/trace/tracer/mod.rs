//! The making of spans, behind OpenTelemetry's API.
//!
//! The SDK makes a span out of a builder, asks a sampler that is handed everything the builder holds, and copies the
//! result into what is exported. Here the sampler is asked first, by what it looks at, so that a span that is not
//! recorded is its identity and nothing more; and a span that is recorded is written down as it will be sent from its
//! first moment on ([`wire`](crate::trace::wire)), which the [`Sink`] takes over when it ends.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{
    SpanBuilder, SpanContext, SpanKind, TraceContextExt, TraceFlags, TracerProvider,
};
use opentelemetry::{Context, InstrumentationScope, Key, KeyValue};
use opentelemetry_sdk::trace::IdGenerator;

use crate::settings::Limits;
use crate::trace::clock::{self, Moment};
use crate::trace::propagation;
use crate::trace::propagation::Caller;
use crate::trace::sampling::{DatedIds, FirstSpan, Head};
use crate::trace::wire::{Attributes, Draft, Ended};

mod span;

pub(crate) use span::Span;

/// Where sampled spans go. Both are called on the threads of requests.
pub(crate) trait Sink: fmt::Debug + Send + Sync {
    /// A span has started.
    fn started(&self);

    /// A span has ended; it is this.
    fn ended(&self, span: Ended<'_>);
}

/// Makes spans: the provider and the tracer of OpenTelemetry's API in one. Clones make them alike.
#[derive(Clone)]
pub(crate) struct Tracer {
    // None makes none.
    source: Option<Arc<Source>>,
}

/// Where spans come from: what they have in common.
#[derive(Debug)]
struct Source {
    making: Arc<Making>,
    scope: Arc<InstrumentationScope>,
}

/// How spans are made.
#[derive(Debug)]
struct Making {
    head: Head,
    ids: DatedIds,
    limits: Limits,
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
    now: Moment,
    at: Option<SystemTime>,
}

/// What was decided about a new span.
struct Decided {
    identity: SpanContext,
    /// What the sampler has it say; none when it is not sampled.
    said: Option<Vec<KeyValue>>,
}

thread_local! {
    static PROXY_FOR: RefCell<Option<Context>> = const { RefCell::new(None) };
    static IN_EVENT: Cell<bool> = const { Cell::new(false) };
}

/// Makes the next span that any tracer makes on this thread within `making` a proxy for the span of `context`: what is done
/// to the one happens to the other, but it does not end it.
pub(crate) fn proxy_for<T>(context: Context, making: impl FnOnce() -> T) -> T {
    PROXY_FOR.set(Some(context));
    let made = making();
    PROXY_FOR.take();
    made
}

/// Runs `handle`, in which an event of `tracing` is handled. An event says how the work of its own span went; how a request
/// ends is said by its protocol, so that a proxy does not pass on a status then.
pub(crate) fn within_event<T>(handle: impl FnOnce() -> T) -> T {
    let before = IN_EVENT.replace(true);
    let handled = handle();
    IN_EVENT.set(before);
    handled
}

// === impl Tracer ===

impl Tracer {
    /// A tracer whose sampled spans go to `sink`, or nowhere.
    pub(crate) fn new(
        head: Head,
        limits: Limits,
        baggage: Vec<Key>,
        sink: Option<Arc<dyn Sink>>,
    ) -> Self {
        let making = Arc::new(Making {
            head,
            ids: DatedIds::default(),
            limits,
            baggage,
            sink,
        });
        let scope = InstrumentationScope::builder("telemetry").build();
        Self::of(making, scope)
    }

    /// A tracer that makes no spans: who would be the parent of one stays the current span.
    pub(crate) fn disabled() -> Self {
        Self { source: None }
    }

    fn of(making: Arc<Making>, scope: InstrumentationScope) -> Self {
        let scope = Arc::new(scope);
        Self {
            source: Some(Arc::new(Source { making, scope })),
        }
    }

    fn making(&self) -> Option<&Making> {
        self.source.as_deref().map(|source| &*source.making)
    }

    /// Whether it makes spans at all.
    pub(crate) fn is_enabled(&self) -> bool {
        self.source.is_some()
    }

    /// Whether spans in this context are left out for sure: its span is not sampled, and whoever comes after follows.
    pub(crate) fn leaves_out(&self, context: &Context) -> bool {
        let Some(making) = self.making() else {
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
        describe: impl FnOnce(&mut Attributes<'_>),
    ) -> (Context, bool) {
        let Some(source) = &self.source else {
            return (start.into_parent(), false);
        };
        let making = &source.making;
        let Start {
            kind,
            caller,
            links,
            now,
            at,
        } = start;
        let parent = caller.context;
        if parent.is_telemetry_suppressed() {
            return (parent.with_remote_span_context(SpanContext::NONE), false);
        }
        let (maker, known) = (Cell::new(Some(name)), OnceCell::new());
        let name =
            || &**known.get_or_init(|| maker.take().map_or_else(Cow::default, |make| make()));
        let above = parent.span();
        let above = caller.span.as_ref().unwrap_or_else(|| above.span_context());
        let decided = making.decide(&parent, above, &kind, &name);
        let Some(said) = decided.said else {
            return (parent.with_remote_span_context(decided.identity), false);
        };
        name();
        let mut draft = Draft::new(
            &decided.identity,
            above,
            known.into_inner().unwrap_or_default(),
            &kind,
            at.unwrap_or_else(|| now.time()),
        );
        let mut attributes = draft.attributes(&making.limits);
        describe(&mut attributes);
        attributes.extend(said);
        making.carry(&mut attributes, &parent);
        for link in &links {
            draft.link(link, &[], 0, &making.limits);
        }
        (
            parent.with_span(source.started(draft, decided.identity)),
            true,
        )
    }
}

impl opentelemetry::trace::Tracer for Tracer {
    type Span = Span;

    fn build_with_context(&self, mut builder: SpanBuilder, parent: &Context) -> Span {
        if let Some(context) = PROXY_FOR.take() {
            return Span::proxy_for(context);
        }
        let Some(source) = &self.source else {
            return Span::left_out(parent.span().span_context().clone());
        };
        let making = &source.making;
        if parent.is_telemetry_suppressed() {
            return Span::left_out(SpanContext::NONE);
        }
        let kind = builder.span_kind.take().unwrap_or(SpanKind::Internal);
        let above = parent.span();
        let above = above.span_context();
        let decided = making.decide(parent, above, &kind, &|| &builder.name);
        let Some(said) = decided.said else {
            return Span::left_out(decided.identity);
        };
        let SpanBuilder {
            name,
            start_time,
            attributes,
            events,
            links,
            ..
        } = builder;
        let start = start_time.unwrap_or_else(clock::now);
        let mut draft = Draft::new(&decided.identity, above, name, &kind, start);
        let limits = &making.limits;
        let mut writing = draft.attributes(limits);
        writing.extend(attributes.unwrap_or_default());
        writing.extend(said);
        making.carry(&mut writing, parent);
        for event in events.unwrap_or_default() {
            let (time, dropped) = (event.timestamp, event.dropped_attributes_count);
            draft.event(&event.name, time, &event.attributes, dropped, limits);
        }
        for link in links.unwrap_or_default() {
            let dropped = link.dropped_attributes_count;
            draft.link(&link.span_context, &link.attributes, dropped, limits);
        }
        source.started(draft, decided.identity)
    }
}

impl TracerProvider for Tracer {
    type Tracer = Self;

    fn tracer_with_scope(&self, scope: InstrumentationScope) -> Self {
        match &self.source {
            Some(source) => Self::of(Arc::clone(&source.making), scope),
            None => Self::disabled(),
        }
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer")
            .field("is_enabled", &self.is_enabled())
            .finish_non_exhaustive()
    }
}

// === impl Source ===

impl Source {
    fn started(self: &Arc<Self>, draft: Draft, identity: SpanContext) -> Span {
        if let Some(sink) = &self.making.sink {
            sink.started();
        }
        Span::recorded(draft, identity, self)
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

    /// The members of the baggage that shall be attributes.
    fn carry(&self, attributes: &mut Attributes<'_>, context: &Context) {
        if self.baggage.is_empty() {
            return;
        }
        let baggage = context.baggage();
        attributes.extend(self.baggage.iter().filter_map(|key| {
            let value = baggage.get(key.as_str())?;
            Some(KeyValue::new(key.clone(), value.clone()))
        }));
    }
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
            now: Moment::now(),
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

    pub(crate) fn kind(&self) -> SpanKind {
        self.kind.clone()
    }

    /// When it was made.
    pub(crate) fn moment(&self) -> Moment {
        self.now
    }

    pub(crate) fn into_parent(self) -> Context {
        self.caller.into_context()
    }
}

#[cfg(test)]
mod tests;
