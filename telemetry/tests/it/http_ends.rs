//! The ends of HTTP responses: complete, left, broken, panicked, streamed, and each of them once.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use telemetry::context::current_trace_id;
use telemetry::http::ServerLayer;
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tower::Service;

use crate::harness::{
    has_line, http_client, named, run, sample, serve, spans, spans_so_far, traced,
};
use crate::http::request;

/// A body that is fed by hand, and its feed.
fn fed_body() -> (mpsc::Sender<Result<Bytes, std::io::Error>>, Body) {
    let (feed, frames) = mpsc::channel(1);
    (feed, Body::from_stream(ReceiverStream::new(frames)))
}

#[test]
fn a_server_span_ends_with_the_body_and_not_with_the_head() {
    run(async {
        let (feed, body) = fed_body();
        let body = Arc::new(std::sync::Mutex::new(Some(body)));
        let router = Router::new()
            .route(
                "/slow-body",
                get(async move || body.lock().unwrap().take().unwrap()),
            )
            .layer(ServerLayer::new());
        let address = serve(router).await;
        let (trace, ()) = traced(async {
            let mut response = http_client()
                .call(request(address, "/slow-body"))
                .await
                .unwrap();
            feed.send(Ok(Bytes::from("half"))).await.unwrap();
            response.body_mut().frame().await.unwrap().unwrap();
            let trace = current_trace_id().unwrap();
            assert_eq!(spans_so_far(&trace).await, [], "the body has not ended");
            assert!(!has_line(&["request_duration_seconds_count", "/slow-body"]));
            drop(feed);
            assert!(response.body_mut().frame().await.is_none());
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let server = named(&spans, "GET /slow-body");
        assert_eq!(server.attribute("error.type"), "");
        assert!(has_line(&["request_duration_seconds_count", "/slow-body"]));
    });
}

#[test]
fn a_request_whose_caller_leaves_is_recorded_as_cancelled_and_leaks_no_gauge() {
    run(async {
        let reached = Arc::new(Notify::new());
        let reach = Arc::clone(&reached);
        let router = Router::new()
            .route(
                "/cancelled",
                any(async move || {
                    reach.notify_one();
                    std::future::pending::<()>().await;
                }),
            )
            .layer(ServerLayer::new());
        let address = serve(router).await;
        let active = || {
            let labels = ["http_request_method=\"QUERY\"", "url_scheme=\"http\""];
            sample("http_server_active_requests", &labels)
        };
        let (trace, ()) = traced(async {
            let mut request = request(address, "/cancelled");
            *request.method_mut() = http::Method::from_bytes(b"QUERY").unwrap();
            let mut response = std::pin::pin!(http_client().call(request));
            tokio::select! {
                _ = &mut response => panic!("nobody answers"),
                () = reached.notified() => {}
            }
            assert_eq!(active(), Some(1.0));
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let server = named(&spans, "QUERY /cancelled");
        assert_eq!(server.attribute("error.type"), "cancelled");
        assert_eq!(server.attribute("http.response.status_code"), "");
        assert!(!server.is_error(), "the server has done nothing wrong");
        assert_eq!(named(&spans, "QUERY").attribute("error.type"), "cancelled");
        assert_eq!(active(), Some(0.0));
        assert!(has_line(&[
            "duration_seconds_count",
            "/cancelled",
            "cancelled"
        ]));
    });
}

#[test]
fn a_body_that_nobody_reads_to_its_end_is_cancelled_and_one_that_fails_is_an_error() {
    run(async {
        let (feed, body) = fed_body();
        let broken = Arc::new(std::sync::Mutex::new(Some(body)));
        let router = Router::new()
            .route(
                "/endless",
                get(async || {
                    let zeros = futures::stream::repeat_with(|| {
                        Ok::<_, Infallible>(Bytes::from_static(&[0; 4096]))
                    });
                    Body::from_stream(zeros)
                }),
            )
            .route(
                "/broken",
                get(async move || broken.lock().unwrap().take().unwrap()),
            )
            .layer(ServerLayer::new());
        let address = serve(router).await;
        let (trace, ()) = traced(async {
            let endless = http_client().call(request(address, "/endless")).await;
            drop(endless.unwrap());
            feed.send(Ok(Bytes::from("begun"))).await.unwrap();
            let broken = http_client().call(request(address, "/broken")).await;
            let mut body = broken.unwrap().into_body();
            body.frame().await.unwrap().unwrap();
            let error = std::io::Error::other("disk on fire");
            feed.send(Err(error)).await.unwrap();
            assert!(body.frame().await.unwrap().is_err());
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 5).await;
        let endless = named(&spans, "GET /endless");
        assert_eq!(endless.attribute("error.type"), "cancelled");
        assert!(!endless.is_error());
        let broken = named(&spans, "GET /broken");
        assert_eq!(broken.attribute("error.type"), "body_error");
        assert!(broken.is_error());
        let clients = spans.iter().filter(|span| span.name() == "GET");
        assert_eq!(clients.filter(|span| span.is_error()).count(), 1);
    });
}

#[test]
fn a_response_without_a_body_is_no_cancelled_one() {
    run(async {
        let router = Router::new()
            .route("/bodiless", any(async || ([("x", "y")], "text")))
            .route("/none", get(async || StatusCode::NO_CONTENT))
            .layer(ServerLayer::new());
        let address = serve(router).await;
        let (trace, ()) = traced(async {
            let mut head = request(address, "/bodiless");
            *head.method_mut() = http::Method::HEAD;
            for request in [head, request(address, "/none")] {
                let response = http_client().call(request).await.unwrap();
                response.into_body().collect().await.unwrap();
            }
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 5).await;
        for span in &spans {
            assert_eq!(span.attribute("error.type"), "", "{span:#?}");
        }
    });
}

#[test]
fn a_panic_in_a_handler_is_an_error_of_its_span() {
    run(async {
        let router = Router::new()
            .route(
                "/panics",
                any(async || -> String { panic!("provoked by a test") }),
            )
            .layer(ServerLayer::new());
        let address = serve(router).await;
        let (trace, ()) = traced(async {
            let mut request = request(address, "/panics");
            *request.method_mut() = http::Method::TRACE;
            let answer = http_client().call(request).await;
            assert!(answer.is_err());
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let server = named(&spans, "TRACE /panics");
        assert_eq!(server.attribute("error.type"), "panic");
        assert!(server.is_error());
        assert_eq!(
            named(&spans, "TRACE").attribute("error.type"),
            "connection_error"
        );
        let labels = ["http_route=\"/panics\"", "error_type=\"panic\""];
        let counted = sample("http_server_request_duration_seconds_count", &labels);
        assert_eq!(counted, Some(1.0));
        let active = sample(
            "http_server_active_requests",
            &["http_request_method=\"TRACE\""],
        );
        assert_eq!(active, Some(0.0));
    });
}

#[test]
fn a_request_does_not_last_as_long_as_a_task_that_it_spawned() {
    run(async {
        let go = Arc::new(Notify::new());
        let wait = Arc::clone(&go);
        let router = Router::new()
            .route(
                "/spawns",
                get(async move || {
                    telemetry::context::spawn(async move {
                        wait.notified().await;
                        tracing::info_span!("afterwards").in_scope(|| {});
                    });
                }),
            )
            .layer(ServerLayer::new());
        let address = serve(router).await;
        let (trace, ()) = traced(async {
            http_client()
                .call(request(address, "/spawns"))
                .await
                .unwrap();
        })
        .await;
        let before = spans(&trace, |spans| spans.len() == 3).await;
        let server = named(&before, "GET /spawns").clone();
        go.notify_one();
        let after = spans(&trace, |spans| spans.len() == 4).await;
        assert_eq!(named(&after, "afterwards").parent(), server.id());
        assert_eq!(named(&after, "GET /spawns"), &server, "it ended only once");
    });
}
