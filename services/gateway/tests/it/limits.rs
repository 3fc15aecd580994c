//! The rate limit.

use std::num::NonZeroU32;

use api::common::Role;
use gateway::RateLimit;
use http::StatusCode;

use crate::support::{Answer, Edge, bearer};

/// More requests than any burst here: on a busy machine a bucket is refilled a little while it is emptied.
const MANY: usize = 100;

async fn one_at_once() -> Edge {
    Edge::with_limit(RateLimit {
        per_second: NonZeroU32::MIN,
        burst: NonZeroU32::MIN,
    })
    .await
}

async fn until_limited(edge: &Edge, path: &str, headers: &[(&str, &str)]) -> Answer {
    for _ in 0..MANY {
        let answer = edge.get(path, headers).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            return answer;
        }
    }
    panic!("{MANY} requests at one a second were let through")
}

#[tokio::test]
async fn an_account_that_asks_too_much_is_told_when_to_come_back() {
    let edge = one_at_once().await;
    let (first, second) = (
        bearer(&edge.token("c1", Role::Customer)),
        bearer(&edge.token("c2", Role::Customer)),
    );
    let (first, second) = (
        [("authorization", first.as_str())],
        [("authorization", second.as_str())],
    );
    let answer = edge.get("/v1/rewards", &first).await;
    assert_eq!(answer.status, StatusCode::OK);
    let refused = until_limited(&edge, "/v1/rewards", &first).await;
    assert_eq!(refused.code(), "rate_limited");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let other = edge.get("/v1/rewards", &second).await;
    assert_eq!(
        other.status,
        StatusCode::OK,
        "each account has its own limit"
    );
}

#[tokio::test]
async fn callers_without_a_valid_token_share_the_limit_of_their_address() {
    let edge = one_at_once().await;
    let first = edge.get("/v1/me", &[]).await;
    assert_eq!(first.status, StatusCode::UNAUTHORIZED);
    let forged = [
        ("authorization", "Bearer forged"),
        ("x-forwarded-for", "192.0.2.7"),
    ];
    assert_eq!(
        until_limited(&edge, "/v1/me", &forged).await.code(),
        "rate_limited"
    );
}
