//! The idempotency key is sent to the service with every write, and with no read.

use api::common::Role;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Edge, bearer};

#[tokio::test]
async fn every_write_carries_the_key_to_its_service() {
    let edge = Edge::start().await;
    let won = json!({"amount_minor": 18000, "currency": "KRW"});
    let restaurant = json!({
        "name": "한강치킨", "place": {"latitude": 37.5, "longitude": 127.0}, "delivery_radius_m": 3000,
        "menu": [{"dish": "후라이드치킨", "list_price": won}]
    });
    let auction = json!({
        "dishes": [{"dish": "후라이드치킨", "quantity": 1}], "place": {"latitude": 37.5, "longitude": 127.0},
        "ceiling_price": won, "duration_ms": 30000, "payment_method": "tok_ok"
    });
    let account =
        json!({"email": "a@b.c", "password": "hunter22", "name": "x", "role": "customer"});
    let coupon = json!({"code": "W", "discount": won, "uses": 1, "expires_at_ms": 7});
    let points = json!({"account_id": "c1", "points": 5, "reason": "x"});
    let (post, put) = (Method::POST, Method::PUT);
    let (customer, cook, admin) = (Role::Customer, Role::Restaurant, Role::Admin);
    let writes: [(Role, &Method, &str, Value, &str); 9] = [
        (customer, &post, "/v1/accounts", account, "SignUp"),
        (cook, &put, "/v1/restaurant", restaurant, "PutRestaurant"),
        (customer, &post, "/v1/auctions", auction, "OpenAuction"),
        (
            cook,
            &post,
            "/v1/auctions/au1/bids",
            json!({"price": won}),
            "PlaceBid",
        ),
        (
            customer,
            &put,
            "/v1/webhook",
            json!({"url": ""}),
            "PutWebhook",
        ),
        (
            admin,
            &post,
            "/v1/admin/accounts/c7/close",
            Value::Null,
            "CloseAccount",
        ),
        (
            admin,
            &post,
            "/v1/admin/auctions/au7/close",
            Value::Null,
            "CloseAuction",
        ),
        (admin, &post, "/v1/admin/coupons", coupon, "IssueCoupon"),
        (admin, &post, "/v1/admin/points", points, "GrantPoints"),
    ];
    for (role, method, path, body, call) in writes {
        let authorization = bearer(&edge.token("a1", role));
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", "order 7/1"),
        ];
        let answer = edge
            .send(method.clone(), path, &headers, body.to_string())
            .await;
        assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
        let calls = edge.platform.calls(call);
        let key = calls[0].metadata.get("idempotency-key");
        assert_eq!(
            key.and_then(|key| key.to_str().ok()),
            Some("order 7/1"),
            "{call}"
        );
    }
    let asked = edge.platform.calls("GetAccount");
    assert!(
        asked
            .iter()
            .all(|call| call.metadata.get("idempotency-key").is_none())
    );
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_before_any_write() {
    let edge = Edge::start().await;
    let authorization = bearer(&edge.token("r1", Role::Restaurant));
    let bid = json!({"price": {"amount_minor": 18000, "currency": "KRW"}});
    for key in ["", "x".repeat(256).as_str()] {
        let headers = [
            ("authorization", authorization.as_str()),
            ("idempotency-key", key),
        ];
        let answer = edge.post("/v1/auctions/au1/bids", &headers, &bid).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.code(), "idempotency.bad_key");
        assert_eq!(answer.json()["field"], "Idempotency-Key");
    }
    assert!(edge.platform.calls("PlaceBid").is_empty());
}

#[tokio::test]
async fn a_key_that_was_used_for_another_body_is_unprocessable() {
    let edge = Edge::start().await;
    let refusal = chassis::Failure::new(
        chassis::Kind::KeyReused,
        "idempotency.key_reused",
        "this key was used before with another body",
    );
    edge.platform.refuse("PutWebhook", refusal);
    let authorization = bearer(&edge.token("c1", Role::Customer));
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
        ("idempotency-key", "k"),
    ];
    let answer = edge
        .send(Method::PUT, "/v1/webhook", &headers, r#"{"url":""}"#)
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(answer.code(), "idempotency.key_reused");
}
