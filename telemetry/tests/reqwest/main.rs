//! The middleware for reqwest, against servers on loopback.

#![allow(clippy::unwrap_used, missing_docs)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Redirect;
use axum::routing::{any, get};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use reqwest::redirect::Policy;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error};
use telemetry::http::ServerLayer;
use telemetry::http::reqwest::{Middleware, Redirects};
use telemetry::signals::HTTP_CLIENT_REQUEST_DURATION;
use telemetry::test::{Span, capture};
use tokio::net::TcpListener;

/// Tries again until the answer is a success, as reqwest-retry does.
struct Retries;
#[async_trait::async_trait]
impl reqwest_middleware::Middleware for Retries {
    async fn handle(
        &self,
        request: reqwest::Request,
        extensions: &mut http::Extensions,
        next: reqwest_middleware::Next<'_>,
    ) -> reqwest_middleware::Result<reqwest::Response> {
        loop {
            let copy = request.try_clone().unwrap();
            let response = next.clone().run(copy, extensions).await?;
            if response.status().is_success() {
                return Ok(response);
            }
        }
    }
}

fn client() -> ClientWithMiddleware {
    let client = reqwest::Client::builder().no_proxy();
    ClientBuilder::new(client.build().unwrap())
        .with(Middleware::new())
        .build()
}

/// A client whose redirects are followed above the middleware.
fn following() -> ClientWithMiddleware {
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(Policy::none());
    ClientBuilder::new(client.build().unwrap())
        .with(Redirects)
        .with(Middleware::new())
        .build()
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn text(span: &Span, key: &str) -> String {
    span.attribute(key)
        .map(ToString::to_string)
        .unwrap_or_default()
}

#[tokio::test]
async fn a_request_sends_its_context_and_its_span_ends_with_the_body() {
    let captured = capture();
    let router = Router::new()
        .route("/dishes/{id}", get(async || "bibimbap"))
        .layer(ServerLayer::new());
    let address = serve(router).await;
    let url = format!("http://{address}/dishes/7?token=hunter2");
    let response = client().get(&url).send().await.unwrap();
    assert_eq!(response.url().as_str(), url);
    assert_eq!(response.content_length(), Some(8));
    assert!(
        captured.spans_named("GET").is_empty(),
        "the body has not ended"
    );
    assert_eq!(response.text().await.unwrap(), "bibimbap");
    let sent = captured.span("GET");
    captured.span("GET /dishes/{id}").assert_child_of(&sent);
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("network.protocol.version", "1.1"),
        ("server.address", "127.0.0.1"),
        ("server.port", &address.port().to_string()),
        ("url.full", &format!("http://{address}/dishes/7")),
        ("http.request.resend_count", ""),
        ("error.type", ""),
    ] {
        assert_eq!(text(&sent, key), value, "{key}");
    }
    assert!(!format!("{sent:?}").contains("hunter2"), "{sent:#?}");
}

#[tokio::test]
async fn failures_are_told_apart_and_quote_no_query() {
    let captured = capture();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let stuck = async || Body::from_stream(futures::stream::pending::<Result<Bytes, Error>>());
    let router = Router::new()
        .route("/503", get(async || StatusCode::SERVICE_UNAVAILABLE))
        .route("/stuck", get(stuck));
    let address = serve(router).await;
    for (url, error_type) in [
        (format!("http://{closed}/x"), "connection_refused"),
        (
            "http://no-such-host.invalid/x".to_owned(),
            "name_not_resolved",
        ),
        (
            format!("http://{}/x", silent.local_addr().unwrap()),
            "timeout",
        ),
        (format!("http://{address}/stuck"), "timeout"),
        (format!("http://{address}/503"), "503"),
    ] {
        let sent = client()
            .get(format!("{url}?token=hunter2"))
            .timeout(Duration::from_millis(300))
            .send();
        match sent.await {
            Ok(response) => drop(response.bytes().await),
            Err(error) => assert!(error.to_string().contains("hunter2"), "reqwest quotes it"),
        }
        let span = captured.spans_named("GET").pop().unwrap();
        assert_eq!(text(&span, "error.type"), error_type, "{url}");
        span.assert_error();
        assert!(!format!("{span:?}").contains("hunter2"), "{span:#?}");
        let labels = [("error.type", error_type)];
        assert!(
            captured
                .metrics()
                .has(&HTTP_CLIENT_REQUEST_DURATION, &labels)
        );
    }
}

