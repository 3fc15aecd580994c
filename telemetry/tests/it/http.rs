//! HTTP over real sockets: parents, ends, statuses, the trust boundary, streams.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::IntoResponse;
use axum::routing::{any, get};
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use opentelemetry::baggage::BaggageExt;
use telemetry::context::current_trace_id;
use telemetry::http::{ServerLayer, TrustPolicy};
use tokio::sync::{Notify, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tower::{Service, ServiceExt};

use crate::harness::{
    eventually, has_line, http_client, named, plain_client, run, series, serve, spans,
    spans_so_far, traced,
};
use crate::receiver::SpanKind;

fn request(address: std::net::SocketAddr, path: &str) -> Request<Full<Bytes>> {
    Request::get(format!("http://{address}{path}"))
        .header("user-agent", "it/1")
        .body(Full::default())
        .unwrap()
}

fn header<'a, B>(response: &'a Response<B>, name: &str) -> &'a str {
    response.headers().get(name).unwrap().to_str().unwrap()
}

/// A body that is fed by hand, and its feed.
fn fed_body() -> (mpsc::Sender<Result<Bytes, std::io::Error>>, Body) {
    let (feed, frames) = mpsc::channel(1);
    (feed, Body::from_stream(ReceiverStream::new(frames)))
}

#[test]
fn a_request_goes_on_in_the_trace_of_its_caller() {
    run(async {
        let router = Router::new()
            .route(
                "/dishes/{id}",
                get(async |Path(id): Path<String>| tracing::info_span!("look up").in_scope(|| id)),
            )
            .layer(ServerLayer::new());
        let address = serve(router).await;
        let (trace, response) = traced(async {
            let response = http_client().call(request(address, "/dishes/7?secret=1"));
            let response = response.await.unwrap();
            assert_eq!(header(&response, "x-trace-id"), current_trace_id().unwrap());
            response.into_body().collect().await.unwrap().to_bytes()
        })
        .await;
        assert_eq!(response, "7");
        let spans = spans(&trace, |spans| spans.len() == 4).await;
        let (root, client) = (named(&spans, "root"), named(&spans, "GET"));
        let server = named(&spans, "GET /dishes/{id}");
        assert_eq!(client.parent(), root.id());
        assert_eq!(client.kind(), SpanKind::Client);
        assert_eq!(client.attribute("http.response.status_code"), "200");
        assert_eq!(
            client.attribute("url.full"),
            format!("http://{address}/dishes/7"),
            "a query may hold secrets"
        );
        assert_eq!(server.parent(), client.id());
        assert_eq!(server.kind(), SpanKind::Server);
        for (key, value) in [
            ("http.request.method", "GET"),
            ("http.route", "/dishes/{id}"),
            ("http.response.status_code", "200"),
            ("url.path", "/dishes/7"),
            ("url.scheme", "http"),
            ("server.address", "127.0.0.1"),
            ("server.port", &address.port().to_string()),
            ("user_agent.original", "it/1"),
            ("network.protocol.version", "1.1"),
            ("error.type", ""),
        ] {
            assert_eq!(server.attribute(key), value, "{key}");
        }
        assert!(!server.is_error() && !client.is_error());
        assert_eq!(named(&spans, "look up").parent(), server.id());
        assert_eq!(
            series(
                "http_server_request_duration_seconds_count{http_request_method=\"GET\",\
                 http_route=\"/dishes/{id}\",http_response_status_code=\"200\",error_type=\"\"}"
            ),
            Some(1.0)
        );
    });
}

