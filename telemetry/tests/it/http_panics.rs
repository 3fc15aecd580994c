//! Panics that a layer above ours catches, and answers.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;

use axum::body::Body;
use bytes::Bytes;
use futures::FutureExt;
use http::{Request, Response};
use http_body_util::BodyExt;
use telemetry::http::{ClientLayer, ServerLayer};
use telemetry::signals::{HTTP_SERVER_ACTIVE_REQUESTS, HTTP_SERVER_REQUEST_DURATION};
use telemetry::test::{Captured, capture};
use tower::{Layer, ServiceExt, service_fn};

fn request() -> Request<Body> {
    Request::get("/panics").body(Body::empty()).unwrap()
}

/// Runs what panics, as a layer that catches panics does: what is left is dropped when nothing unwinds any more.
async fn caught(work: impl Future) {
    assert!(AssertUnwindSafe(work).catch_unwind().await.is_err());
}

fn assert_panic(captured: &Captured) {
    let span = captured.span("GET");
    span.assert_error().assert_attribute("error.type", "panic");
    let labels = [("error.type", "panic")];
    let measured = captured
        .metrics()
        .histogram(&HTTP_SERVER_REQUEST_DURATION, &labels);
    assert_eq!(measured.len(), 1);
    let labels = [("http.request.method", "GET"), ("url.scheme", "http")];
    let active = captured
        .metrics()
        .gauge(&HTTP_SERVER_ACTIVE_REQUESTS, &labels);
    assert!(active.abs() < f64::EPSILON);
}

#[tokio::test]
async fn a_panic_while_the_response_is_made_is_one_also_when_it_is_caught_above() {
    let captured = capture();
    let service = service_fn(
        async |_: Request<Body>| -> Result<Response<Body>, Infallible> {
            tokio::task::yield_now().await;
            panic!("provoked by a test")
        },
    );
    caught(ServerLayer::new().layer(service).oneshot(request())).await;
    assert_panic(&captured);
}

#[tokio::test]
async fn a_panic_before_there_is_a_future_is_one_too() {
    let captured = capture();
    let service = service_fn(
        |_: Request<Body>| -> std::future::Ready<Result<Response<Body>, Infallible>> {
            panic!("provoked by a test")
        },
    );
    caught(ServerLayer::new().layer(service).oneshot(request())).await;
    assert_panic(&captured);
}

#[tokio::test]
async fn a_panic_in_a_body_is_one_too() {
    let captured = capture();
    let service = service_fn(async |_: Request<Body>| {
        let mut pieces = 0;
        let stream = futures::stream::poll_fn(move |_| {
            pieces += 1;
            assert!(pieces < 2, "provoked by a test");
            std::task::Poll::Ready(Some(Ok::<_, Infallible>(Bytes::from("begun"))))
        });
        Ok::<_, Infallible>(Response::new(Body::from_stream(stream)))
    });
    let response = ServerLayer::new().layer(service).oneshot(request()).await;
    caught(response.unwrap().into_body().collect()).await;
    assert_panic(&captured);
}

#[tokio::test]
async fn a_panic_below_two_layers_is_told_by_both() {
    let captured = capture();
    let service = service_fn(
        async |_: Request<Body>| -> Result<Response<Body>, Infallible> {
            panic!("provoked by a test")
        },
    );
    let service = ClientLayer::new().layer(service);
    let service = service_fn(move |request| service.clone().oneshot(request));
    let service = ServerLayer::new().layer(service);
    caught(service.oneshot(request())).await;
    let spans = captured.spans_named("GET");
    assert_eq!(spans.len(), 2);
    for span in spans {
        span.assert_error().assert_attribute("error.type", "panic");
    }
}

#[tokio::test]
async fn a_panic_that_a_layer_below_has_answered_is_one_too() {
    let captured = capture();
    let service = service_fn(async |_: Request<Body>| {
        let work = async { panic!("provoked by a test") };
        let status = match AssertUnwindSafe(work).catch_unwind().await {
            Ok(()) => 200,
            Err(_) => 500,
        };
        let response = Response::builder().status(status).body(Body::empty());
        Ok::<_, Infallible>(response.unwrap())
    });
    let response = ServerLayer::new().layer(service).oneshot(request()).await;
    drop(response.unwrap());
    assert_panic(&captured);
}
