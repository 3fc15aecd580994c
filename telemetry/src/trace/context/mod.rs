//! Trace contexts that outlive a request or leave its task: stored in a table, or passed to a task or a queue.

use std::collections::BTreeMap;

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::baggage::{BaggageExt, KeyValueMetadata};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use tracing_opentelemetry::{OpenTelemetrySpanExt, SetParentError};

use crate::metrics::signals::attributes::TELEMETRY_KEEP;
use crate::trace::propagation::{self, FullList, Rejection};

pub(crate) mod detached;
pub(crate) mod links;
mod tasks;

#[cfg(any(feature = "grpc", feature = "http"))]
pub use crate::layers::stream::caused_by;
pub use links::{link, link_all};
pub use tasks::{InSpan, InTrace, TraceExt, spawn, spawn_blocking, spawn_blocking_in, spawn_in};

/// A trace context that outlives the request that it came from: the span context and the baggage.
///
/// It is stored as text beside what the request caused (a row of an outbox, a bid) and later becomes the parent, or
/// a link, of the work that continues it. Text that does not parse is an empty context and never an error: a bad row must
/// not stop the work.
#[derive(Clone, Default)]
pub struct SavedContext {
    span: Option<SpanContext>,
    // Of the span's `tracestate`, when the span cannot hold all of it.
    full_list: Option<FullList>,
    baggage: Vec<KeyValueMetadata>,
}

/// Maximum size of a stored text, in bytes. No version has written longer ones, so that they are not parsed.
const MAX_TEXT: usize = 64 * 1024;

/// The trace id of the current span as 32 hexadecimal digits; none when there is no trace.
pub fn current_trace_id() -> Option<String> {
    Context::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        span.is_valid().then(|| span.trace_id())
    })
    .map(|id| id.to_string())
}

/// Makes `context` the parent of `span`.
///
/// To be called before the span is first entered. Afterwards its parent cannot be set: the context becomes a link instead,
/// which is counted in `telemetry.context.rejected`.
pub fn set_parent(span: &tracing::Span, context: &SavedContext) {
    if !context.is_empty() {
        adopt(span, context.to_context());
    }
}

/// Marks the current span so that the collector keeps its trace (see [`sampling`](crate::sampling)).
///
/// To be called early in a trace, since the collector decides once. A span that is not recorded is not changed. The span of
/// the request is marked by [`current().keep()`](crate::ServerSpan::keep).
pub fn keep() {
    Context::map_current(|context| {
        context
            .span()
            .set_attribute(TELEMETRY_KEEP.with(true).into());
    });
}

/// Sets the parent of a span, or adds a link when the span has been entered already.
pub(crate) fn adopt(span: &tracing::Span, parent: Context) {
    let context = parent.span().span_context().clone();
    if let Err(SetParentError::AlreadyStarted) = span.set_parent(parent) {
        Rejection::AlreadyStarted.count();
        span.add_link(context);
    }
}

// === impl SavedContext ===

impl SavedContext {
    /// The current context; empty outside any trace.
    pub fn current() -> Self {
        Self::from_context(&Context::current())
    }

    /// The context in the headers of a request, in the formats of `OTEL_PROPAGATORS`; empty when they have no valid one.
    ///
    /// For a server without a layer of this crate. Whether the caller is trusted is for that server to decide.
    pub fn from_headers(headers: &HeaderMap) -> Self {
        Self::from_context(&propagation::extract(headers))
    }

    /// Writes the context into the headers of a request, in the formats of `OTEL_PROPAGATORS`, and removes any other. An
    /// empty context leaves none.
    pub fn to_headers(&self, headers: &mut HeaderMap) {
        propagation::inject(&self.to_context(), headers);
    }

    /// The context as text: a JSON object of the W3C headers `traceparent`, `tracestate` and `baggage`.
    ///
    /// An empty context is the empty string; no text is longer than 10 000 bytes.
    pub fn to_text(&self) -> String {
        if self.span.is_none() && self.baggage.is_empty() {
            return String::new();
        }
        let headers = propagation::to_w3c(&self.to_context());
        let object: BTreeMap<String, String> = headers.into_iter().collect();
        serde_json::to_string(&object).unwrap_or_default()
    }

    /// Reads what [`to_text`](Self::to_text) wrote. Anything else is an empty context.
    pub fn from_text(text: &str) -> Self {
        if text.is_empty() || text.len() > MAX_TEXT {
            return Self::default();
        }
        let Ok(object) = serde_json::from_str::<BTreeMap<String, String>>(text) else {
            return Self::default();
        };
        let headers: Vec<_> = object.into_iter().collect();
        Self::from_context(&propagation::from_w3c(&headers))
    }

    /// The context of a W3C `traceparent`. Anything else is an empty context.
    pub fn from_traceparent(traceparent: &str) -> Self {
        let headers = [("traceparent".to_owned(), traceparent.to_owned())];
        Self::from_context(&propagation::from_w3c(&headers))
    }

