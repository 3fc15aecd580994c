//! One span of one hop, from its start to its only end.

use std::time::Instant;

use opentelemetry::trace::{Status, TraceContextExt};
use opentelemetry::{Context, Key, Value};
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The span of a request, call, message or query, while it lasts.
///
/// It is ended through OpenTelemetry, not by the last drop of the `tracing` span: a task that was spawned from
/// a handler keeps that one alive, and the request must not seem to last as long as the task.
#[derive(Debug)]
pub(crate) struct Hop {
    span: tracing::Span,
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
    pub(crate) fn new(span: tracing::Span) -> Self {
        Self {
            span,
            started: Instant::now(),
        }
    }

    pub(crate) fn span(&self) -> &tracing::Span {
        &self.span
    }

    /// The context for what happens inside: the span is the parent of that. Starts the span.
    pub(crate) fn context(&self) -> Context {
        self.span.context()
    }

    pub(crate) fn set(&self, key: impl Into<Key>, value: impl Into<Value>) {
        self.span.set_attribute(key, value);
    }

    /// Marks the span as failed. `type` is the low-cardinality `error.type`.
    pub(crate) fn fail(&self, error_type: &str, description: &str) {
        self.set("error.type", error_type.to_owned());
        self.span.set_status(Status::error(description.to_owned()));
    }

    /// The seconds since its start.
    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Ends the span, having recorded what must be recorded while it is current.
    pub(crate) fn end(self, record: impl FnOnce(&Self)) {
        self.span.in_scope(|| record(&self));
        self.span.context().span().end();
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
