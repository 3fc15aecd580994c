//! Links, in any number.

use std::sync::atomic::{AtomicUsize, Ordering};

use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, TraceContextExt};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::SavedContext;
use crate::layers::hop::Hop;
use crate::metrics::signals::attributes::LINK_COUNT;
use crate::trace::tracer::Start;

/// The maximum number of links of a span (`OTEL_SPAN_LINK_COUNT_LIMIT`).
static LIMIT: AtomicUsize = AtomicUsize::new(128);

/// Sets the maximum number of links of a span.
pub(crate) fn limit(links: u32) {
    LIMIT.store(
        usize::try_from(links).unwrap_or(usize::MAX),
        Ordering::Relaxed,
    );
}

/// Links `span` to the span of `context`, by which it was caused or influenced without being its child.
pub fn link(span: &Span, context: &SavedContext) {
    if let Some(linked) = context.span_context() {
        span.add_link(linked.clone());
    }
}

/// Links `span`, which has no link yet, to the spans of all `contexts`, however many.
///
/// A span has at most 128 links (`OTEL_SPAN_LINK_COUNT_LIMIT`). The rest is put on child spans, which are named after `span`
/// with `.links` at the end, and have the number of their links as `link.count`.
pub fn link_all<'a>(span: &Span, contexts: impl IntoIterator<Item = &'a SavedContext>) {
    let name = span.metadata().map_or("", tracing::Metadata::name);
    link_within(&span.context(), name, contexts);
}

/// The same for the span of `context`. The child spans are named after `name`.
pub(crate) fn link_within<'a>(
    context: &Context,
    name: &str,
    contexts: impl IntoIterator<Item = &'a SavedContext>,
) {
    let span = context.span();
    if !span.is_recording() {
        return;
    }
    let limit = LIMIT.load(Ordering::Relaxed).max(1);
    let mut linked = contexts.into_iter().filter_map(SavedContext::span_context);
    for other in linked.by_ref().take(limit) {
        span.add_link(other.clone(), Vec::new());
    }
    loop {
        let some: Vec<_> = linked.by_ref().take(limit).collect();
        if some.is_empty() {
            return;
        }
        let count = some.len();
        let carrier = some.into_iter().fold(
            Start::within(context.clone(), SpanKind::Internal),
            |carrier, other| carrier.link(Some(other.clone())),
        );
        let carrier = Hop::start(
            carrier,
            || format!("{name}.links").into(),
            |attributes| attributes.set(LINK_COUNT, count),
        );
        carrier.end(|_| {});
    }
}
