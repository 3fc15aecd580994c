//! Every error response is a problem document.

use api::common::Role;
use chassis::Failure;
use http::{Method, StatusCode};
use serde_json::json;

use crate::support::{Edge, bearer};

#[tokio::test]
async fn what_the_router_refuses_is_a_problem_too() {
    let edge = Edge::start().await;
    let unknown = edge.get("/v2/auctions", &[]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(unknown.code(), "route.unknown");
    let wrong_method = edge.send(Method::DELETE, "/v1/me", &[], "").await;
    assert_eq!(wrong_method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(wrong_method.code(), "route.method_not_allowed");
    assert!(
        wrong_method
            .header("allow")
            .is_some_and(|allow| allow.contains("GET"))
    );
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_told_why() {
    let edge = Edge::start().await;
    let json = ("content-type", "application/json");
    let huge = format!(r#"{{"email": "{}"}}"#, "x".repeat(70_000));
    let cases = [
        (json, r#"{"email": }"#, 400, "request.bad_json", None),
        (json, "", 400, "request.bad_json", None),
        (
            json,
            r#"{"email": 7}"#,
            400,
            "request.bad_field",
            Some("email"),
        ),
        (
            json,
            r#"{"email": "a@b.c"}"#,
            400,
            "request.bad_field",
            Some("password"),
        ),
        (
            json,
            r#"{"email": "a@b.c", "password": "x", "pin": 1}"#,
            400,
            "request.bad_field",
            Some("pin"),
        ),
        (
            json,
            r#"{"email": "a@b.c", "password": "x"} {}"#,
            400,
            "request.bad_json",
            None,
        ),
        (json, huge.as_str(), 413, "request.too_large", None),
        (
            ("content-type", "text/plain"),
            "{}",
            415,
            "request.unsupported_media_type",
            None,
        ),
        (
            ("x-nothing", "here"),
            "{}",
            415,
            "request.unsupported_media_type",
            None,
        ),
    ];
    for (header, body, status, code, field) in cases {
        let body = body.to_owned();
        let shown: String = body.chars().take(60).collect();
        let answer = edge
            .send(Method::POST, "/v1/sessions", &[header], body)
            .await;
        assert_eq!(answer.status.as_u16(), status, "{shown}");
        assert_eq!(answer.code(), code, "{shown}");
        assert_eq!(answer.json()["field"].as_str(), field, "{shown}");
    }
    assert!(edge.platform.calls("LogIn").is_empty());
}

#[tokio::test]
async fn a_role_that_cannot_sign_up_is_told_which_can() {
    let edge = Edge::start().await;
    let body = json!({"email": "a@b.c", "password": "hunter22", "name": "x", "role": "admin"});
    let answer = edge.post("/v1/accounts", &[], &body).await;
    assert_eq!(answer.code(), "request.bad_field");
    assert_eq!(answer.json()["field"], "role");
    let detail = answer.json()["detail"].to_string();
    assert!(
        detail.contains("customer") && detail.contains("restaurant"),
        "{detail}"
    );
}

#[tokio::test]
async fn bad_parameters_are_refused() {
    let edge = Edge::start().await;
    let authorization = bearer(&edge.token("c1", Role::Customer));
    let headers = [("authorization", authorization.as_str())];
    let cases = [
        ("/v1/auctions?limit=many", "request.bad_query"),
        ("/v1/auctions?limti=1", "request.bad_query"),
        ("/v1/auctions?limit=0", "page.bad_limit"),
        ("/v1/auctions?limit=101", "page.bad_limit"),
        ("/v1/orders?auction_id=../x", "request.bad_id"),
        ("/v1/orders/a%20b", "request.bad_id"),
        ("/v1/orders/%FF", "request.bad_id"),
    ];
    for (path, code) in cases {
        let answer = edge.get(path, &headers).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(answer.code(), code, "{path}");
    }
}

#[tokio::test]
async fn a_services_refusal_reaches_the_caller_with_code_field_and_trace_id() {
    let captured = telemetry::test::capture();
    let edge = Edge::start().await;
    let refusal = Failure::conflict("auction.bid_too_high", "bid at most 18000 KRW").at("price");
    edge.platform.refuse("PlaceBid", refusal);
    let authorization = bearer(&edge.token("r1", Role::Restaurant));
    let bid = json!({"price": {"amount_minor": 18400, "currency": "KRW"}});
    let headers = [("authorization", authorization.as_str())];
    let answer = edge.post("/v1/auctions/au1/bids", &headers, &bid).await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert_eq!(answer.code(), "auction.bid_too_high");
    let problem = answer.json();
    assert_eq!(problem["field"], "price");
    assert_eq!(problem["title"], "Conflict");
    assert_eq!(problem["trace_id"].as_str(), answer.header("x-trace-id"));
    let server = captured.span("POST /v1/auctions/{id}/bids");
    let trace_id = server.span_context.trace_id().to_string();
    assert_eq!(answer.header("x-trace-id"), Some(trace_id.as_str()));
}

#[tokio::test]
async fn what_goes_wrong_inside_stays_inside() {
    let edge = Edge::start().await;
    let authorization = bearer(&edge.token("c1", Role::Customer));
    let headers = [("authorization", authorization.as_str())];
    let cases = [
        (
            tonic::Status::internal("table accounts at 10.0.0.7"),
            500,
            "internal",
        ),
        (
            tonic::Status::unknown("table accounts at 10.0.0.7"),
            500,
            "internal",
        ),
        (
            tonic::Status::unavailable("connect to 10.0.0.7"),
            503,
            "unavailable",
        ),
        (
            tonic::Status::deadline_exceeded("asking 10.0.0.7"),
            504,
            "deadline_exceeded",
        ),
    ];
    for (status, expected, code) in cases {
        edge.platform.refuse("GetBalance", status);
        let answer = edge.get("/v1/rewards", &headers).await;
        assert_eq!(answer.status.as_u16(), expected);
        assert_eq!(answer.code(), code);
        assert!(!answer.text.contains("10.0.0.7"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_service_that_never_answers_is_given_up() {
    let edge = Edge::start().await;
    edge.platform.stall("GetBalance");
    let authorization = bearer(&edge.token("c1", Role::Customer));
    let headers = [("authorization", authorization.as_str())];
    let answer = edge.get("/v1/rewards", &headers).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(answer.code(), "deadline_exceeded");
}
