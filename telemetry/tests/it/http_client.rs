//! The client's side of HTTP: how calls fail, whom they are sent to, how often, and how much of the answer is read.

use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use opentelemetry::trace::Status;
use telemetry::http::{ClientLayer, ResendLayer};
use telemetry::signals::HTTP_CLIENT_REQUEST_DURATION;
use telemetry::test::{Span, capture};
use tokio::net::TcpListener;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

use crate::harness::{plain_client, serve};

/// The error of an application that wraps another one.
#[derive(Debug, thiserror::Error)]
#[error("the pantry is away")]
struct PantryError(#[source] Box<dyn Error + Send + Sync>);

fn request(uri: &str) -> Request<Full<Bytes>> {
    Request::get(uri).body(Full::default()).unwrap()
}

fn error_type(span: &Span) -> String {
    let error_type = span.attribute("error.type");
    error_type.map(ToString::to_string).unwrap_or_default()
}

/// An address at which nobody listens.
async fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

/// An address whose server takes connections and never answers.
async fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    (listener, address)
}

#[tokio::test]
async fn a_refused_connection_a_failed_look_up_and_a_time_out_are_told_apart() {
    let captured = capture();
    let mut client = ClientLayer::new().layer(plain_client());
    assert!(client.call(request(&closed().await)).await.is_err());
    let unknown = request("http://no-such-host.invalid/");
    assert!(client.call(unknown).await.is_err());

    // An error in a box, as `tower::timeout` has it.
    let (_listener, address) = silent().await;
    let late = ServiceBuilder::new()
        .layer(ClientLayer::new())
        .timeout(Duration::from_millis(20))
        .service(plain_client());
    assert!(late.oneshot(request(&address)).await.is_err());

    let told: Vec<_> = captured.spans_named("GET").iter().map(error_type).collect();
    let expected = ["connection_refused", "name_not_resolved", "timeout"];
    assert_eq!(told, expected);
    for error_type in expected {
        let labels = [("error.type", error_type)];
        assert!(
            captured
                .metrics()
                .has(&HTTP_CLIENT_REQUEST_DURATION, &labels)
        );
    }
    for span in captured.spans_named("GET") {
        span.assert_error();
    }
}

#[tokio::test]
async fn the_cause_is_found_below_an_error_of_the_applications_own() {
    let captured = capture();
    let address = closed().await;
    let client = service_fn(async |request| {
        let answer = plain_client().request(request).await;
        answer.map_err(|error| PantryError(error.into()))
    });
    let client = ClientLayer::new().layer(client);
    assert!(client.oneshot(request(&address)).await.is_err());
    let span = captured.span("GET");
    assert_eq!(error_type(&span), "connection_refused");
}

#[tokio::test]
async fn what_an_error_says_of_a_url_is_told_without_its_query() {
    let captured = capture();
    for text in [
        "error sending request for url (http://127.0.0.1:1/x?token=hunter2)",
        "cannot reach https://ann:hunter2@shop.example/: closed",
        "password=hunter2 was refused",
        "Authorization: Bearer hunter2 was refused",
    ] {
        let client = service_fn(move |_: Request<Full<Bytes>>| {
            let failed = Err::<Response<Body>, _>(std::io::Error::other(text));
            std::future::ready(failed)
        });
        let client = ClientLayer::new().layer(client);
        let failed = client.oneshot(request("http://127.0.0.1:1/x?token=hunter2"));
        let error = failed.await.err().unwrap();
        tracing::error!(%error, "{text}");
    }
    assert_eq!(captured.spans_named("GET").len(), 4);
    for span in captured.spans() {
        assert!(matches!(span.status, Status::Error { .. }));
        assert!(!format!("{span:?}").contains("hunter2"), "{span:#?}");
    }
    assert_eq!(captured.logs().len(), 4);
    for line in captured.logs() {
        assert!(!format!("{line:?}").contains("hunter2"), "{line:#?}");
    }
}

#[tokio::test]
async fn a_body_that_comes_too_late_is_a_time_out_and_not_any_error() {
    let captured = capture();
    let late = std::io::Error::from(std::io::ErrorKind::TimedOut);
    let body = Body::from_stream(futures::stream::iter([Ok(Bytes::from("begun")), Err(late)]));
    let mut body = Some(body);
    let mut client = ClientLayer::new().layer(service_fn(move |_: Request<Full<Bytes>>| {
        std::future::ready(Ok::<_, Infallible>(Response::new(body.take().unwrap())))
    }));
    let response = client.call(request("http://shop.example/")).await.unwrap();
    response.into_body().collect().await.unwrap_err();
    assert_eq!(error_type(&captured.span("GET")), "timeout");
}

