//! The bridge from `tracing` to OpenTelemetry: spans of the one become spans of the other.
//!
//! `tracing_opentelemetry` does it, as a layer on `tracing_subscriber`'s registry. Around both is a subscriber of this
//! crate, for the span of a request: that one is OpenTelemetry's, and a `tracing` span for it, a [proxy](Proxy), costs as
//! much as all else that a sampled request pays for. So it is made when somebody asks for the current span, and not before:
//!
//! - `Span::current()` makes it. It is the same one wherever the request is current.
//! - An event goes to the span of OpenTelemetry straight away.
//! - A span that is made with `tracing` finds its parent in OpenTelemetry's current context.
//!
//! Layers of others ([`Builder::layer`](crate::Builder::layer)) see spans from their start on. With those every request
//! has its `tracing` span from the beginning.

use std::borrow::Cow;
use std::sync::Arc;

use opentelemetry::Context;
use subscriber_wrapper::Wrapper;
use tracing::{Dispatch, Subscriber, dispatcher};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry;
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::logs::Lines;
use crate::trace::levels::SpanLevels;
use crate::trace::tracer::{Start, Tracer};
use crate::trace::wire::Attributes;

mod current;
mod event;
mod filter;
mod layers;
mod proxy;

pub(crate) use proxy::{HopSpan, InHop};

use current::Current;
use filter::Filter;
use layers::{ForAll, LinesLayer, OfLines, OfSpans};
use proxy::Proxy;

/// A layer of somebody else's.
pub(crate) type OtherLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// A subscriber that makes spans with `tracer`, those of `levels`, and hands to `lines` what is logged. `others` are layers
/// of somebody else's.
pub(crate) fn subscriber(
    tracer: Tracer,
    levels: SpanLevels,
    lines: impl Lines + 'static,
    others: Vec<OtherLayer>,
) -> Dispatch {
    let shared = Arc::new(tracer.clone());
    let current = Current::new(Arc::clone(&shared), !others.is_empty());
    let filter = Filter::new(shared, levels, lines);
    if others.is_empty() {
        let inner = registry().with(spans(tracer)).with(ForAll(filter));
        return Dispatch::new(Wrapper::new(current, inner));
    }
    // Each layer has a filter of its own: what is not for traces or lines may be for others.
    let filter = Arc::new(filter);
    let lines = LinesLayer(Arc::clone(&filter)).with_filter(OfLines(Arc::clone(&filter)));
    let inner = registry()
        .with(others)
        .with(spans(tracer).with_filter(OfSpans(filter)))
        .with(lines);
    Dispatch::new(Wrapper::new(current, inner))
}

/// The layer that makes spans.
fn spans<S>(tracer: Tracer) -> OpenTelemetryLayer<S, Tracer>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_opentelemetry::layer()
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_target(false)
        .with_tracer(tracer)
}

/// Starts a span with the tracer of this thread, as [`Tracer::begin`] does, and returns the span of `tracing` for it too.
#[inline]
pub(crate) fn start(
    start: Start,
    name: impl FnOnce() -> Cow<'static, str>,
    describe: impl FnOnce(&mut Attributes<'_>),
) -> (HopSpan, Context, bool) {
    let here = dispatcher::get_default(|dispatch| {
        let current: &Current = dispatch.downcast_ref()?;
        Some((Arc::clone(current.tracer()), current.has_layers()))
    });
    let Some((tracer, has_layers)) = here else {
        return (HopSpan::None, start.into_parent(), false);
    };
    if has_layers {
        let (kind, name) = (start.kind().clone(), name());
        let (context, recording) = tracer.begin(start, || name.clone(), describe);
        let span = proxy::made(&context, &kind, &name);
        return (HopSpan::Made(span), context, recording);
    }
    let (context, recording) = tracer.begin(start, name, describe);
    let span = if recording {
        HopSpan::OnDemand(Arc::new(Proxy::new(tracer, context.clone())))
    } else {
        HopSpan::None
    };
    (span, context, recording)
}
