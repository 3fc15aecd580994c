//! What becomes a span, an event of a span, or a log line.

use std::sync::Arc;

use opentelemetry::Context;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata};

use super::proxy;
use crate::logs::Lines;
use crate::metrics::signals::{TelemetrySpanExcluded, TelemetrySpanExcludedReason as Reason};
use crate::trace::levels::SpanLevels;
use crate::trace::targets;
use crate::trace::tracer::Tracer;

/// Decides which spans and events go to the traces, and which events to the log.
///
/// A span is refused, so that not even its fields are looked at, when its level is not wanted, when it is OpenTelemetry's
/// own, and when nothing is recorded in the [current context](Tracer::leaves_out). A log level never cuts a trace: lines have
/// levels of their own.
pub(super) struct Filter {
    tracer: Arc<Tracer>,
    levels: SpanLevels,
    lines: Box<dyn Lines>,
}

// === impl Filter ===

impl Filter {
    pub(super) fn new(
        tracer: Arc<Tracer>,
        levels: SpanLevels,
        lines: impl Lines + 'static,
    ) -> Self {
        Self {
            tracer,
            levels,
            lines: Box::new(lines),
        }
    }

    /// The subscriber has come to be.
    pub(super) fn begin(&self, subscriber: &Dispatch) {
        self.lines.begin(subscriber);
    }

    /// Whether it is an event that becomes a line.
    pub(super) fn is_line(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && self.lines.levels().want(metadata)
    }

    /// Makes a line of the event.
    pub(super) fn log(&self, event: &Event<'_>) {
        self.lines.take(event);
    }

    /// Whether it may be for the traces, by what it is.
    fn is_traced(&self, metadata: &Metadata<'_>) -> bool {
        self.tracer.is_enabled() && self.levels.want(metadata)
    }

    /// Whether it is for the traces here and now.
    pub(super) fn traces(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.target() == proxy::TARGET {
            return true;
        }
        if !self.is_traced(metadata) {
            return false;
        }
        if targets::is_opentelemetry(metadata.target()) {
            exclude(metadata, Reason::Target);
            return false;
        }
        let (recorded, suppressed) = Context::map_current(|context| {
            (
                !self.tracer.leaves_out(context),
                context.is_telemetry_suppressed(),
            )
        });
        if suppressed {
            exclude(metadata, Reason::Suppressed);
        }
        recorded && !suppressed
    }

    /// How often [`traces`](Self::traces) is to be asked.
    pub(super) fn interest_in_traces(&self, metadata: &Metadata<'_>) -> Interest {
        if metadata.target() == proxy::TARGET || self.is_traced(metadata) {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    /// The most verbose level that is for the traces.
    pub(super) fn most_traced(&self) -> LevelFilter {
        if self.tracer.is_enabled() {
            self.levels.most()
        } else {
            LevelFilter::OFF
        }
    }

    /// The most verbose level of a line.
    pub(super) fn most_logged(&self) -> LevelFilter {
        self.lines.levels().most()
    }
}

/// Counts a span that is left out although its level is wanted.
fn exclude(metadata: &Metadata<'_>, reason: Reason) {
    if metadata.is_span() {
        TelemetrySpanExcluded {
            telemetry_reason: reason,
        }
        .add(1);
    }
}
