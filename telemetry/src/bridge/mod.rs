//! The bridge from `tracing` to OpenTelemetry: spans of the one become spans of the other.

use std::sync::Arc;

use opentelemetry::Context;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Span, Subscriber, dispatcher};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context as LayerContext, Filter};
use tracing_subscriber::registry::LookupSpan;

#[cfg(not(feature = "lean-bridge"))]
use crate::tracer;
use crate::tracer::Tracer;

/// The parts of the exporter's own road: tracing them would make a trace of every export, for ever.
const EXPORT_TARGETS: [&str; 6] = [
    "h2",
    "hyper",
    "hyper_util",
    "opentelemetry",
    "tonic",
    "tower",
];

/// The filter of the layer: nothing of the export, and no event in a context whose spans are
/// [left out](Tracer::leaves_out).
///
/// A log level must never cut a trace, so log lines have a filter of their own. The tracer of a subscriber is found
/// through this, too.
#[derive(Debug)]
struct Recorded(Arc<Tracer>);

/// Refuses the spans of a context whose spans are left out, for all layers: nothing is done for them, not even their
/// fields are looked at. The filter of a layer could not do that, since another layer might want them.
struct Gate(Arc<Tracer>);

/// The layer that makes spans of `tracer`, for the subscriber.
pub(crate) fn layer<S>(tracer: Tracer) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    let tracer = Arc::new(tracer);
    spans(Tracer::clone(&tracer))
        .and_then(Gate(Arc::clone(&tracer)))
        .with_filter(Recorded(tracer))
}

#[cfg(not(feature = "lean-bridge"))]
fn spans<S>(tracer: Tracer) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_target(false)
}

/// It compiles only when the lean bridge is patched in, so that everybody's `OpenTelemetrySpanExt` is its own.
#[cfg(feature = "lean-bridge")]
fn spans<S>(tracer: Tracer) -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
{
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_clock(crate::clock::now)
}

/// The tracer of the spans of this thread, if there is one.
pub(crate) fn tracer() -> Option<Arc<Tracer>> {
    dispatcher::get_default(|dispatch| {
        let recorded = dispatch.downcast_ref::<Recorded>();
        recorded.map(|recorded| Arc::clone(&recorded.0))
    })
}

/// A `tracing` span for the span of `context`, whose end is not its end: what is done to the current span of `tracing`,
/// and the events in it, then belong to it.
#[cfg(not(feature = "lean-bridge"))]
pub(crate) fn span_of(context: &Context) -> Span {
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    // Outside, spans may be left out.
    let _inside = context.clone().attach();
    tracer::standing_for(context.clone(), || {
        let span = tracing::info_span!(target: "telemetry", parent: None, "hop");
        // It is new, so that this is not refused.
        let _ = span.set_parent(context.clone());
        // Starts it.
        drop(span.context());
        span
    })
}

/// The same.
#[cfg(feature = "lean-bridge")]
pub(crate) fn span_of(context: &Context) -> Span {
    let _inside = context.clone().attach();
    tracing_opentelemetry::standing_for(
        context.clone(),
        || tracing::info_span!(target: "telemetry", parent: None, "hop"),
    )
}

fn is_for_spans(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    *metadata.level() <= LevelFilter::INFO
        && !EXPORT_TARGETS.iter().any(|part| target.starts_with(part))
}

fn is_left_out(tracer: &Tracer) -> bool {
    Context::map_current(|context| tracer.leaves_out(context))
}

// === impl Gate ===

impl<S: Subscriber> Layer<S> for Gate {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_span() {
            Interest::sometimes()
        } else {
            Interest::always()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: LayerContext<'_, S>) -> bool {
        !metadata.is_span() || !is_left_out(&self.0)
    }
}

// === impl Recorded ===

impl<S> Filter<S> for Recorded {
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.0.is_enabled() && is_for_spans(metadata) {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: &LayerContext<'_, S>) -> bool {
        (metadata.is_span() || !is_left_out(&self.0)) && is_for_spans(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }
}
