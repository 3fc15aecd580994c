//! The bridge from `tracing` to OpenTelemetry: spans of the one become spans of the other.

use std::sync::Arc;

use opentelemetry::Context;
#[cfg(not(feature = "lean-bridge"))]
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber, dispatcher};
#[cfg(not(feature = "lean-bridge"))]
use tracing_subscriber::{
    Layer,
    layer::{Context as LayerContext, SubscriberExt},
};

use crate::logs::Lines;
#[cfg(not(feature = "lean-bridge"))]
use crate::trace::tracer;
use crate::trace::tracer::Tracer;

/// The parts of the exporter's own road: tracing them would make a trace of every export, for ever.
const EXPORT_TARGETS: [&str; 6] = [
    "h2",
    "hyper",
    "hyper_util",
    "opentelemetry",
    "tonic",
    "tower",
];

/// What is less grave than this makes no span and is no event of one.
const SPANS: LevelFilter = LevelFilter::INFO;

/// Decides for all layers what becomes of a span or an event, and hands over what is logged.
///
/// Nothing of the export becomes a span, and nothing in a context whose spans are [left out](Tracer::leaves_out): no layer
/// hears of those, not even their fields are looked at. A log level must never cut a trace, so lines have their own rules.
///
/// It is one layer for everything, since filters of single layers cost each span several times what its registry does.
struct Gate {
    tracer: Arc<Tracer>,
    lines: Box<dyn Lines>,
}

/// A subscriber that makes spans with `tracer`, and hands to `lines` what is logged.
#[cfg(not(feature = "lean-bridge"))]
pub(crate) fn subscriber(
    tracer: Tracer,
    lines: impl Lines + 'static,
) -> impl Subscriber + Send + Sync {
    let spans = tracing_opentelemetry::layer()
        .with_tracer(tracer.clone())
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_target(false);
    tracing_subscriber::registry()
        .with(spans)
        .with(Gate::new(tracer, lines))
}

/// The same. It compiles only when the lean bridge is patched in, so that everybody's `OpenTelemetrySpanExt` is its own.
#[cfg(feature = "lean-bridge")]
pub(crate) fn subscriber(
    tracer: Tracer,
    lines: impl Lines + 'static,
) -> impl Subscriber + Send + Sync {
    let gate = Gate::new(tracer.clone(), lines);
    tracing_opentelemetry::Bridge::new(tracer, crate::trace::clock::now, gate)
}

/// The tracer of the spans of this thread, if there is one.
pub(crate) fn tracer() -> Option<Arc<Tracer>> {
    dispatcher::get_default(|dispatch| Gate::of(dispatch).map(|gate| Arc::clone(&gate.tracer)))
}

/// The target of the `tracing` spans that stand for the span of a request. Nobody else decides about them.
#[cfg(not(feature = "lean-bridge"))]
const HOPS: &str = "telemetry::hop";

/// A `tracing` span for the span of `context`, whose end is not its end: what is done to the current span of `tracing`,
/// and the events in it, then belong to it.
#[cfg(not(feature = "lean-bridge"))]
pub(crate) fn span_of(context: &Context) -> Span {
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    tracer::standing_for(context.clone(), || {
        let span = tracing::info_span!(target: HOPS, parent: None, "hop");
        // It is new, so that this is not refused.
        let _ = span.set_parent(context.clone());
        // Starts it.
        drop(span.context());
        span
    })
}

// === impl Gate ===

impl Gate {
    fn new(tracer: Tracer, lines: impl Lines + 'static) -> Self {
        Self {
            tracer: Arc::new(tracer),
            lines: Box::new(lines),
        }
    }

    /// That of a subscriber, if it is one of this crate.
    fn of(subscriber: &Dispatch) -> Option<&Self> {
        #[cfg(feature = "lean-bridge")]
        return subscriber
            .downcast_ref::<tracing_opentelemetry::Bridge>()?
            .gate();
        #[cfg(not(feature = "lean-bridge"))]
        subscriber.downcast_ref()
    }

    /// Whether spans are made here and now, as far as their context says.
    fn records(&self) -> bool {
        Context::map_current(|context| !self.tracer.leaves_out(context))
    }

    /// Whether it is for the traces, whatever their context.
    fn is_for_spans(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        self.tracer.is_enabled()
            && *metadata.level() <= SPANS
            && !EXPORT_TARGETS.iter().any(|part| target.starts_with(part))
    }

    fn interest(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_event() && self.lines.levels().want(metadata) {
            Interest::always()
        } else if self.is_for_spans(metadata) {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        (metadata.is_event() && self.lines.levels().want(metadata))
            || (self.is_for_spans(metadata) && self.records())
    }

    fn most(&self) -> LevelFilter {
        let lines = self.lines.levels().most();
        let spans = if self.tracer.is_enabled() {
            SPANS
        } else {
            LevelFilter::OFF
        };
        lines.max(spans)
    }

    /// Makes a line of it when it is logged. Only what is for the traces goes on.
    fn event(&self, event: &Event<'_>) -> bool {
        let metadata = event.metadata();
        if self.lines.levels().want(metadata) {
            self.lines.take(event);
        }
        self.is_for_spans(metadata) && self.records()
    }
}

#[cfg(not(feature = "lean-bridge"))]
impl<S: Subscriber> Layer<S> for Gate {
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.lines.begin(subscriber);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.interest(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: LayerContext<'_, S>) -> bool {
        metadata.target() == HOPS || self.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.most())
    }

    fn event_enabled(&self, event: &Event<'_>, _: LayerContext<'_, S>) -> bool {
        self.event(event)
    }
}

#[cfg(feature = "lean-bridge")]
impl tracing_opentelemetry::Gate for Gate {
    fn begin(&self, subscriber: &Dispatch) {
        self.lines.begin(subscriber);
    }

    fn interest(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.interest(metadata)
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        self.wants(metadata)
    }

    fn most(&self) -> LevelFilter {
        self.most()
    }

    fn event(&self, event: &Event<'_>) -> bool {
        self.event(event)
    }
}
