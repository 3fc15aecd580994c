//! The span of the request from its handler: `telemetry::current`, behind every kind of server.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use opentelemetry::trace::{SpanKind, Status};
use telemetry::context::{TraceExt, spawn, spawn_blocking};
use telemetry::messaging::{Consumer, Delivery, Destination, process};
use telemetry::signals::{
    HTTP_SERVER_REQUEST_DURATION, MESSAGING_PROCESS_DURATION, RPC_SERVER_CALL_DURATION,
};
use telemetry::test::{Captured, Span, capture};
use tower::{Layer, ServiceExt, service_fn};
use tracing::Instrument;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Reaches the span of the request from where a handler usually is.
async fn handle() {
    tokio::task::yield_now().await;
    let deep = async {
        tokio::task::yield_now().await;
        let request = telemetry::current();
        request
            .set_attribute("shop.dish", "soup")
            .set_attribute("shop.tries", 1);
        request.set_attribute("shop.tries", 2);
        request.error("first").error("sold_out").keep();
    };
    deep.instrument(tracing::info_span!("look"))
        .instrument(tracing::info_span!("search"))
        .await;
}

async fn by_http<F>(status: StatusCode, flags: &str, handler: fn() -> F) -> Captured
where
    F: Future<Output = ()> + Send + 'static,
{
    let captured = capture();
    let app = Router::new()
        .route(
            "/dishes/{id}",
            get(async move || {
                handler().await;
                status
            }),
        )
        .layer(telemetry::http::ServerLayer::new());
    let request = Request::get("/dishes/7")
        .header(
            "traceparent",
            format!("00-{TRACE}-00f067aa0ba902b7-{flags}"),
        )
        .body(Body::empty())
        .unwrap();
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), status);
    response.into_body().collect().await.unwrap();
    captured
}

