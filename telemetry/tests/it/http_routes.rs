//! What a stranger chooses becomes neither a name nor a label; what is skipped; and routers within routers.

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use http::header::AUTHORIZATION;
use http::{Method, Request};
use opentelemetry::{Array, Value};
use telemetry::http::ServerLayer;
use telemetry::signals::HTTP_SERVER_REQUEST_DURATION;
use telemetry::test::{Captured, capture};
use tower::ServiceExt;

/// Sends a request through a router to its end.
async fn send(router: &Router, request: http::request::Builder) {
    let request = request.body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    axum::body::to_bytes(response.into_body(), 1 << 20)
        .await
        .unwrap();
}

async fn ask(router: &Router, paths: &[&str]) -> Captured {
    let captured = capture();
    for path in paths {
        send(router, Request::get(*path)).await;
    }
    captured
}

fn nested() -> Router {
    Router::new().route("/users/{id}", get(async || "x"))
}

#[tokio::test]
async fn whatever_a_fallback_answers_has_neither_a_name_nor_a_label_of_its_own() {
    let fallback = async || "x";
    for router in [
        Router::new().fallback(fallback).layer(ServerLayer::new()),
        Router::new()
            .nest("/v1", nested().fallback(fallback))
            .layer(ServerLayer::new()),
        Router::new().nest("/v1", nested().fallback(fallback).layer(ServerLayer::new())),
        Router::new()
            .nest_service("/v1", nested().fallback(fallback))
            .layer(ServerLayer::new()),
        Router::new()
            .fallback_service(nested())
            .layer(ServerLayer::new()),
        Router::new()
            .route_service("/v1/guess", any(fallback))
            .merge(Router::new().fallback(fallback))
            .layer(ServerLayer::new()),
    ] {
        let captured = ask(&router, &["/v1/guess-1", "/v1/guess-2/x", "/guess-3"]).await;
        for span in captured.spans() {
            assert_eq!(span.name, "GET", "{span:#?}");
            assert_eq!(span.attribute("http.route"), None);
        }
        let routes = captured
            .metrics()
            .histogram(&HTTP_SERVER_REQUEST_DURATION, &[("http.route", "")]);
        assert_eq!(routes.len(), captured.spans().len());
    }
}

#[tokio::test]
async fn made_up_methods_versions_and_schemes_are_one_each() {
    let router = Router::new()
        .fallback(async || "x")
        .layer(ServerLayer::new());
    let captured = capture();
    for guess in ["BREW", "get", "GUESS-1"] {
        let method = Method::from_bytes(guess.as_bytes()).unwrap();
        let uri = format!("{}://h.example/", guess.to_lowercase());
        send(&router, Request::builder().method(method).uri(uri)).await;
    }
    let spans = captured.spans_named("HTTP");
    assert_eq!(spans.len(), 3);
    for span in spans {
        span.assert_attribute("url.scheme", "http");
        span.assert_attribute("http.request.method", "_OTHER");
    }
    let labels = [("http.request.method", "_OTHER"), ("url.scheme", "http")];
    let measured = captured
        .metrics()
        .histogram(&HTTP_SERVER_REQUEST_DURATION, &labels);
    assert_eq!(measured.len(), 3);
}

#[tokio::test]
async fn the_layer_of_a_nested_router_records_the_whole_path_and_route() {
    let layer = ServerLayer::new().query();
    for router in [
        Router::new().nest("/v1", nested().layer(layer.clone())),
        Router::new().nest("/v1", nested()).layer(layer.clone()),
        Router::new().nest_service("/v1", nested().layer(layer.clone())),
    ] {
        let captured = ask(&router, &["/v1/users/42?page=2"]).await;
        let span = captured.span("GET /v1/users/{id}");
        span.assert_attribute("url.path", "/v1/users/42");
        span.assert_attribute("url.query", "page=2");
        span.assert_attribute("http.route", "/v1/users/{id}");
    }
    let deep = Router::new().nest("/a", Router::new().nest("/b", nested().layer(layer)));
    let captured = ask(&deep, &["/a/b/users/42"]).await;
    let span = captured.span("GET /a/b/users/{id}");
    span.assert_attribute("url.path", "/a/b/users/42");
}

#[tokio::test]
async fn requests_are_skipped_by_path_by_first_segments_and_by_a_predicate() {
    let layer = ServerLayer::new()
        .skip(&["/poll"])
        .skip_prefixes(&["/static", "/v1/assets"])
        .skip_if(|method, uri, headers| {
            *method == Method::OPTIONS || uri.path() == "/probe" || headers.contains_key("x-probe")
        });
    let router = Router::new()
        .nest(
            "/v1",
            Router::new().fallback(async || "x").layer(layer.clone()),
        )
        .fallback_service(Router::new().fallback(async || "x").layer(layer));
    let captured = ask(
        &router,
        &[
            "/poll",
            "/static",
            "/static/a.css",
            "/v1/assets/a",
            "/probe",
        ],
    )
    .await;
    send(&router, Request::options("/orders")).await;
    send(&router, Request::get("/orders").header("x-probe", "1")).await;
    assert!(captured.spans().is_empty(), "{:#?}", captured.spans());
    assert!(!captured.metrics().has(&HTTP_SERVER_REQUEST_DURATION, &[]));
    drop(captured);
    let captured = ask(
        &router,
        &["/polls", "/statics", "/v1/static", "/v1/assetses"],
    )
    .await;
    assert_eq!(captured.spans().len(), 4);
}

#[tokio::test]
async fn a_header_whose_value_is_secret_is_still_a_list() {
    let layer = ServerLayer::new().request_headers([AUTHORIZATION]);
    let router = Router::new().fallback(async || "x").layer(layer);
    let captured = capture();
    send(
        &router,
        Request::get("/").header(AUTHORIZATION, "Bearer hunter2"),
    )
    .await;
    let span = captured.span("GET");
    let recorded = span.attribute("http.request.header.authorization");
    let redacted = Value::Array(Array::String(vec!["REDACTED".into()]));
    assert_eq!(recorded, Some(&redacted));
}