#[tokio::test]
async fn a_response_that_is_not_read_is_a_success_and_a_head_has_no_body() {
    let captured = capture();
    let address = serve(Router::new().route("/", any(async || "x".repeat(1 << 20)))).await;
    drop(
        client()
            .get(format!("http://{address}/"))
            .send()
            .await
            .unwrap(),
    );
    drop(
        client()
            .head(format!("http://{address}/"))
            .send()
            .await
            .unwrap(),
    );
    for name in ["GET", "HEAD"] {
        assert_eq!(text(&captured.span(name), "error.type"), "");
    }
}

#[tokio::test]
async fn each_attempt_of_a_retry_above_has_a_span_with_its_number() {
    let captured = capture();
    let attempts = Arc::new(AtomicU16::new(0));
    let handler = async move || match attempts.fetch_add(1, Ordering::Relaxed) {
        2 => StatusCode::OK,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let address = serve(Router::new().route("/", get(handler))).await;
    let plain = reqwest::Client::builder().no_proxy().build().unwrap();
    let client = ClientBuilder::new(plain)
        .with(Retries)
        .with(Middleware::new())
        .build();
    drop(
        client
            .get(format!("http://{address}/"))
            .send()
            .await
            .unwrap(),
    );
    let spans = captured.spans_named("GET");
    let counts: Vec<_> = spans
        .iter()
        .map(|span| text(span, "http.request.resend_count"))
        .collect();
    assert_eq!(counts, ["", "1", "2"]);
}

#[tokio::test]
async fn redirects_are_one_span_each_and_the_server_goes_on_from_the_last() {
    let captured = capture();
    let router = Router::new()
        .route(
            "/one",
            get(async || Redirect::temporary("/two?token=hunter2")),
        )
        .route("/two", get(async || Redirect::permanent("three")))
        .route("/three", get(async || "arrived"))
        .layer(ServerLayer::new());
    let address = serve(router).await;
    let response = following()
        .get(format!("http://{address}/one"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.url().path(), "/three");
    assert_eq!(response.text().await.unwrap(), "arrived");
    let spans = captured.spans_named("GET");
    let told: Vec<_> = spans
        .iter()
        .map(|span| {
            text(span, "http.request.resend_count") + &text(span, "http.response.status_code")
        })
        .collect();
    assert_eq!(told, ["307", "1308", "2200"]);
    for (sent, path) in spans.iter().zip(["one", "two", "three"]) {
        captured.span(&format!("GET /{path}")).assert_child_of(sent);
    }
}

#[tokio::test]
async fn a_redirect_keeps_credentials_from_other_servers_and_a_303_has_no_body() {
    let _captured = capture();
    let seen = async |headers: HeaderMap, body: Bytes| {
        let has = |name| headers.contains_key(name);
        format!(
            "{} {} {}",
            has("authorization"),
            has("content-type"),
            body.len()
        )
    };
    let other = serve(Router::new().route("/seen", any(seen))).await;
    let elsewhere = async move || Redirect::temporary(&format!("http://{other}/seen"));
    let router = Router::new()
        .route("/elsewhere", any(elsewhere))
        .route("/303", any(async || Redirect::to("/seen")))
        .route("/307", any(async || Redirect::temporary("/seen")))
        .route("/round", any(async || Redirect::temporary("/round")))
        .route(
            "/file",
            any(async || Redirect::temporary("file:///etc/passwd")),
        )
        .route("/seen", any(seen));
    let address = serve(router).await;
    let post = async |path| {
        let request = following().post(format!("http://{address}{path}"));
        let request = request
            .header("authorization", "x")
            .header("content-type", "text/plain");
        request.body("body").send().await
    };
    let answer = async |path| post(path).await.unwrap().text().await.unwrap();
    assert_eq!(answer("/307").await, "true true 4");
    assert_eq!(answer("/303").await, "true false 0");
    assert_eq!(answer("/elsewhere").await, "false true 4");
    assert_eq!(post("/file").await.unwrap().status(), 307);
    let error = post("/round").await.unwrap_err();
    assert!(error.to_string().contains("more than 10 times"), "{error}");
}

#[tokio::test]
async fn the_example_sends_its_context_and_prints_the_answer() {
    let seen = async |headers: HeaderMap| headers.contains_key("traceparent").to_string();
    let address = serve(Router::new().route("/", get(seen))).await;
    let tests = std::env::current_exe().unwrap();
    let example = tests.ancestors().nth(2).unwrap().join("examples/reqwest");
    let run = move || {
        std::process::Command::new(example)
            .arg(format!("http://{address}/"))
            .env("OTEL_TRACES_EXPORTER", "none")
            .output()
    };
    let output = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}");
    assert!(
        printed.contains("200 OK") && printed.contains("true"),
        "{printed}"
    );
}
