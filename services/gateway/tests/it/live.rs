//! Live bids.

use std::time::Duration;

use api::auction::{AuctionEvent, AuctionState};
use api::common::Role;
use chassis::Failure;
use http::{Method, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;

use crate::support::samples;
use crate::support::{Edge, bearer};

const PATIENCE: Duration = Duration::from_secs(5);

fn change(sequence: u64, state: AuctionState) -> AuctionEvent {
    AuctionEvent {
        sequence,
        auction: Some(samples::auction("au1", state)),
        traceparent: format!("00-{sequence:032x}-{sequence:016x}-01"),
    }
}

async fn watch(edge: &Edge) -> Response<Incoming> {
    let authorization = bearer(&edge.token("c1", Role::Customer));
    let headers = [
        ("authorization", authorization.as_str()),
        ("last-event-id", "41"),
    ];
    edge.open(Method::GET, "/v1/auctions/au1/events", &headers, "")
        .await
}

/// The text of the next event, or `None` at the end of the stream.
async fn next(stream: &mut Response<Incoming>) -> Option<String> {
    let frame = tokio::time::timeout(PATIENCE, stream.body_mut().frame());
    let frame = frame.await.expect("an event in time")?.expect("a frame");
    let data = frame.into_data().expect("data");
    Some(String::from_utf8(data.to_vec()).expect("text"))
}

fn line<'a>(event: &'a str, field: &str) -> &'a str {
    event
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(": "))
        .unwrap_or_else(|| panic!("no {field} in {event:?}"))
}

fn data(event: &str) -> Value {
    serde_json::from_str(line(event, "data")).expect("JSON")
}

#[tokio::test]
async fn each_change_is_an_event_as_soon_as_it_happens_and_the_end_ends_the_stream() {
    let edge = Edge::start().await;
    let changes = edge.platform.changes();
    changes
        .send(Ok(change(1, AuctionState::Open)))
        .await
        .expect("sent");
    let mut stream = watch(&edge).await;
    assert_eq!(stream.status(), StatusCode::OK);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");

    let first = next(&mut stream).await.expect("what stands comes first");
    assert_eq!(line(&first, "event"), "auction");
    assert_eq!(line(&first, "id"), "1");
    assert_eq!(data(&first)["lowest_bid"]["price"]["amount_minor"], 18500);

    changes
        .send(Ok(change(2, AuctionState::Awarded)))
        .await
        .expect("sent");
    let second = next(&mut stream).await.expect("the change");
    assert_eq!(line(&second, "id"), "2");
    assert_eq!(data(&second)["state"], "awarded");
    let traceparent = change(2, AuctionState::Awarded).traceparent;
    assert_eq!(data(&second)["traceparent"], traceparent);

    drop(changes);
    assert_eq!(next(&mut stream).await, None);
}

#[tokio::test]
async fn an_auction_that_cannot_be_watched_is_a_problem_not_a_stream() {
    let edge = Edge::start().await;
    let refusal = Failure::not_found("auction.unknown", "no such auction");
    edge.platform.refuse("WatchAuction", refusal);
    let authorization = bearer(&edge.token("c1", Role::Customer));
    let headers = [("authorization", authorization.as_str())];
    let answer = edge.get("/v1/auctions/au1/events", &headers).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.code(), "auction.unknown");
    assert_eq!(
        edge.get("/v1/auctions/au1/events", &[]).await.code(),
        "caller.missing"
    );
}

#[tokio::test]
async fn a_stream_that_breaks_off_says_so_and_shows_nothing_of_the_inside() {
    let edge = Edge::start().await;
    let changes = edge.platform.changes();
    changes
        .send(Ok(change(1, AuctionState::Open)))
        .await
        .expect("sent");
    let broken = tonic::Status::unavailable("10.0.0.7 went away");
    changes.send(Err(broken)).await.expect("sent");
    let mut stream = watch(&edge).await;
    next(&mut stream).await.expect("what stands");
    let problem = next(&mut stream).await.expect("the problem");
    assert_eq!(line(&problem, "event"), "problem");
    assert_eq!(data(&problem)["code"], "unavailable");
    assert!(!problem.contains("10.0.0.7"), "{problem}");
    assert_eq!(next(&mut stream).await, None);
}

#[tokio::test]
async fn shutdown_ends_the_streams() {
    let edge = Edge::start().await;
    let changes = edge.platform.changes();
    changes
        .send(Ok(change(1, AuctionState::Open)))
        .await
        .expect("sent");
    let mut stream = watch(&edge).await;
    next(&mut stream).await.expect("what stands");
    edge.shutdown.cancel();
    assert_eq!(next(&mut stream).await, None);
    drop(changes);
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_services_stream() {
    let edge = Edge::start().await;
    let changes = edge.platform.changes();
    changes
        .send(Ok(change(1, AuctionState::Open)))
        .await
        .expect("sent");
    let mut stream = watch(&edge).await;
    next(&mut stream).await.expect("what stands");
    drop(stream);
    tokio::time::timeout(PATIENCE, changes.closed())
        .await
        .expect("the service's stream is given up");
}