#[tokio::test]
async fn a_response_that_is_let_go_went_as_its_status_says_unless_somebody_waits_for_it() {
    let router = Router::new()
        .route("/long", get(async || "x".repeat(1 << 20)))
        .route(
            "/stuck",
            get(
                async || Body::from_stream(futures::stream::pending::<Result<Bytes, Infallible>>()),
            ),
        )
        .route(
            "/missing",
            get(async || (StatusCode::NOT_FOUND, "x".repeat(1 << 20))),
        );
    let address = serve(router).await;
    let captured = capture();
    let mut client = ClientLayer::new().layer(plain_client());
    let mut asked = async |path| {
        let asked = request(&format!("http://{address}{path}"));
        client.call(asked).await.unwrap()
    };
    // Unread, partly read, given up while it is waited for, and a failure that is not read either.
    drop(asked("/long").await);
    asked("/long")
        .await
        .body_mut()
        .frame()
        .await
        .unwrap()
        .unwrap();
    let mut stuck = asked("/stuck").await;
    let limit = Duration::from_millis(20);
    tokio::time::timeout(limit, stuck.body_mut().frame())
        .await
        .unwrap_err();
    drop(stuck);
    drop(asked("/missing").await);
    let spans = captured.spans_named("GET");
    let told: Vec<_> = spans.iter().map(error_type).collect();
    assert_eq!(told, ["", "", "cancelled", "404"]);
    let failed: Vec<_> = spans
        .iter()
        .map(|span| span.status != Status::Unset)
        .collect();
    assert_eq!(failed, [false, false, false, true]);
}

#[tokio::test]
async fn the_server_is_told_by_the_host_header_when_the_uri_does_not_and_without_brackets() {
    let captured = capture();
    let answer = async |_| Ok::<_, Infallible>(Response::new(Body::empty()));
    let client = ClientLayer::new().layer(service_fn(answer));
    for (uri, host, server, full) in [
        (
            "/ok",
            "shop.example",
            "shop.example:-",
            "http://shop.example/ok",
        ),
        (
            "/ok",
            "shop.example:81",
            "shop.example:81",
            "http://shop.example:81/ok",
        ),
        ("/ok", "[::1]:81", "::1:81", "http://[::1]:81/ok"),
        ("/ok", "a b", ":-", "/ok"),
        (
            "http://[::1]:8080/",
            "other.example",
            "::1:8080",
            "http://[::1]:8080/",
        ),
        (
            "https://shop.example/",
            "other.example",
            "shop.example:443",
            "https://shop.example/",
        ),
    ] {
        let request = Request::get(uri).header("host", host);
        let request: Request<Body> = request.body(Body::empty()).unwrap();
        let response = client.clone().oneshot(request).await.unwrap();
        drop(response);
        let span = captured.spans_named("GET").pop().unwrap();
        let text = |key| span.attribute(key).map(ToString::to_string);
        let port = text("server.port").unwrap_or_else(|| "-".to_owned());
        assert_eq!(
            format!("{}:{port}", text("server.address").unwrap()),
            server
        );
        assert_eq!(text("url.full").unwrap(), full);
    }
    let labels = [("server.address", "::1"), ("server.port", "8080")];
    assert!(
        captured
            .metrics()
            .has(&HTTP_CLIENT_REQUEST_DURATION, &labels)
    );
}

#[tokio::test]
async fn hosts_that_are_not_known_are_one_label_when_known_ones_are_named() {
    let captured = capture();
    let answer = async |_| Ok::<_, Infallible>(Response::new(Body::empty()));
    let layer = ClientLayer::new().known_hosts(&["shop.example"]);
    let client = layer.layer(service_fn(answer));
    for uri in [
        "http://shop.example/",
        "http://one.example/",
        "http://two.example:81/",
    ] {
        let request = Request::get(uri).body(Body::empty()).unwrap();
        drop(client.clone().oneshot(request).await.unwrap());
    }
    let has = |host| {
        let labels = [("server.address", host)];
        captured
            .metrics()
            .has(&HTTP_CLIENT_REQUEST_DURATION, &labels)
    };
    assert!(has("shop.example") && has("_OTHER"));
    assert!(!has("one.example") && !has("two.example"));
    let addresses: Vec<_> = captured
        .spans()
        .iter()
        .filter_map(|span| Some(span.attribute("server.address")?.to_string()))
        .collect();
    assert_eq!(addresses, ["shop.example", "one.example", "two.example"]);
}

#[tokio::test]
async fn each_attempt_after_the_first_says_how_many_there_were_before() {
    let captured = capture();
    let attempts = std::sync::Arc::new(std::sync::atomic::AtomicU16::new(0));
    let client = ClientLayer::new().layer(service_fn(move |_: Request<Full<Bytes>>| {
        let attempt = attempts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let status = if attempt % 3 == 2 { 200 } else { 503 };
        let response = Response::builder().status(status).body(Body::empty());
        std::future::ready(Ok::<_, Infallible>(response.unwrap()))
    }));
    // As `tower::retry` does it with a policy that clones the request.
    let retries = service_fn(move |request: Request<Full<Bytes>>| {
        let client = client.clone();
        async move {
            loop {
                let response = client.clone().oneshot(request.clone()).await?;
                if response.status().is_success() {
                    return Ok::<_, Infallible>(response);
                }
            }
        }
    });
    let client = ServiceBuilder::new().layer(ResendLayer).service(retries);
    for _ in 0..2 {
        let request = request("http://shop.example/");
        drop(client.clone().oneshot(request).await.unwrap());
    }
    let counts: Vec<_> = captured
        .spans_named("GET")
        .iter()
        .map(|span| {
            span.attribute("http.request.resend_count")
                .map(ToString::to_string)
        })
        .collect();
    let count = |text: &str| Some(text.to_owned());
    assert_eq!(
        counts,
        [None, count("1"), count("2"), None, count("1"), count("2")]
    );
}
