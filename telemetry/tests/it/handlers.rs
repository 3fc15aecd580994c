//! `tracing` and OpenTelemetry below the server layers: what a handler does belongs to its request.

use std::collections::HashMap;
use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
};
use opentelemetry::{Context, global};
use telemetry::context::SavedContext;
use tower::{Layer, ServiceExt, service_fn};
use tracing::{Instrument, Span as TracingSpan};
use tracing_opentelemetry::{OpenTelemetrySpanExt, SetParentError};

use crate::harness::{named, run, spans};
use crate::receiver::{Span, SpanKind};

fn open_telemetry_span(name: &'static str) {
    drop(global::tracer("it").start(name));
}

/// Does what a handler may do with either library, at every place where it may.
async fn handle() -> Body {
    tracing::info!("an event");
    open_telemetry_span("plain");
    async {
        tracing::info!("an inner event");
        tokio::task::yield_now().await;
        open_telemetry_span("plain inside");
        tracing::info_span!("nested").in_scope(|| {});
    }
    .instrument(tracing::info_span!("inside"))
    .await;
    let task = telemetry::context::spawn(async {
        tokio::task::yield_now().await;
        tracing::info_span!("in a task").in_scope(|| {});
        open_telemetry_span("plain in a task");
    });
    task.await.unwrap();
    let stream = futures::stream::iter(0..1).map(|_| {
        tracing::info_span!("in the body").in_scope(|| {});
        open_telemetry_span("plain in the body");
        tracing::info!("an event of the body");
        Ok::<_, Infallible>(Bytes::from_static(b"x"))
    });
    Body::from_stream(stream)
}

/// Uses all of `OpenTelemetrySpanExt` on the span of the request.
async fn extend() -> Body {
    let current = TracingSpan::current();
    current.set_attribute("told.by", "the handler");
    current.add_link(other_span());
    current.add_event("told", vec![]);
    // The span runs already: its parent is what it is.
    let refused = current.set_parent(Context::new());
    assert!(matches!(refused, Err(SetParentError::AlreadyStarted)));
    // A new span may have any parent, and that of the request is the one that `context` tells.
    let outside = tracing::info_span!("elsewhere");
    let parent = Context::new().with_remote_span_context(other_span());
    outside.set_parent(parent).unwrap();
    outside.in_scope(|| {});
    let inside = tracing::info_span!(parent: None, "by hand");
    inside.set_parent(current.context()).unwrap();
    inside.in_scope(|| {});
    Body::empty()
}

fn other_span() -> SpanContext {
    SpanContext::new(
        TraceId::from(0x0123_4567_89ab_cdef_0123_4567_89ab_0001),
        SpanId::from(0x0123_4567_89ab_0001),
        TraceFlags::SAMPLED,
        true,
        TraceState::default(),
    )
}

/// The spans of a request that `handler` has served behind both kinds of layers, once each.
async fn by_both<F>(
    handler: impl Fn() -> F + Clone + Send + Sync + 'static,
    count: usize,
) -> [Vec<Span>; 2]
where
    F: Future<Output = Body> + Send + 'static,
{
    let http = Router::new()
        .route("/handled", get(handler.clone()))
        .layer(telemetry::http::ServerLayer::new());
    let response = http
        .oneshot(Request::get("/handled").body(Body::empty()).unwrap())
        .await
        .unwrap();
    let trace = response.headers()["x-trace-id"]
        .to_str()
        .unwrap()
        .to_owned();
    response.into_body().collect().await.unwrap();
    let of_http = spans(&trace, |spans| spans.len() == count).await;

    let trace = TraceId::from(rand::random::<u128>()).to_string();
    let grpc = telemetry::grpc::ServerLayer::new().layer(service_fn(move |_: Request<Body>| {
        let answer = handler();
        async move {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", "0".parse().unwrap());
            let body = answer.await.with_trailers(async { Some(Ok(trailers)) });
            Ok::<_, Infallible>(Response::new(body))
        }
    }));
    let request = Request::post("/it.Handled/Handle")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .body(Body::empty())
        .unwrap();
    let response = grpc.oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
    let of_grpc = spans(&trace, |spans| spans.len() == count).await;
    [of_http, of_grpc]
}

fn server(spans: &[Span]) -> &Span {
    spans
        .iter()
        .find(|span| span.kind() == SpanKind::Server)
        .unwrap()
}

