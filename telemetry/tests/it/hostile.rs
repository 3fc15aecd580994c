//! Whatever comes in the place of a context: nothing panics, and only what is well-formed counts.

use axum::body::Body;
use http::{HeaderValue, Request, Response};
use proptest::prelude::*;
use std::convert::Infallible;
use telemetry::context::{SavedContext, current_trace_id};
use telemetry::http::ServerLayer;
use tower::{Layer, ServiceExt, service_fn};

use crate::harness::run;

const TRACE: &str = "80e1afed08e019fc1110464cfa66635c";

/// The trace in which a request with these headers is served.
async fn serving_trace(headers: Vec<(&'static str, HeaderValue)>) -> String {
    let service = ServerLayer::new().layer(service_fn(async |_: Request<Body>| {
        Ok::<_, Infallible>(Response::new(Body::from(current_trace_id().unwrap())))
    }));
    let mut request = Request::new(Body::empty());
    for (name, value) in headers {
        request.headers_mut().append(name, value);
    }
    let response = service.oneshot(request).await.unwrap();
    let id = response.headers().get("x-trace-id").unwrap();
    id.to_str().unwrap().to_owned()
}

fn header_value() -> impl Strategy<Value = HeaderValue> {
    let nearly_right = "[0-9a-fA-F]{2}-[0-9a-fA-F]{30,34}-[0-9a-fA-F]{14,18}-[0-9a-z]{2}(-.*)?";
    let bytes = prop::collection::vec(any::<u8>(), 0..200);
    prop_oneof![
        nearly_right.prop_map(String::into_bytes),
        "([a-z0-9]+=[ -~]*[,;]?){0,40}".prop_map(String::into_bytes),
        bytes,
    ]
    .prop_filter_map("not a header value", |bytes| {
        HeaderValue::from_bytes(&bytes).ok()
    })
}

proptest! {
    #[test]
    fn any_text_is_a_saved_context_or_an_empty_one(text in ".{0,300}") {
        let saved = SavedContext::from_text(&text);
        prop_assert_eq!(saved.is_empty(), saved.span_context().is_none());
    }

    #[test]
    fn any_json_of_the_right_shape_is_read_without_a_panic(
        parent in ".{0,80}", state in ".{0,200}", baggage in ".{0,200}",
    ) {
        let text = format!(
            "{{\"traceparent\":{parent:?},\"tracestate\":{state:?},\"baggage\":{baggage:?}}}"
        );
        let saved = SavedContext::from_text(&text);
        // What was understood can be written, and is understood again.
        let again = SavedContext::from_text(&saved.to_text());
        prop_assert_eq!(again.span_context().map(opentelemetry::trace::SpanContext::trace_id),
            saved.span_context().map(opentelemetry::trace::SpanContext::trace_id));
    }

    #[test]
    fn no_header_can_make_the_server_panic(
        parents in prop::collection::vec(header_value(), 0..3),
        states in prop::collection::vec(header_value(), 0..3),
        baggage in prop::collection::vec(header_value(), 0..3),
    ) {
        let named = |name, values: Vec<HeaderValue>| values.into_iter().map(move |value| (name, value));
        let headers = named("traceparent", parents)
            .chain(named("tracestate", states))
            .chain(named("baggage", baggage))
            .collect();
        let id = run(serving_trace(headers));
        prop_assert_eq!(id.len(), 32);
    }
}

#[test]
fn two_parents_are_none_and_a_state_in_two_lines_is_one() {
    run(async {
        let parent = |trace: &str| {
            let value = format!("00-{trace}-00f067aa0ba902b7-01");
            ("traceparent", HeaderValue::try_from(value).unwrap())
        };
        let state = |value| ("tracestate", HeaderValue::from_static(value));
        let whole = vec![parent(TRACE), state("a=1"), state("b=2")];
        assert_eq!(serving_trace(whole).await, TRACE);
        let other = "0af7651916cd43dd8448eb211c80319c";
        let ambiguous = serving_trace(vec![parent(TRACE), parent(other)]).await;
        assert!(ambiguous != TRACE && ambiguous != other);
    });
}
