//! Authentication, and the writes of closed accounts.

use api::common::Role;
use chassis::clock::Clock;
use http::StatusCode;
use serde_json::json;

use crate::support::{Edge, bearer, signer};

#[tokio::test]
async fn without_a_token_one_is_told_how_to_bring_one() {
    let edge = Edge::start().await;
    let answer = edge.get("/v1/me", &[]).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.code(), "caller.missing");
    assert!(
        answer
            .header("www-authenticate")
            .is_some_and(|value| value.starts_with("Bearer"))
    );
}

#[tokio::test]
async fn tokens_that_do_not_hold_are_refused_each_with_its_reason() {
    let edge = Edge::start().await;
    let soon = Clock::System.now() + 60_000;
    let past = Clock::System.now() - 60_000;
    let sign = |signer: &chassis::token::Signer, until| {
        bearer(&signer.sign("a1", Role::Admin, true, until).expect("signed"))
    };
    let cases = [
        (sign(&edge.signer, past), "token.expired"),
        (sign(&signer("k1", 9), soon), "token.invalid"),
        (sign(&signer("k9", 9), soon), "token.invalid"),
        (bearer("nonsense"), "token.invalid"),
        ("Basic bWluamk6cGFzcw==".to_owned(), "token.malformed"),
    ];
    for (authorization, code) in cases {
        let answer = edge
            .get("/v1/me", &[("authorization", &authorization)])
            .await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{code}");
        assert_eq!(answer.code(), code);
    }
    assert!(
        edge.platform.calls("GetAccount").is_empty(),
        "nobody got in"
    );
}

#[tokio::test]
async fn a_stale_token_does_not_keep_one_from_logging_in() {
    let edge = Edge::start().await;
    let credentials = json!({"email": "minji@example.com", "password": "hunter22"});
    let stale = [("authorization", "Bearer stale")];
    let answer = edge.post("/v1/sessions", &stale, &credentials).await;
    assert_eq!(answer.status, StatusCode::CREATED);
}

#[tokio::test]
async fn the_caller_is_who_the_token_names_whatever_the_headers_say() {
    let edge = Edge::start().await;
    let authorization = bearer(&edge.token("c1", Role::Customer));
    let headers = [
        ("authorization", authorization.as_str()),
        ("x-account-id", "someone-else"),
        ("x-forwarded-user", "someone-else"),
        ("x-role", "admin"),
    ];
    edge.get("/v1/rewards", &headers).await;
    let call = edge.platform.calls("GetBalance").pop().expect("a call");
    assert!(
        call.message.contains("account_id: \"c1\""),
        "{}",
        call.message
    );
    assert!(call.message.contains("role: Customer"), "{}", call.message);
    for header in [
        "authorization",
        "x-account-id",
        "x-forwarded-user",
        "x-role",
    ] {
        assert!(
            call.metadata.get(header).is_none(),
            "{header} was forwarded"
        );
    }
}

#[tokio::test]
async fn a_role_that_does_not_fit_is_refused_before_any_service_is_asked() {
    let edge = Edge::start().await;
    let authorization = bearer(&edge.token("c1", Role::Customer));
    let headers = [("authorization", authorization.as_str())];
    let bid = json!({"price": {"amount_minor": 1, "currency": "KRW"}});
    let answers = [
        edge.get("/v1/admin/accounts", &headers).await,
        edge.get("/v1/restaurant", &headers).await,
        edge.post("/v1/admin/accounts/c2/close", &headers, &json!({}))
            .await,
        edge.post("/v1/auctions/au1/bids", &headers, &bid).await,
    ];
    for answer in answers {
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert_eq!(answer.code(), "caller.role");
    }
    for method in ["ListAccounts", "GetRestaurant", "CloseAccount", "PlaceBid"] {
        assert!(
            edge.platform.calls(method).is_empty(),
            "{method} was called"
        );
    }
}