#[test]
fn spans_and_events_of_a_handler_belong_to_its_request_across_awaits_tasks_and_bodies() {
    run(async {
        for spans in by_both(handle, 9).await {
            let server = server(&spans);
            for (child, parent) in [
                ("plain", server),
                ("inside", server),
                ("nested", named(&spans, "inside")),
                ("plain inside", named(&spans, "inside")),
                ("in a task", server),
                ("plain in a task", server),
                ("in the body", server),
                ("plain in the body", server),
            ] {
                assert_eq!(named(&spans, child).parent(), parent.id(), "{child}");
            }
            assert_eq!(server.events(), ["an event", "an event of the body"]);
            assert_eq!(named(&spans, "inside").events(), ["an inner event"]);
        }
    });
}

#[test]
fn the_extension_trait_keeps_its_promises_on_the_span_of_a_request() {
    run(async {
        for spans in by_both(extend, 2).await {
            let server = server(&spans);
            assert_eq!(server.attribute("told.by"), "the handler");
            let other = other_span();
            let other = (other.trace_id().to_string(), other.span_id().to_string());
            assert_eq!(server.links(), std::slice::from_ref(&other));
            assert_eq!(server.events(), ["told"]);
            assert_eq!(named(&spans, "by hand").parent(), server.id());
            let elsewhere = crate::harness::spans(&other.0, |spans| {
                spans.iter().any(|span| span.name() == "elsewhere")
            })
            .await;
            assert!(elsewhere.iter().all(|span| span.parent() == other.1));
        }
    });
}

#[test]
fn what_a_handler_saves_is_the_context_of_its_request() {
    run(async {
        let saving = async || Body::from(SavedContext::current().to_text());
        let router = Router::new()
            .route("/saved", get(saving))
            .layer(telemetry::http::ServerLayer::new());
        let asked = Request::get("/saved").body(Body::empty()).unwrap();
        let response = router.oneshot(asked).await.unwrap();
        let trace = response.headers()["x-trace-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let saved = response.into_body().collect().await.unwrap().to_bytes();
        let saved = SavedContext::from_text(std::str::from_utf8(&saved).unwrap());
        let saved = saved.span_context().unwrap();
        assert_eq!(saved.trace_id().to_string(), trace);
        let spans = spans(&trace, |spans| spans.len() == 1).await;
        assert_eq!(saved.span_id().to_string(), spans[0].id());
    });
}

#[test]
fn below_a_request_that_is_not_sampled_no_span_is_made_and_its_context_goes_on() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    run(async {
        let saving = async || {
            let span = tracing::info_span!("inside", field = "nobody reads this");
            assert!(span.is_disabled());
            // One of another trace is not below it.
            let elsewhere = Context::new().with_remote_span_context(other_span());
            let inside = elsewhere.attach();
            assert!(!tracing::info_span!("elsewhere").is_disabled());
            drop(inside);
            // Headers that are written by hand carry it on.
            for by_hand in [TracingSpan::current(), span.clone()] {
                let mut headers = HashMap::new();
                global::get_text_map_propagator(|propagator| {
                    propagator.inject_context(&by_hand.context(), &mut headers);
                });
                let written = &headers["traceparent"];
                assert!(
                    written.contains(TRACE) && written.ends_with("-00"),
                    "{written}"
                );
            }
            span.in_scope(|| Body::from(SavedContext::current().to_text()))
        };
        let router = Router::new()
            .route("/unsampled", get(saving))
            .layer(telemetry::http::ServerLayer::new());
        let asked = Request::get("/unsampled")
            .header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-00"))
            .body(Body::empty())
            .unwrap();
        let response = router.oneshot(asked).await.unwrap();
        assert_eq!(response.headers()["x-trace-id"], TRACE);
        let saved = response.into_body().collect().await.unwrap().to_bytes();
        let saved = SavedContext::from_text(std::str::from_utf8(&saved).unwrap());
        let saved = saved.span_context().unwrap();
        assert_eq!(saved.trace_id().to_string(), TRACE);
        assert_ne!(saved.span_id().to_string(), "00f067aa0ba902b7");
        assert!(!saved.is_sampled());
        assert!(crate::harness::spans_so_far(TRACE).await.is_empty());
    });
}
