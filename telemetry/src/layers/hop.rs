//! One span of one hop, from its start to its only end.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use opentelemetry::trace::{SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, ContextGuard};
use pin_project_lite::pin_project;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::layers::current::{Handling, Role};
use crate::metrics::recorder;
use crate::metrics::signals::attributes::ERROR_TYPE;
use crate::metrics::signals::{Attribute, AttributeKey, AttributeValue, KnownErrorType};
use crate::trace::bridge::{self, HopSpan, InHop};
use crate::trace::clock::{self, Moment};
use crate::trace::tracer::Start;
use crate::trace::wire::Attributes;

/// The span of a request, call, message or query, while it lasts.
///
/// It is a span of OpenTelemetry. When it is recorded, `tracing` has a span for it too, made when somebody asks, so that both
/// libraries agree on what the current span is. Whatever becomes of that one, this ends when [`end`](Self::end) says so: a
/// task that was spawned from a handler keeps the handler's span, and the request must not seem to last as long as the task.
#[derive(Debug)]
pub struct Hop {
    span: HopSpan,
    context: Context,
    recording: bool,
    started: Moment,
    role: Role,
}

/// While this lives, the hop is the current one on its thread.
#[must_use = "the hop is left when this is dropped"]
pub(crate) struct Inside<'a> {
    _handling: Option<Handling<'a>>,
    // In the order in which they must go.
    _context: Option<ContextGuard>,
    _span: InHop<'a>,
}

pin_project! {
    /// A future within a hop, which outlives it: what the future drops belongs to it still.
    pub(crate) struct Within<F> {
        #[pin]
        inner: Option<F>,
        span: HopSpan,
        context: Context,
        recording: bool,
        role: Role,
    }

    impl<F> PinnedDrop for Within<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _inside = Inside::of(this.span, this.context, *this.recording, this.role);
            this.inner.set(None);
        }
    }
}

/// The end of the hop of one future, which comes also when the future is dropped. What records it is given `error.type`.
pub(crate) struct Ending<R: FnOnce(&Hop, Option<&str>)>(Option<(Hop, R)>);

/// How the exchange behind a hop came to its end, other than as its protocol says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abandoned {
    /// Whoever waited for it went away.
    Cancelled,
    /// The code that worked on it panicked.
    Panicked,
}

// === impl Hop ===

impl Hop {
    /// Starts a span. Its name is made only when it is recorded or the sampler wants to know it, its attributes only
    /// when it is recorded.
    #[inline]
    pub(crate) fn start(
        start: Start,
        name: impl FnOnce() -> Cow<'static, str>,
        describe: impl FnOnce(&mut Attributes<'_>),
    ) -> Self {
        let (started, role) = (start.moment(), Role::of(start.kind()));
        let (span, context, recording) = bridge::start(start, name, describe);
        Self {
            span,
            context,
            recording,
            started,
            role,
        }
    }

    /// No span of its own: what happens inside belongs to the current one.
    pub(crate) fn none() -> Self {
        Self {
            span: HopSpan::None,
            context: Context::current(),
            recording: false,
            started: Moment::now(),
            role: Role::Other,
        }
    }

    /// No span of its own: what happens inside belongs to the span and the context that are current now.
    pub(crate) fn current() -> Self {
        Self {
            span: HopSpan::current(),
            ..Self::none()
        }
    }

    /// Starts a span that was made with `tracing`: its parent is what it is now. One that is not recorded is none.
    pub(crate) fn of(span: tracing::Span) -> Self {
        if span.is_disabled() {
            return Self::current();
        }
        let context = span.context();
        let recording = context.span().is_recording();
        Self {
            span: HopSpan::Made(span),
            context,
            recording,
            started: Moment::now(),
            role: Role::Other,
        }
    }

    /// Makes it the current one on this thread.
    #[inline]
    pub(crate) fn enter(&self) -> Inside<'_> {
        Inside::of(&self.span, &self.context, self.recording, &self.role)
    }