    /// Whether it has no span.
    pub fn is_empty(&self) -> bool {
        self.span.is_none()
    }

    /// Its span, if any.
    pub fn span_context(&self) -> Option<&SpanContext> {
        self.span.as_ref()
    }

    /// The same as an OpenTelemetry context with a remote span.
    pub fn to_context(&self) -> Context {
        let mut context = Context::new();
        if let Some(span) = &self.span {
            context = context.with_remote_span_context(span.clone());
        }
        if let Some(list) = &self.full_list {
            context = context.with_value(list.clone());
        }
        if !self.baggage.is_empty() {
            context = context.with_baggage(self.baggage.iter().cloned());
        }
        context
    }

    pub(crate) fn from_context(context: &Context) -> Self {
        let span = context.span();
        let span = span.span_context();
        let baggage = context.baggage().iter().map(|(key, (value, metadata))| {
            KeyValueMetadata::new(key.clone(), value.clone(), metadata.clone())
        });
        Self {
            span: span.is_valid().then(|| remote(span)),
            full_list: context
                .get::<FullList>()
                .filter(|list| list.belongs_to(span))
                .cloned(),
            baggage: baggage.collect(),
        }
    }
}

/// The same span as a remote one.
fn remote(span: &SpanContext) -> SpanContext {
    SpanContext::new(
        span.trace_id(),
        span.span_id(),
        span.trace_flags(),
        true,
        span.trace_state().clone(),
    )
}

impl std::fmt::Debug for SavedContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Baggage may contain what must not be logged, so that only the ids are shown.
        let span = self.span.as_ref();
        f.debug_struct("SavedContext")
            .field("trace_id", &span.map(SpanContext::trace_id))
            .field("span_id", &span.map(SpanContext::span_id))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::propagation::TextMapPropagator;
    use opentelemetry::trace::TraceState;
    use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
    use proptest::prelude::*;

    use super::*;
    use crate::trace::propagation::strategies::{self, Said};

    /// What a context says that is kept: the wish to debug is the caller's, and of the request alone.
    fn kept(said: &Said) -> Said {
        Said {
            debug: false,
            ..said.clone()
        }
    }

    proptest! {
        #[test]
        fn text_says_all_that_a_saved_context_says(said in strategies::said()) {
            let saved = SavedContext::from_context(&said.context());
            prop_assert_eq!(Said::of(&saved.to_context()), kept(&said));
            let text = saved.to_text();
            let read = SavedContext::from_text(&text);
            prop_assert_eq!(Said::of(&read.to_context()), kept(&said));
            prop_assert_eq!(read.to_text(), text);
        }

        #[test]
        fn text_is_bounded_whatever_came(headers in strategies::hostile()) {
            let text = SavedContext::from_headers(&headers).to_text();
            prop_assert!(text.len() <= 10_000, "{}", text.len());
            prop_assert_eq!(SavedContext::from_text(&text).to_text(), text);
        }

        #[test]
        fn text_that_earlier_versions_wrote_is_read(said in strategies::said()) {
            let mut object = std::collections::HashMap::new();
            TraceContextPropagator::new().inject_context(&said.context(), &mut object);
            BaggagePropagator::new().inject_context(&said.context(), &mut object);
            let text = serde_json::to_string(&object).unwrap();
            let read = Said::of(&SavedContext::from_text(&text).to_context());
            // They wrote no other flag, and some values not as they should have been.
            let span = said.span.map(|(trace, span, sampled, _)| (trace, span, sampled, false));
            prop_assert_eq!(read.span, span);
            // They knew no key that the API's type refuses.
            let state = said.state.into_iter();
            let state: Vec<_> = state
                .filter(|(key, _)| TraceState::from_key_value([(key, "")]).is_ok())
                .collect();
            prop_assert_eq!(read.state, state);
            for (key, (value, _)) in said.baggage {
                if value.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                    prop_assert_eq!(&read.baggage[&key].0, &value);
                }
            }
        }
    }

    #[test]
    fn the_span_of_a_saved_context_is_remote_to_what_goes_on_from_it() {
        let said = Said {
            span: Some((1, 2, true, false)),
            ..Said::default()
        };
        let context = said.context();
        let span = context.span().span_context().clone();
        let local = SpanContext::new(
            span.trace_id(),
            span.span_id(),
            span.trace_flags(),
            false,
            span.trace_state().clone(),
        );
        let saved = SavedContext::from_context(&Context::new().with_remote_span_context(local));
        assert!(saved.span_context().unwrap().is_remote());
    }

    #[test]
    fn text_that_nobody_wrote_is_not_looked_into() {
        let long = format!("{{\"baggage\":\"a=1\",\"x\":\"{}\"}}", "y".repeat(MAX_TEXT));
        assert_eq!(SavedContext::from_text(&long).to_text(), "");
        assert_eq!(SavedContext::from_text(&long[..24]).to_text(), "");
    }
}
