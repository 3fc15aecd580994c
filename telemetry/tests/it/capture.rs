//! The test support, as an adopter uses it: without a collector, in tests that run side by side.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use opentelemetry::trace::{SpanId, SpanKind, Status};
use telemetry::http::ServerLayer;
use tower::ServiceExt;

async fn serve_once() -> telemetry::test::Captured {
    let captured = telemetry::test::capture();
    let app = Router::new()
        .route(
            "/dishes/{id}",
            get(async || {
                tracing::info_span!("look up").in_scope(|| {});
                http::StatusCode::BAD_GATEWAY
            }),
        )
        .layer(ServerLayer::new());
    let request = Request::get("/dishes/7").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
    captured
}

#[tokio::test]
async fn a_test_sees_its_own_spans() {
    let captured = serve_once().await;
    let server = captured.span("GET /dishes/{id}");
    assert_eq!(server.span_kind, SpanKind::Server);
    assert_eq!(server.parent_span_id, SpanId::INVALID);
    assert!(matches!(server.status, Status::Error { .. }));
    let trace = captured.trace(server.span_context.trace_id());
    assert_eq!(trace.len(), 2);
    assert_eq!(
        captured.span("look up").parent_span_id,
        server.span_context.span_id()
    );
}

#[tokio::test]
async fn a_test_sees_no_spans_of_another() {
    let captured = serve_once().await;
    assert_eq!(captured.spans().len(), 2);
}
