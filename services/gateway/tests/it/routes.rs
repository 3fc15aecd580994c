//! Every route responds with its status and its JSON type.

use api::common::Role;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, Edge, bearer};

fn open_auction() -> Value {
    json!({
        "dishes": [{"dish": "후라이드치킨", "quantity": 1}],
        "place": {"latitude": 37.5563, "longitude": 126.9236, "address": "서울 마포구"},
        "ceiling_price": {"amount_minor": 21000, "currency": "KRW"},
        "duration_ms": 30000,
        "payment_method": "tok_ok"
    })
}

async fn ask(edge: &Edge, role: Role, method: Method, path: &str, body: Value) -> Answer {
    let authorization = bearer(&edge.token("a1", role));
    let headers = [
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
    ];
    edge.send(method, path, &headers, body.to_string()).await
}

struct Case {
    role: Role,
    method: Method,
    path: &'static str,
    body: Value,
    status: u16,
    // A JSON pointer into the response, and the expected value.
    shape: (&'static str, Value),
}

fn get(role: Role, path: &'static str, shape: (&'static str, Value)) -> Case {
    Case {
        role,
        method: Method::GET,
        path,
        body: Value::Null,
        status: 200,
        shape,
    }
}

fn write(case: Case, method: Method, body: Value, status: u16) -> Case {
    Case {
        method,
        body,
        status,
        ..case
    }
}

fn reads() -> Vec<Case> {
    let (customer, cook, admin) = (Role::Customer, Role::Restaurant, Role::Admin);
    let price = json!(18500);
    let email = json!("minji@example.com");
    let confirmed = json!("order.confirmed");
    vec![
        get(customer, "/v1/me", ("/email", email)),
        get(cook, "/v1/restaurant", ("/id", json!("own"))),
        get(customer, "/v1/restaurants/r7", ("/id", json!("r7"))),
        get(
            customer,
            "/v1/auctions",
            ("/auctions/0/state", json!("expired")),
        ),
        get(
            customer,
            "/v1/auctions/au7",
            ("/lowest_bid/price/amount_minor", price),
        ),
        get(
            customer,
            "/v1/orders",
            ("/orders/0/saga/0/step", json!("reserve")),
        ),
        get(customer, "/v1/orders/o7", ("/state", json!("confirmed"))),
        get(
            customer,
            "/v1/notifications",
            ("/notifications/0/kind", confirmed),
        ),
        get(customer, "/v1/rewards", ("/points", json!(700))),
        get(
            admin,
            "/v1/admin/accounts",
            ("/accounts/0/state", json!("open")),
        ),
    ]
}

fn writes() -> Vec<Case> {
    let (customer, cook, admin) = (Role::Customer, Role::Restaurant, Role::Admin);
    let won = |amount: i64| json!({"amount_minor": amount, "currency": "KRW"});
    let restaurant = json!({
        "name": "한강치킨", "place": {"latitude": 37.5, "longitude": 127.0}, "delivery_radius_m": 3000,
        "menu": [{"dish": "후라이드치킨", "list_price": won(19000)}]
    });
    let coupon = json!({"code": "W", "discount": won(3000), "uses": 2, "expires_at_ms": 7});
    let points = json!({"account_id": "c1", "points": 500, "reason": "goodwill"});
    let (url, put, post) = ("https://example.com/hook", Method::PUT, Method::POST);
    let at = |role, path, pointer, value| get(role, path, (pointer, value));
    let menu = at(
        cook,
        "/v1/restaurant",
        "/menu/0/list_price/amount_minor",
        json!(19000),
    );
    let open = at(customer, "/v1/auctions", "/state", json!("open"));
    let bid = at(
        cook,
        "/v1/auctions/au7/bids",
        "/price/amount_minor",
        json!(18000),
    );
    let webhook = at(customer, "/v1/webhook", "/url", json!(url));
    let account = at(
        admin,
        "/v1/admin/accounts/c7/close",
        "/state",
        json!("closed"),
    );
    let auction = at(
        admin,
        "/v1/admin/auctions/au7/close",
        "/state",
        json!("closed"),
    );
    let issued = at(admin, "/v1/admin/coupons", "/uses_left", json!(2));
    let granted = at(admin, "/v1/admin/points", "/points", json!(500));
    vec![
        write(menu, put.clone(), restaurant, 200),
        write(open, post.clone(), open_auction(), 201),
        write(bid, post.clone(), json!({"price": won(18000)}), 201),
        write(webhook, put, json!({"url": url}), 200),
        write(account, post.clone(), Value::Null, 200),
        write(auction, post.clone(), Value::Null, 200),
        write(issued, post.clone(), coupon, 201),
        write(granted, post, points, 200),
    ]
}