#[tokio::test]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let edge = Edge::start().await;
    let rotated = signer("k2", 2);
    edge.platform.add_key(rotated.verifying_key());
    edge.pass(1_000);
    let until = Clock::System.now() + 60_000;
    let token = rotated
        .sign("a1", Role::Customer, false, until)
        .expect("signed");
    let answer = edge
        .get("/v1/me", &[("authorization", &bearer(&token))])
        .await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn tokens_with_unknown_keys_do_not_flood_the_account_service() {
    let edge = Edge::start().await;
    edge.pass(1_000);
    let before = edge.platform.calls("GetVerifyingKeys").len();
    let until = Clock::System.now() + 60_000;
    for key in 0..20 {
        let stranger = signer(&format!("stranger-{key}"), 9);
        let token = stranger
            .sign("a1", Role::Admin, false, until)
            .expect("signed");
        let answer = edge
            .get("/v1/me", &[("authorization", &bearer(&token))])
            .await;
        assert_eq!(answer.code(), "token.invalid");
    }
    let after = edge.platform.calls("GetVerifyingKeys").len();
    assert_eq!(after - before, 1);
}

#[tokio::test]
async fn a_token_that_cannot_be_checked_now_is_not_called_invalid() {
    let edge = Edge::start().await;
    edge.platform
        .refuse("GetVerifyingKeys", tonic::Status::unavailable("down"));
    edge.pass(1_000);
    let until = Clock::System.now() + 60_000;
    let token = signer("k2", 2)
        .sign("a1", Role::Customer, false, until)
        .expect("signed");
    for _ in 0..2 {
        let answer = edge
            .get("/v1/me", &[("authorization", &bearer(&token))])
            .await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.code(), "unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
}

mod closed_accounts {
    use super::*;

    const CLOSED: (StatusCode, &str) = (StatusCode::FORBIDDEN, "account.closed");

    async fn write(edge: &Edge) -> crate::support::Answer {
        let authorization = bearer(&edge.token("r1", Role::Restaurant));
        let bid = json!({"price": {"amount_minor": 18000, "currency": "KRW"}});
        let headers = [("authorization", authorization.as_str())];
        edge.post("/v1/auctions/au1/bids", &headers, &bid).await
    }

    #[tokio::test]
    async fn their_writes_are_refused_within_seconds_of_the_closing() {
        let edge = Edge::start().await;
        assert_eq!(write(&edge).await.status, StatusCode::CREATED);
        edge.platform.close("r1");
        edge.pass(5_000);
        let answer = write(&edge).await;
        assert_eq!((answer.status, answer.code().as_str()), CLOSED);
        assert_eq!(edge.platform.calls("PlaceBid").len(), 1);
    }

    #[tokio::test]
    async fn their_writes_are_refused_at_once_when_this_gateway_closed_them() {
        let edge = Edge::start().await;
        assert_eq!(write(&edge).await.status, StatusCode::CREATED);
        let admin = bearer(&edge.token("admin", Role::Admin));
        let headers = [("authorization", admin.as_str())];
        let closing = edge
            .post("/v1/admin/accounts/r1/close", &headers, &json!({}))
            .await;
        assert_eq!(closing.status, StatusCode::OK);
        let answer = write(&edge).await;
        assert_eq!((answer.status, answer.code().as_str()), CLOSED);
    }

    #[tokio::test]
    async fn an_open_account_is_asked_for_once_in_a_while() {
        let edge = Edge::start().await;
        for _ in 0..5 {
            assert_eq!(write(&edge).await.status, StatusCode::CREATED);
        }
        assert_eq!(edge.platform.calls("GetAccount").len(), 1);
    }

    #[tokio::test]
    async fn an_account_service_that_is_down_does_not_stop_the_bidding() {
        let edge = Edge::start().await;
        edge.platform
            .refuse("GetAccount", tonic::Status::unavailable("down"));
        assert_eq!(write(&edge).await.status, StatusCode::CREATED);
    }

    #[tokio::test]
    async fn an_account_service_that_stalls_does_not_stop_the_bidding() {
        let edge = Edge::start().await;
        edge.platform.stall("GetAccount");
        assert_eq!(write(&edge).await.status, StatusCode::CREATED);
    }
}
