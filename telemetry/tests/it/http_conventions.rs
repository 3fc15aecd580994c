//! What the spans and metrics of HTTP say, as the conventions want it, and what they say only when asked to.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use http::header::HeaderName;
use http::{Method, Request};
use http_body_util::BodyExt;
use telemetry::http::{ClientLayer, ServerLayer};
use tower::{Service, ServiceExt};

use crate::harness::{
    has_line, http_client, named, plain_client, run, sample, serve, spans, traced,
};
use crate::http::request;
use crate::receiver::{Span, SpanKind};

/// Sends a request through a router, and returns the server's span.
async fn served(router: &Router, request: Request<Body>) -> Span {
    let response = router.clone().oneshot(request).await.unwrap();
    let trace = response.headers()["x-trace-id"]
        .to_str()
        .unwrap()
        .to_owned();
    response.into_body().collect().await.unwrap();
    spans(&trace, |spans| spans.len() == 1).await.remove(0)
}

fn to(path: &str) -> http::request::Builder {
    Request::get(path)
}

#[test]
fn a_query_is_recorded_only_when_asked_for_and_never_with_its_signatures() {
    run(async {
        let router = Router::new().route("/asked", get(async || "x"));
        let asked = || {
            to("/asked?color=blue&sig=TOPSECRET")
                .body(Body::empty())
                .unwrap()
        };
        let silent = served(&router.clone().layer(ServerLayer::new()), asked()).await;
        assert_eq!(silent.attribute("url.query"), "");
        let telling = served(&router.layer(ServerLayer::new().query()), asked()).await;
        assert_eq!(telling.attribute("url.query"), "color=blue&sig=REDACTED");
        for span in [silent, telling] {
            assert!(!format!("{span:?}").contains("TOPSECRET"), "{span:#?}");
        }
    });
}

#[test]
fn a_client_tells_neither_credentials_nor_signatures() {
    run(async {
        let address = serve(Router::new().route("/signed", get(async || "x"))).await;
        let mut asked = request(address, "/signed?color=blue&sig=TOPSECRET");
        *asked.uri_mut() =
            format!("http://ann:TOPSECRET@{address}/signed?color=blue&sig=TOPSECRET")
                .parse()
                .unwrap();
        let (trace, ()) = traced(async {
            let mut client = ClientLayer::new().query().layer(plain_client());
            let response = client.call(asked).await.unwrap();
            response.into_body().collect().await.unwrap();
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let client = named(&spans, "GET");
        assert_eq!(
            client.attribute("url.full"),
            format!("http://REDACTED:REDACTED@{address}/signed?color=blue&sig=REDACTED")
        );
        assert_eq!(client.attribute("server.address"), "127.0.0.1");
        assert_eq!(client.attribute("server.port"), address.port().to_string());
        assert!(!format!("{client:?}").contains("TOPSECRET"), "{client:#?}");
    });
}

#[test]
fn only_the_headers_of_the_list_are_recorded() {
    run(async {
        let layer = ServerLayer::new().request_headers([HeaderName::from_static("x-shard")]);
        let router = Router::new()
            .route("/sharded", get(async || "x"))
            .layer(layer);
        let asked = to("/sharded")
            .header("x-shard", "seven")
            .header("x-shard", "eight")
            .header("authorization", "Bearer TOPSECRET")
            .body(Body::empty())
            .unwrap();
        let span = served(&router, asked).await;
        let shards = span.attribute("http.request.header.x-shard");
        assert!(
            shards.contains("seven") && shards.contains("eight"),
            "{shards}"
        );
        assert!(!format!("{span:?}").contains("TOPSECRET"), "{span:#?}");
    });
}

#[test]
fn the_peer_is_recorded_only_when_asked_for_and_never_by_what_headers_claim() {
    run(async {
        let router = Router::new().route("/peer", get(async || "x"));
        let asked = || {
            let peer: SocketAddr = "192.0.2.7:4711".parse().unwrap();
            to("/peer")
                .header("x-forwarded-for", "198.51.100.1")
                .extension(ConnectInfo(peer))
                .body(Body::empty())
                .unwrap()
        };
        let silent = served(&router.clone().layer(ServerLayer::new()), asked()).await;
        assert!(!format!("{silent:?}").contains("192.0.2.7"), "{silent:#?}");
        let telling = served(&router.layer(ServerLayer::new().client_address()), asked()).await;
        for (key, value) in [
            ("client.address", "192.0.2.7"),
            ("network.peer.address", "192.0.2.7"),
            ("network.peer.port", "4711"),
        ] {
            assert_eq!(telling.attribute(key), value, "{key}");
        }
        assert!(!format!("{telling:?}").contains("198.51.100.1"));
    });
}

#[test]
fn the_sizes_of_bodies_are_measured_when_asked_for() {
    run(async {
        let routes = Router::new()
            .route("/sized", post(async |body: String| body + "!"))
            .route("/unsized", post(async |body: String| body));
        let asked = |path: &str| {
            Request::post(path)
                .header("content-length", "5")
                .body(Body::from("12345"))
                .unwrap()
        };
        let measuring = routes.clone().layer(ServerLayer::new().body_sizes());
        let span = served(&measuring, asked("/sized")).await;
        assert_eq!(span.attribute("http.request.body.size"), "5");
        assert_eq!(span.attribute("http.response.body.size"), "6");
        let route = ["http_route=\"/sized\"", "http_request_method=\"POST\""];
        for (side, bytes) in [("request", 5.0), ("response", 6.0)] {
            let name = format!("http_server_{side}_body_size_bytes");
            assert_eq!(sample(&format!("{name}_sum"), &route), Some(bytes));
            assert_eq!(sample(&format!("{name}_count"), &route), Some(1.0));
        }
        let span = served(&routes.layer(ServerLayer::new()), asked("/unsized")).await;
        assert_eq!(span.attribute("http.response.body.size"), "");
        assert!(!has_line(&["body_size", "/unsized"]));
    });
}

#[test]
fn a_path_that_is_skipped_makes_no_span_and_no_metric_and_works() {
    run(async {
        let router = Router::new()
            .route("/poll", get(async || "nothing new"))
            .layer(ServerLayer::new().skip(&["/poll"]));
        let address = serve(router).await;
        let (trace, body) = traced(async {
            let response = http_client().call(request(address, "/poll")).await.unwrap();
            assert_eq!(response.headers().get("x-trace-id"), None);
            response.into_body().collect().await.unwrap().to_bytes()
        })
        .await;
        assert_eq!(body, "nothing new");
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        assert!(spans.iter().all(|span| span.kind() != SpanKind::Server));
        assert!(!has_line(&["http_server", "/poll"]));
    });
}

#[test]
fn a_method_that_nobody_knows_is_other_in_names_and_labels() {
    run(async {
        let router = Router::new()
            .route("/brewed", axum::routing::any(async || "x"))
            .layer(ServerLayer::new());
        let address = serve(router).await;
        let (trace, ()) = traced(async {
            let mut brew = request(address, "/brewed");
            *brew.method_mut() = Method::from_bytes(b"BREW").unwrap();
            let response = http_client().call(brew).await.unwrap();
            response.into_body().collect().await.unwrap();
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        for span in [named(&spans, "HTTP /brewed"), named(&spans, "HTTP")] {
            assert_eq!(span.attribute("http.request.method"), "_OTHER");
            assert_eq!(span.attribute("http.request.method_original"), "BREW");
        }
        assert!(has_line(&[
            "http_server_request_duration",
            "/brewed",
            "\"_OTHER\""
        ]));
        assert!(!has_line(&["BREW"]));
    });
}
