//! The client against a gateway that refuses requests, streams events, or sends responses that cannot be read.

use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use chassis::headers::{IDEMPOTENCY_KEY, TRACE_ID};
use http::Method;
use loadtest::client::{AuctionState, Gateway, Session};
use serde_json::{Value, json};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn gateway(router: Router) -> Gateway {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Gateway::new(&address).expect("an address")
}

fn login() -> Router {
    Router::new().route(
        "/v1/sessions",
        post(async || {
            Json(json!({"token": "t0", "expires_at_ms": 0, "account": {
                "id": "a1", "email": "a@b.example", "name": "A", "role": "customer", "state": "open", "created_at_ms": 0
            }}))
        }),
    )
}

async fn session(router: Router) -> Session {
    gateway(login().merge(router))
        .await
        .log_in("a@b.example", "a password")
        .await
        .expect("a session")
}

fn auction(state: &str) -> Value {
    json!({
        "id": "x", "state": state, "opened_at_ms": 1, "deadline_ms": 2, "bid_count": 0, "eligible_restaurants": 3
    })
}

#[tokio::test]
async fn a_refusal_has_the_code_and_the_field_of_its_problem_document() {
    let refuse = async || {
        let problem = json!({
            "type": "/problems/auction.bid_too_high", "title": "Conflict", "status": 409,
            "detail": "too high", "code": "auction.bid_too_high", "field": "price"
        });
        (StatusCode::CONFLICT, [(TRACE_ID, TRACE)], Json(problem))
    };
    let session = session(Router::new().route("/v1/auctions/{id}/bids", post(refuse))).await;
    let error = session
        .place_bid("x", loadtest::client::Money::won(100))
        .await
        .expect_err("refused");
    assert_eq!(error.code(), "auction.bid_too_high");
    assert!(!error.is_failure(), "a refusal by a rule is not a failure");
    let problem = error.problem().expect("a problem document");
    assert_eq!(problem.field.as_deref(), Some("price"));
}

#[tokio::test]
async fn every_write_has_a_key_of_its_own_and_the_token_of_its_account() {
    let echo = async |headers: HeaderMap| {
        let of = |name: &str| {
            headers
                .get(name)
                .and_then(|it| it.to_str().ok())
                .map(str::to_owned)
        };
        Json(json!({"key": of(IDEMPOTENCY_KEY), "authorization": of("authorization")}))
    };
    let session = session(Router::new().route("/v1/webhook", post(echo))).await;
    let write = || session.write(Method::POST, "/v1/webhook").send::<Value>();
    let (first, second) = (
        write().await.expect("ok").value,
        write().await.expect("ok").value,
    );
    assert_eq!(first["authorization"], "Bearer t0");
    assert!(first["key"].is_string());
    assert_ne!(first["key"], second["key"]);
}

#[tokio::test]
async fn live_events_are_read_until_the_stream_ends() {
    let events = async || {
        let mut open = auction("open");
        open["traceparent"] = json!(format!("00-{TRACE}-00f067aa0ba902b7-01"));
        let body = format!(
            ": keep-alive\n\nevent: auction\nid: 1\ndata: {open}\n\nevent: other\ndata: {{}}\n\nevent: auction\ndata: {}\n\n",
            auction("awarded")
        );
        ([("content-type", "text/event-stream")], body).into_response()
    };
    let session = session(Router::new().route("/v1/auctions/{id}/events", get(events))).await;
    let mut watch = session.watch("x").await.expect("a stream");
    let first = watch.next().await.expect("whole").expect("an event");
    assert_eq!(
        (first.auction.state, first.trace_id()),
        (AuctionState::Open, Some(TRACE))
    );
    let second = watch.next().await.expect("whole").expect("an event");
    assert_eq!(second.auction.state, AuctionState::Awarded);
    assert_eq!(watch.next().await.expect("whole"), None);
}

#[tokio::test]
async fn a_response_that_is_not_of_the_api_is_a_failure_with_the_beginning_of_its_body() {
    let strange = async || (StatusCode::BAD_GATEWAY, "<html>proxy error</html>");
    let session = session(Router::new().route("/v1/rewards", get(strange))).await;
    let error = session.rewards().await.expect_err("not JSON");
    assert!(error.is_failure());
    assert_eq!(error.code(), "client.unreadable_answer");
    assert!(error.to_string().contains("<html>"), "{error}");
}
