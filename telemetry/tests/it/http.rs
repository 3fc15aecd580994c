//! HTTP over real sockets: parents, attributes, statuses, the trust boundary.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use opentelemetry::baggage::BaggageExt;
use telemetry::context::current_trace_id;
use telemetry::http::{ServerLayer, TrustPolicy};
use tower::{Service, ServiceExt};

use crate::harness::{
    has_line, http_client, named, plain_client, run, sample, serve, spans, spans_so_far, traced,
};
use crate::receiver::SpanKind;

pub fn request(address: std::net::SocketAddr, path: &str) -> Request<Full<Bytes>> {
    Request::get(format!("http://{address}{path}"))
        .header("user-agent", "it/1")
        .body(Full::default())
        .unwrap()
}

fn header<'a, B>(response: &'a Response<B>, name: &str) -> &'a str {
    response.headers().get(name).unwrap().to_str().unwrap()
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
            sample(
                "http_server_request_duration_seconds_count",
                &[
                    "http_request_method=\"GET\"",
                    "url_scheme=\"http\"",
                    "http_route=\"/dishes/{id}\"",
                    "http_response_status_code=\"200\"",
                    "network_protocol_version=\"1.1\"",
                    "error_type=\"\"",
                ]
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