#[test]
fn baggage_travels_and_is_there_in_the_handler() {
    run(async {
        let router = Router::new()
            .route(
                "/baggage",
                get(async || {
                    let context = opentelemetry::Context::current();
                    let tenant = context.baggage().get("tenant").map(ToString::to_string);
                    tenant.unwrap_or_default()
                }),
            )
            .layer(ServerLayer::new());
        let address = serve(router).await;
        let mut request = request(address, "/baggage");
        request
            .headers_mut()
            .insert("baggage", "tenant=mapo".parse().unwrap());
        let response = plain_client().request(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "mapo");
    });
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
        let active = "http_server_active_requests{http_request_method=\"QUERY\"}";
        let (trace, ()) = traced(async {
            let mut request = request(address, "/cancelled");
            *request.method_mut() = http::Method::from_bytes(b"QUERY").unwrap();
            let mut response = std::pin::pin!(http_client().call(request));
            tokio::select! {
                _ = &mut response => panic!("nobody answers"),
                () = reached.notified() => {}
            }
            assert_eq!(series(active), Some(1.0));
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let server = named(&spans, "QUERY /cancelled");
        assert_eq!(server.attribute("error.type"), "cancelled");
        assert_eq!(server.attribute("http.response.status_code"), "");
        assert!(!server.is_error(), "the server has done nothing wrong");
        assert_eq!(named(&spans, "QUERY").attribute("error.type"), "cancelled");
        assert_eq!(series(active), Some(0.0));
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
fn only_a_failure_of_the_server_marks_its_span_and_either_marks_the_clients() {
    run(async {
        let router = Router::new()
            .route("/503", get(async || StatusCode::SERVICE_UNAVAILABLE))
            .route("/422", get(async || StatusCode::UNPROCESSABLE_ENTITY))
            .layer(ServerLayer::new());
        let address = serve(router).await;
        for (path, server_name, status, server_fails) in [
            ("/503", "GET /503", "503", true),
            ("/422", "GET /422", "422", false),
            // No route, so no template: the path must not become a name.
            ("/nowhere/4711", "GET", "404", false),
        ] {
            let (trace, ()) = traced(async {
                let response = http_client().call(request(address, path)).await.unwrap();
                response.into_body().collect().await.unwrap();
            })
            .await;
            let spans = spans(&trace, |spans| spans.len() == 3).await;
            let of_kind = |kind| spans.iter().find(|span| span.kind() == kind).unwrap();
            let (server, client) = (of_kind(SpanKind::Server), of_kind(SpanKind::Client));
            assert_eq!(server.name(), server_name);
            assert_eq!(server.attribute("http.response.status_code"), status);
            assert_eq!(server.is_error(), server_fails, "{path}");
            assert_eq!(client.attribute("error.type"), status);
            assert!(client.is_error());
        }
        assert!(!has_line(&["nowhere"]), "a path became a label");
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
                get(async || -> String { panic!("provoked by a test") }),
            )
            .layer(ServerLayer::new());
        let address = serve(router).await;
        let (trace, ()) = traced(async {
            let answer = http_client().call(request(address, "/panics")).await;
            assert!(answer.is_err());
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let server = named(&spans, "GET /panics");
        assert_eq!(server.attribute("error.type"), "panic");
        assert!(server.is_error());
        assert_eq!(
            named(&spans, "GET").attribute("error.type"),
            "connection_error"
        );
    });
}

#[test]
fn an_event_stream_counts_as_open_and_not_as_slow_and_leaving_it_is_no_error() {
    run(async {
        let (feed, body) = fed_body();
        let body = Arc::new(std::sync::Mutex::new(Some(body)));
        let events = async move || {
            let body = body.lock().unwrap().take().unwrap();
            let kind = [("content-type", "text/event-stream; charset=utf-8")];
            (kind, body).into_response()
        };
        let router = Router::new()
            .route("/events", get(events))
            .layer(ServerLayer::new());
        let address = serve(router).await;
        let open = "http_server_open_streams{http_route=\"/events\"}";
        let (trace, ()) = traced(async {
            let response = http_client()
                .call(request(address, "/events"))
                .await
                .unwrap();
            assert_eq!(series(open), Some(1.0));
            drop(response);
            // The server learns of it when it next writes.
            eventually(async || feed.send(Ok(Bytes::from("data: 1\n\n"))).await.is_err())
                .await
                .unwrap();
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let server = named(&spans, "GET /events");
        assert_eq!(server.attribute("error.type"), "");
        assert!(!server.is_error());
        assert_eq!(series(open), Some(0.0));
        assert!(!has_line(&[
            "server_request_duration_seconds_count",
            "/events"
        ]));
    });
}

#[test]
fn at_a_boundary_a_strangers_context_is_a_link_and_a_trusted_one_the_parent() {
    run(async {
        let router = Router::new()
            .route(
                "/edge",
                get(async || {
                    let context = opentelemetry::Context::current();
                    context.baggage().len().to_string()
                }),
            )
            .layer(
                ServerLayer::new().trust(TrustPolicy::Boundary(Arc::new(|headers| {
                    headers.contains_key("x-credential")
                }))),
            );
        let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let call = async |flags: &str, credential: bool| {
            let mut request = Request::get("/edge")
                .header("traceparent", format!("00-{trace}-{parent}-{flags}"))
                .header("baggage", "tenant=mapo")
                .body(Body::empty())
                .unwrap();
            if credential {
                request
                    .headers_mut()
                    .insert("x-credential", "1".parse().unwrap());
            }
            let response = router.clone().oneshot(request).await.unwrap();
            let id = header(&response, "x-trace-id").to_owned();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            (id, body)
        };

        let (id, baggage) = call("01", false).await;
        assert_ne!(id, trace);
        assert_eq!(baggage, "0");
        let stranger = spans(&id, |spans| spans.len() == 1).await;
        assert_eq!(stranger[0].parent(), "");
        assert_eq!(stranger[0].links(), [(trace.to_owned(), parent.to_owned())]);

        // Nor can a stranger keep a request out of the traces.
        let (id, _) = call("00", false).await;
        spans(&id, |spans| spans.len() == 1).await;

        let (id, baggage) = call("01", true).await;
        assert_eq!(id, trace);
        assert_eq!(baggage, "1");
        let trusted = spans(&id, |spans| spans.len() == 1).await;
        assert_eq!(trusted[0].parent(), parent);
        assert_eq!(trusted[0].links(), []);

        let (id, _) = call("00", true).await;
        assert_eq!(id, trace);
        assert_eq!(
            spans_so_far(trace).await.len(),
            1,
            "a trusted caller's decision not to sample holds"
        );
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
