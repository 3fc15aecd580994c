//! The tracer, behind OpenTelemetry's API.
//!
//! The SDK builds a span, then asks a sampler, which is given everything the builder holds, and copies the result into what
//! is exported. Here the sampler is asked first, and given only what it looks at, so that an unrecorded span is a span
//! context and nothing more. A recorded span is encoded from its start on ([`wire`](crate::trace::wire)); the [`Sink`]
//! takes the bytes when it ends.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::fmt;
use std::sync::Arc;

use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{SpanBuilder, SpanContext, SpanKind, TraceContextExt, TracerProvider};
use opentelemetry::{Context, InstrumentationScope, Key, KeyValue};
use opentelemetry_sdk::trace::IdGenerator;

use crate::metrics::signals::attributes::TELEMETRY_KEEP;
use crate::settings::Limits;
use crate::trace::clock::{Moment, SpanClock};
use crate::trace::propagation;
use crate::trace::propagation::Caller;
use crate::trace::sampling::{DatedIds, Decision, FirstSpan, Head};
use crate::trace::wire::{Attributes, Draft, Ended};

mod span;

pub(crate) use span::Span;

/// Receives sampled spans, on the threads of requests.
pub(crate) trait Sink: fmt::Debug + Send + Sync {
    /// A span has started.
    fn started(&self);

    /// A span has ended.
    fn ended(&self, span: Ended<'_>);
}

/// The tracer and the tracer provider of OpenTelemetry's API in one. Clones share everything.
#[derive(Clone)]
pub(crate) struct Tracer {
    // None when tracing is disabled.
    source: Option<Arc<Source>>,
}

/// What the spans of one instrumentation scope have in common.
#[derive(Debug)]
struct Source {
    making: Arc<Making>,
    scope: Arc<InstrumentationScope>,
}

/// What all spans have in common.
#[derive(Debug)]
struct Making {
    head: Head,
    ids: DatedIds,
    limits: Limits,
    /// The keys of the baggage members that become attributes of every span, under the same key, as in the baggage
    /// processors of OpenTelemetry's other languages.
    baggage: Vec<Key>,
    sink: Option<Arc<dyn Sink>>,
}

/// A span that is about to start.
pub(crate) struct Start {
    kind: SpanKind,
    caller: Caller,
    links: Vec<SpanContext>,
    now: Moment,
    since: Option<Moment>,
}

/// A new span's ids and the sampling decision about it.
struct Decided {
    identity: SpanContext,
    decision: Decision,
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

    /// A tracer that makes no spans: the parent stays the current span.
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

    /// Whether it makes spans.
    pub(crate) fn is_enabled(&self) -> bool {
        self.source.is_some()
    }

    /// Whether no span in this context is recorded: its span is not sampled, and its children follow it.
    pub(crate) fn leaves_out(&self, context: &Context) -> bool {
        let Some(making) = self.making() else {
            return true;
        };
        let span = context.span();
        let span = span.span_context();
        span.is_valid()
            && !span.is_sampled()
            && making.head.follows_parents()
            && propagation::sampling_request(context, span).is_none()
    }

    /// Starts a span. Returns the context in which it is current, and whether it is recorded. `describe` is called only for
    /// a recorded span, and `name` only for such a one or when the sampler needs it.
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
            since,
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
        if !decided.decision.is_recorded() {
            return (parent.with_remote_span_context(decided.identity), false);
        }
        name();
        let clock = SpanClock::starting(now);
        let mut draft = Draft::new(
            &decided.identity,
            above,
            known.into_inner().unwrap_or_default(),
            &kind,
            since.map_or(clock.start(), |since| clock.start() - now.since(since)),
        );
        let mut attributes = draft.attributes(&making.limits);
        describe(&mut attributes);
        making.complete(&mut attributes, decided.decision, &parent);
        for link in &links {
            draft.link(link, &[], 0, &making.limits);
        }
        (
            parent.with_span(source.started(draft, clock, decided.identity)),
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
        if !decided.decision.is_recorded() {
            return Span::left_out(decided.identity);
        }
        let SpanBuilder {
            name,
            start_time,
            attributes,
            events,
            links,
            ..
        } = builder;
        let clock =
            start_time.map_or_else(|| SpanClock::starting(Moment::now()), SpanClock::started_at);
        let start = start_time.unwrap_or(clock.start());
        let mut draft = Draft::new(&decided.identity, above, name, &kind, start);
        let limits = &making.limits;
        let mut writing = draft.attributes(limits);
        writing.extend(attributes.unwrap_or_default());
        making.complete(&mut writing, decided.decision, parent);
        for event in events.unwrap_or_default() {
            let (time, dropped) = (event.timestamp, event.dropped_attributes_count);
            let time = clock.convert(time);
            draft.event(&event.name, time, &event.attributes, dropped, limits);
        }
        for link in links.unwrap_or_default() {
            let dropped = link.dropped_attributes_count;
            draft.link(&link.span_context, &link.attributes, dropped, limits);
        }
        source.started(draft, clock, decided.identity)
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
    fn started(self: &Arc<Self>, draft: Draft, clock: SpanClock, identity: SpanContext) -> Span {
        if let Some(sink) = &self.making.sink {
            sink.started();
        }
        Span::recorded(draft, clock, identity, self)
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
        let asked = propagation::sampling_request(context, parent);
        let parent = Some(parent).filter(|parent| parent.is_valid());
        let id = parent.map_or_else(|| self.ids.new_trace_id(), SpanContext::trace_id);
        let first = FirstSpan { name, kind };
        let sampled = self.head.decide(parent, asked, id, &first);
        // The ids that are made here are random where level 2 of W3C Trace Context asks for it.
        let flags = parent.map_or(propagation::RANDOM, SpanContext::trace_flags);
        let flags = flags.with_sampled(sampled.decision.is_recorded());
        let span_id = self.ids.new_span_id();
        Decided {
            identity: SpanContext::new(id, span_id, flags, false, sampled.trace_state),
            decision: sampled.decision,
        }
    }

    /// Adds the attributes that do not come from the span's maker: the keep mark and members of the baggage.
    fn complete(&self, attributes: &mut Attributes<'_>, decision: Decision, context: &Context) {
        if decision == Decision::RecordAndKeep {
            attributes.set(TELEMETRY_KEEP, true);
        }
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
    /// A span whose parent is the span of this context, if there is one.
    pub(crate) fn within(parent: Context, kind: SpanKind) -> Self {
        let caller = Caller {
            context: parent,
            span: None,
        };
        Self::below(caller, kind)
    }

    /// A span whose parent is that of a caller.
    pub(crate) fn below(caller: Caller, kind: SpanKind) -> Self {
        Self {
            kind,
            caller,
            links: Vec::new(),
            now: Moment::now(),
            since: None,
        }
    }

    /// A span in the current context.
    pub(crate) fn here(kind: SpanKind) -> Self {
        Self::within(Context::current(), kind)
    }

    /// Adds a link to `other`, unless that is invalid.
    pub(crate) fn link(mut self, other: Option<SpanContext>) -> Self {
        self.links.extend(other.filter(SpanContext::is_valid));
        self
    }

    /// Sets an earlier start than the moment at which this was made.
    pub(crate) fn since(mut self, moment: Moment) -> Self {
        self.since = Some(moment);
        self
    }

    pub(crate) fn kind(&self) -> &SpanKind {
        &self.kind
    }

    /// When this was made.
    pub(crate) fn moment(&self) -> Moment {
        self.now
    }

    pub(crate) fn into_parent(self) -> Context {
        self.caller.into_context()
    }
}

#[cfg(test)]
mod tests;