async fn by_grpc<F>(code: &'static str, handler: fn() -> F) -> Captured
where
    F: Future<Output = ()> + Send + 'static,
{
    let captured = capture();
    let served =
        telemetry::grpc::ServerLayer::new().layer(service_fn(move |_: Request<Body>| async move {
            handler().await;
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", code.parse().unwrap());
            let body = Body::empty().with_trailers(async { Some(Ok(trailers)) });
            Ok::<_, Infallible>(Response::new(body))
        }));
    let request = Request::post("/shop.Stock/Look")
        .body(Body::empty())
        .unwrap();
    let response = served.oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
    captured
}

async fn by_message<F>(result: Result<(), &'static str>, handler: fn() -> F) -> Captured
where
    F: Future<Output = ()> + Send + 'static,
{
    let captured = capture();
    let consumer = Consumer::of(Destination::new("nats", "dishes"));
    let processed = process(Delivery::to(consumer), async || {
        handler().await;
        result
    });
    assert_eq!(processed.await, result);
    captured
}

fn server(captured: &Captured) -> Span {
    let spans = captured.spans();
    let mut serving = spans
        .into_iter()
        .filter(|span| matches!(span.span_kind, SpanKind::Server | SpanKind::Consumer));
    let span = serving.next().expect("there is one");
    assert_eq!(serving.next(), None);
    span
}

/// The span has what [`handle`] said, each key once, and nobody else has it.
fn assert_handled(captured: &Captured) {
    let server = server(captured);
    server
        .assert_attribute("shop.dish", "soup")
        .assert_attribute("shop.tries", 2)
        .assert_attribute("error.type", "sold_out")
        .assert_attribute("telemetry.keep", true);
    for key in ["shop.tries", "error.type"] {
        let same = server
            .attributes
            .iter()
            .filter(|pair| pair.key.as_str() == key);
        assert_eq!(same.count(), 1, "{key}");
    }
    for name in ["look", "search"] {
        assert!(captured.span(name).attributes.iter().all(|pair| {
            let key = pair.key.as_str();
            !key.starts_with("shop.") && key != "telemetry.keep"
        }));
    }
}

#[tokio::test]
async fn a_handler_reaches_the_span_of_its_http_request_from_below_other_spans() {
    for (status, failed) in [
        (StatusCode::OK, true),
        (StatusCode::INTERNAL_SERVER_ERROR, true),
        (StatusCode::CONFLICT, false),
    ] {
        let captured = by_http(status, "01", handle).await;
        assert_handled(&captured);
        let is_error = matches!(server(&captured).status, Status::Error { .. });
        assert_eq!(is_error, failed, "{status}");
        let labels = [
            ("error.type", "sold_out"),
            ("http.response.status_code", status.as_str()),
        ];
        let durations = captured.metrics();
        let durations = durations.histogram(&HTTP_SERVER_REQUEST_DURATION, &labels);
        assert_eq!(durations.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_handler_reaches_the_span_of_its_call_from_below_other_spans() {
    // OK, INTERNAL, NOT_FOUND.
    for (code, failed) in [("0", true), ("13", true), ("5", false)] {
        let captured = by_grpc(code, handle).await;
        assert_handled(&captured);
        let is_error = matches!(server(&captured).status, Status::Error { .. });
        assert_eq!(is_error, failed, "{code}");
        let labels = [("error.type", "sold_out")];
        let durations = captured.metrics();
        let durations = durations.histogram(&RPC_SERVER_CALL_DURATION, &labels);
        assert_eq!(durations.len(), 1, "{code}");
    }
}

#[tokio::test]
async fn a_handler_reaches_the_span_of_its_message_from_below_other_spans() {
    for result in [Ok(()), Err("the stock is gone")] {
        let captured = by_message(result, handle).await;
        assert_handled(&captured);
        let expected = Status::error(result.err().unwrap_or_default());
        assert_eq!(server(&captured).status, expected);
        let labels = [("error.type", "sold_out")];
        let durations = captured.metrics();
        let durations = durations.histogram(&MESSAGING_PROCESS_DURATION, &labels);
        assert_eq!(durations.len(), 1);
    }
}

#[tokio::test]
async fn without_a_named_error_all_is_as_the_layer_says() {
    async fn look() {
        let request = telemetry::current();
        assert!(request.is_recorded());
        request.set_attribute("shop.dish", "soup");
    }
    let captured = by_http(StatusCode::OK, "01", look).await;
    let server = server(&captured);
    server.assert_attribute("shop.dish", "soup");
    assert_eq!(
        (&server.status, server.attribute("error.type")),
        (&Status::Unset, None)
    );
    let captured = by_http(StatusCode::BAD_GATEWAY, "01", look).await;
    let labels = [("error.type", "502")];
    let durations = captured.metrics();
    assert_eq!(
        durations
            .histogram(&HTTP_SERVER_REQUEST_DURATION, &labels)
            .len(),
        1
    );
}

#[tokio::test]
async fn an_error_is_named_in_the_metric_of_a_request_that_is_not_sampled_too() {
    async fn fail() {
        let request = telemetry::current();
        assert!(!request.is_recorded());
        request
            .set_attribute("shop.dish", "soup")
            .keep()
            .error("sold_out");
    }
    let captured = by_http(StatusCode::OK, "00", fail).await;
    assert_eq!(captured.spans(), []);
    let labels = [("error.type", "sold_out")];
    let durations = captured.metrics();
    assert_eq!(
        durations
            .histogram(&HTTP_SERVER_REQUEST_DURATION, &labels)
            .len(),
        1
    );
}

#[tokio::test]
async fn a_task_of_a_handler_has_the_span_of_its_spawner() {
    async fn spawning() {
        let say = |key: &'static str| {
            telemetry::current().set_attribute(key, true);
        };
        spawn(async move { say("by.spawn") }).await.unwrap();
        spawn_blocking(move || say("by.spawn_blocking"))
            .await
            .unwrap();
        let own = async move { say("by.in_span") };
        let own = own.in_span(tracing::info_span!("task"));
        tokio::spawn(own).await.unwrap();
        let by_value = telemetry::current();
        let plain = tokio::spawn(async move {
            assert!(!telemetry::current().is_recorded());
            by_value.set_attribute("by.value", true).error("late");
        });
        plain.await.unwrap();
    }
    let captured = by_http(StatusCode::OK, "01", spawning).await;
    let server = server(&captured);
    for key in ["by.spawn", "by.spawn_blocking", "by.in_span", "by.value"] {
        server.assert_attribute(key, true);
    }
    server.assert_attribute("error.type", "late");
}

#[tokio::test]
async fn a_call_within_a_handler_is_not_the_request_and_one_that_is_served_within_is_its_own() {
    async fn outer() {
        telemetry::current().set_attribute("outer", 1);
        let inner =
            telemetry::http::ServerLayer::new().layer(service_fn(async |_: Request<Body>| {
                telemetry::current().set_attribute("inner", true);
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }));
        let client = telemetry::http::ClientLayer::new().layer(inner);
        let request = Request::get("http://shop/stock")
            .body(Body::empty())
            .unwrap();
        let response = client.oneshot(request).await.unwrap();
        telemetry::current().set_attribute("outer", 2);
        response.into_body().collect().await.unwrap();
        telemetry::current().error("sold_out");
    }
    let captured = by_http(StatusCode::OK, "01", outer).await;
    let outer = captured.span("GET /dishes/{id}");
    outer
        .assert_attribute("outer", 2)
        .assert_attribute("error.type", "sold_out");
    assert_eq!(outer.attribute("inner"), None);
    let spans = captured.spans_named("GET");
    let inner = spans.iter().find(|span| span.span_kind == SpanKind::Server);
    let inner = inner.unwrap();
    inner.assert_attribute("inner", true);
    assert_eq!(
        (inner.attribute("outer"), inner.attribute("error.type")),
        (None, None)
    );
    let client = spans.iter().find(|span| span.span_kind == SpanKind::Client);
    let client = client.unwrap();
    assert_eq!(
        (client.attribute("inner"), client.attribute("outer")),
        (None, None)
    );
}

#[tokio::test]
async fn outside_of_a_request_and_after_it_nothing_happens() {
    let captured = capture();
    let nowhere = telemetry::current();
    assert!(!nowhere.is_recorded());
    nowhere
        .set_attribute("shop.dish", "soup")
        .error("sold_out")
        .keep();
    tracing::info_span!("alone").in_scope(|| {
        telemetry::current().set_attribute("shop.dish", "soup");
    });
    let alone = captured.span("alone");
    assert_eq!(alone.attribute("shop.dish"), None);
    drop(captured);

    let captured = capture();
    let (give, mut given) = tokio::sync::mpsc::unbounded_channel();
    let app = Router::new()
        .route(
            "/dishes",
            get(async move || give.send(telemetry::current()).unwrap()),
        )
        .layer(telemetry::http::ServerLayer::new());
    let request = Request::get("/dishes").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
    let ended = given.recv().await.unwrap();
    assert!(!ended.is_recorded());
    ended
        .set_attribute("shop.dish", "soup")
        .error("sold_out")
        .keep();
    let span = captured.span("GET /dishes");
    assert_eq!(span.attribute("shop.dish"), None);
}

#[tokio::test]
async fn the_body_of_a_response_belongs_to_its_request() {
    let captured = capture();
    let app = Router::new()
        .route(
            "/dishes",
            get(async || {
                Body::from_stream(futures::stream::once(async {
                    telemetry::current().error("sold_out");
                    Ok::<_, Infallible>("soup")
                }))
            }),
        )
        .layer(telemetry::http::ServerLayer::new());
    let request = Request::get("/dishes").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
    captured
        .span("GET /dishes")
        .assert_attribute("error.type", "sold_out")
        .assert_error();
}
