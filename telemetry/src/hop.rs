//! One span of one hop, from its start to its only end.

use std::time::Instant;

use opentelemetry::trace::{SpanContext, Status, TraceContextExt};
use opentelemetry::{Context, Key, KeyValue, Value};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The attribute of a span that lasts as long as a stream, by which the policy for slow traces leaves it alone.
pub(crate) const STREAM: &str = "telemetry.stream";

/// The span of a request, call, message or query, while it lasts.
///
/// It is ended through OpenTelemetry, not by the last drop of the `tracing` span: a task that was spawned from
/// a handler keeps that one alive, and the request must not seem to last as long as the task.
#[derive(Debug)]
pub(crate) struct Hop {
    span: tracing::Span,
    context: Context,
    recording: bool,
    started: Instant,
}

/// The end of the hop of one future, which comes also when the future is dropped.
pub(crate) struct Ending<R: FnOnce(&Hop, &str)>(Option<(Hop, R)>);

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
    /// Starts the span: its parent is what it is now.
    pub(crate) fn new(span: tracing::Span) -> Self {
        let context = span.context();
        let recording = context.span().is_recording();
        Self {
            span,
            context,
            recording,
            started: Instant::now(),
        }
    }

    pub(crate) fn span(&self) -> &tracing::Span {
        &self.span
    }

    /// The context for what happens inside: the span is the parent of that.
    pub(crate) fn context(&self) -> Context {
        self.context.clone()
    }

    pub(crate) fn span_context(&self) -> SpanContext {
        self.context.span().span_context().clone()
    }

    /// Whether anybody will see the span: what only it needs is computed only then.
    pub(crate) fn is_recording(&self) -> bool {
        self.recording
    }

    pub(crate) fn set(&self, key: impl Into<Key>, value: impl Into<Value>) {
        if self.recording {
            let attribute = KeyValue::new(key.into(), value.into());
            self.context.span().set_attribute(attribute);
        }
    }

    /// Sets what `attributes` makes, which it does only for a span that is recorded.
    pub(crate) fn describe<A>(&self, attributes: impl FnOnce() -> A)
    where
        A: IntoIterator<Item = KeyValue>,
    {
        if self.recording {
            self.context.span().set_attributes(attributes());
        }
    }

    pub(crate) fn rename(&self, name: &'static str) {
        if self.recording {
            self.context.span().update_name(name);
        }
    }

    /// Marks the span as failed. `type` is the low-cardinality `error.type`.
    pub(crate) fn fail(&self, error_type: &str, description: &str) {
        if self.recording {
            self.set("error.type", error_type.to_owned());
            let status = Status::error(description.to_owned());
            self.context.span().set_status(status);
        }
    }

    /// The seconds since its start.
    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Records while the span is current, which is how a measurement finds its exemplar.
    pub(crate) fn record(&self, record: impl FnOnce()) {
        let _current = self.context.clone().attach();
        record();
    }

    /// Ends the span, having recorded what must be recorded while it is current.
    pub(crate) fn end(self, record: impl FnOnce(&Self)) {
        self.record(|| record(&self));
        self.context.span().end();
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
            Self::Cancelled => "cancelled",
            Self::Panicked => "panic",
        }
    }
}

// === impl Ending ===

impl<R: FnOnce(&Hop, &str)> Ending<R> {
    pub(crate) fn new(hop: Hop, record: R) -> Self {
        Self(Some((hop, record)))
    }

    /// Ends it with what the future came to: the text is the span's description, the type its `error.type`.
    pub(crate) fn end(mut self, error: Option<(&str, &str)>) {
        if let Some((hop, record)) = self.0.take() {
            hop.end(|hop| {
                if let Some((error_type, description)) = error {
                    hop.fail(error_type, description);
                }
                record(hop, error.map_or("", |(error_type, _)| error_type));
            });
        }
    }
}

impl<R: FnOnce(&Hop, &str)> Drop for Ending<R> {
    fn drop(&mut self) {
        if let Some((hop, record)) = self.0.take() {
            let how = Abandoned::now();
            hop.end(|hop| {
                match how {
                    Abandoned::Panicked => hop.fail(how.error_type(), "panicked"),
                    Abandoned::Cancelled => hop.set("error.type", how.error_type()),
                }
                record(hop, how.error_type());
            });
        }
    }
}