    #[inline]
    pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        let _inside = self.enter();
        work()
    }

    /// The future with the hop current wherever it is polled.
    pub(crate) fn around<F>(&self, future: F) -> Within<F> {
        Within {
            inner: Some(future),
            span: self.span.clone(),
            context: self.context.clone(),
            recording: self.recording,
            role: self.role.share(),
        }
    }

    /// The context for what happens inside: the span is the parent of that.
    pub(crate) fn context(&self) -> Context {
        self.context.clone()
    }

    pub(crate) fn span_context(&self) -> SpanContext {
        self.context.span().span_context().clone()
    }

    /// The trace's id, when there is one, as the value of a header.
    #[cfg(feature = "http")]
    pub(crate) fn trace_id_text(&self) -> Option<http::HeaderValue> {
        let span = self.context.span();
        let span = span.span_context();
        span.is_valid()
            .then(|| crate::trace::propagation::trace_id_text(span.trace_id()))
            .flatten()
    }

    /// Whether anybody will see the span: what only it needs is computed only then.
    pub(crate) fn is_recording(&self) -> bool {
        self.recording
    }

    /// Sets an attribute that the registry declares, on a span that is recorded.
    pub(crate) fn set<'v, T: ?Sized>(
        &self,
        key: AttributeKey<T>,
        value: impl AttributeValue<'v, T>,
    ) {
        if self.recording {
            let attribute = key.with(value).into();
            self.context.span().set_attribute(attribute);
        }
    }

    /// Sets what `attributes` makes, which it does only for a span that is recorded.
    pub(crate) fn describe<A>(&self, attributes: impl FnOnce() -> A)
    where
        A: IntoIterator<Item = Attribute>,
    {
        if self.recording {
            let attributes = attributes().into_iter().map(Into::into);
            self.context.span().set_attributes(attributes);
        }
    }

    pub(crate) fn rename(&self, name: &str) {
        if self.recording {
            self.context.span().update_name(name.to_owned());
        }
    }

    /// Marks the span as failed. `type` is the low-cardinality `error.type`.
    pub(crate) fn fail(&self, error_type: &str, description: &str) {
        if self.recording {
            self.set(ERROR_TYPE, error_type);
            let status = Status::error(description.to_owned());
            self.context.span().set_status(status);
        }
    }

    /// The `error.type` that the handler has named with [`current`](crate::current).
    pub(crate) fn named_error(&self) -> Option<&'static str> {
        self.role.named_error()
    }

    /// The seconds since its start.
    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Records what the span has caused, which is how a measurement finds its exemplar.
    pub(crate) fn record(&self, record: impl FnOnce()) {
        let context = self.recording.then(|| self.context.clone());
        recorder::with_exemplars_of(context, record);
    }

    /// Ends the span, having recorded what it has caused.
    #[inline]
    pub(crate) fn end(self, record: impl FnOnce(&Self)) {
        self.record(|| record(&self));
        if self.recording {
            self.context.span().end_with_timestamp(clock::now());
        }
    }
}

// === impl Inside ===

impl<'a> Inside<'a> {
    #[inline]
    fn of(span: &'a HopSpan, context: &Context, recording: bool, role: &'a Role) -> Self {
        let handling = role.enter(recording.then_some(context));
        // The `tracing` span of one that is recorded brings the context.
        let brings = recording && matches!(span, HopSpan::Made(_));
        Self {
            _handling: handling,
            _span: span.enter(),
            // Within the span, which may bring a context of its own: this one may hold more.
            _context: (!brings).then(|| context.clone().attach()),
        }
    }
}

// === impl Within ===

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _inside = Inside::of(this.span, this.context, *this.recording, this.role);
        match this.inner.as_pin_mut() {
            Some(inner) => inner.poll(task),
            // It is there until the end.
            None => Poll::Pending,
        }
    }
}

// === impl Abandoned ===

impl Abandoned {
    /// What a drop without an end means on this thread.
    pub(crate) fn now() -> Self {
        if std::thread::panicking() {
            Self::Panicked
        } else {
            Self::Cancelled
        }
    }

    pub(crate) fn error_type(self) -> &'static str {
        match self {
            Self::Cancelled => KnownErrorType::Cancelled.as_str(),
            Self::Panicked => KnownErrorType::Panic.as_str(),
        }
    }
}

// === impl Ending ===

impl<R: FnOnce(&Hop, Option<&str>)> Ending<R> {
    pub(crate) fn new(hop: Hop, record: R) -> Self {
        Self(Some((hop, record)))
    }

    /// Runs `work` with the hop current.
    pub(crate) fn in_scope<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some((hop, _)) => hop.in_scope(work),
            // It is there until the end.
            None => work(),
        }
    }

    /// Ends it with what the future came to: the text is the span's description, the type its `error.type`.
    pub(crate) fn end(mut self, error: Option<(&str, &str)>) {
        if let Some((hop, record)) = self.0.take() {
            let error = match hop.named_error() {
                Some(named) => Some((named, error.map_or("", |(_, description)| description))),
                None => error,
            };
            hop.end(|hop| {
                if let Some((error_type, description)) = error {
                    hop.fail(error_type, description);
                }
                record(hop, error.map(|(error_type, _)| error_type));
            });
        }
    }
}

impl<R: FnOnce(&Hop, Option<&str>)> Drop for Ending<R> {
    fn drop(&mut self) {
        if let Some((hop, record)) = self.0.take() {
            let how = Abandoned::now();
            hop.end(|hop| {
                match how {
                    Abandoned::Panicked => hop.fail(how.error_type(), "panicked"),
                    Abandoned::Cancelled => hop.set(ERROR_TYPE, how.error_type()),
                }
                record(hop, Some(how.error_type()));
            });
        }
    }
}