#[tokio::test]
async fn every_route_answers_with_its_status_and_shape() {
    let edge = Edge::start().await;
    for case in reads().into_iter().chain(writes()) {
        let Case {
            role,
            method,
            path,
            body,
            status,
            shape: (pointer, value),
        } = case;
        let answer = ask(&edge, role, method.clone(), path, body).await;
        assert_eq!(
            answer.status.as_u16(),
            status,
            "{method} {path}: {answer:?}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let found = answer.json().pointer(pointer).cloned();
        assert_eq!(found, Some(value), "{method} {path}: {answer:?}");
    }
}

#[tokio::test]
async fn signing_up_and_logging_in_need_no_token() {
    let edge = Edge::start().await;
    let account = json!({
        "email": "minji@example.com", "password": "hunter22", "name": "김민지", "role": "restaurant"
    });
    let answer = edge.post("/v1/accounts", &[], &account).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert!(
        edge.platform.calls("SignUp")[0]
            .message
            .contains("role: Restaurant")
    );
    let credentials = json!({"email": "minji@example.com", "password": "hunter22"});
    let answer = edge.post("/v1/sessions", &[], &credentials).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(answer.json()["token"], "token");
    assert_eq!(answer.json()["account"]["id"], "a1");
}

#[tokio::test]
async fn an_opened_auction_says_where_it_is() {
    let edge = Edge::start().await;
    let answer = ask(
        &edge,
        Role::Customer,
        Method::POST,
        "/v1/auctions",
        open_auction(),
    )
    .await;
    assert_eq!(answer.header("location"), Some("/v1/auctions/au1"));
}

#[tokio::test]
async fn a_full_page_says_where_the_next_one_starts_and_a_short_one_does_not() {
    let edge = Edge::start().await;
    let list = |path| ask(&edge, Role::Admin, Method::GET, path, Value::Null);
    let full = list("/v1/admin/accounts?limit=2&after=a9").await;
    assert_eq!(full.json()["next_after"], "a1");
    let call = &edge.platform.calls("ListAccounts")[0].message;
    assert!(
        call.contains("limit: 2") && call.contains("after: \"a9\""),
        "{call}"
    );
    let short = list("/v1/auctions?limit=2").await;
    assert_eq!(short.json().get("next_after"), None);
}

#[tokio::test]
async fn orders_can_be_asked_for_by_auction() {
    let edge = Edge::start().await;
    let path = "/v1/orders?auction_id=au7&limit=5";
    let answer = ask(&edge, Role::Customer, Method::GET, path, Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK);
    let call = &edge.platform.calls("ListOrders")[0].message;
    assert!(call.contains("auction_id: \"au7\""), "{call}");
}

#[tokio::test]
async fn the_document_and_its_pages_are_served() {
    let edge = Edge::start().await;
    let document = edge.get("/openapi.json", &[]).await;
    assert!(document.json()["paths"]["/v1/auctions/{id}/bids"]["post"].is_object());
    let page = edge.get("/docs/", &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("swagger-ui"), "{}", page.text);
}
