//! Whom a request comes from and how, behind proxies that are trusted and others.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use http::Request;
use telemetry::http::{ServerLayer, TrustedProxies};
use telemetry::signals::HTTP_SERVER_REQUEST_DURATION;
use telemetry::test::capture;
use tower::ServiceExt;

#[tokio::test]
async fn forwarding_headers_count_from_a_trusted_proxy_and_from_nobody_else() {
    let proxies = TrustedProxies::x_forwarded(["10.0.0.0/8"]).unwrap();
    let trusting = ServerLayer::new().client_address().trusted_proxies(proxies);
    for (layer, peer, client, scheme, server, port) in [
        (
            trusting.clone(),
            "10.0.0.1:4711",
            "192.0.2.7",
            "https",
            "shop.example",
            "8443",
        ),
        (
            trusting.clone(),
            "192.0.2.9:4711",
            "192.0.2.9",
            "http",
            "inner.example",
            "80",
        ),
        (
            ServerLayer::new().client_address(),
            "10.0.0.1:4711",
            "10.0.0.1",
            "http",
            "inner.example",
            "80",
        ),
    ] {
        let captured = capture();
        let peer: SocketAddr = peer.parse().unwrap();
        let request = Request::get("/")
            .header("host", "inner.example:80")
            .header("x-forwarded-for", "198.51.100.1, 192.0.2.7")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "shop.example:8443")
            .extension(ConnectInfo(peer))
            .body(Body::empty())
            .unwrap();
        let router = Router::new().fallback(async || "x").layer(layer);
        drop(router.oneshot(request).await.unwrap());
        let span = captured.span("GET");
        let text = |key| {
            span.attribute(key)
                .map(ToString::to_string)
                .unwrap_or_default()
        };
        assert_eq!(text("client.address"), client);
        assert_eq!(text("network.peer.address"), peer.ip().to_string());
        assert_eq!(text("url.scheme"), scheme);
        assert_eq!(text("server.address"), server);
        assert_eq!(text("server.port"), port);
        assert!(
            captured
                .metrics()
                .has(&HTTP_SERVER_REQUEST_DURATION, &[("url.scheme", scheme)])
        );
    }
}

#[tokio::test]
async fn the_servers_ipv6_address_has_no_brackets() {
    let router = Router::new()
        .fallback(async || "x")
        .layer(ServerLayer::new());
    for (uri, host) in [
        ("/", "[2001:db8::1]:81"),
        ("http://[2001:db8::1]:81/", "other.example"),
    ] {
        let captured = capture();
        let request = Request::get(uri).header("host", host);
        let request = request.body(Body::empty()).unwrap();
        drop(router.clone().oneshot(request).await.unwrap());
        let span = captured.span("GET");
        span.assert_attribute("server.address", "2001:db8::1");
        span.assert_attribute("server.port", 81);
    }
}
