use std::time::Duration;

use axum::Router;
use axum::body::Body;
use chassis::clock::Clock;
use chassis::problem::Problem;
use chassis::testing;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use payment::MIGRATIONS;
use payment::api::{Provider, router};
use payment::store::Store;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

struct Running {
    router: Router,
    shutdown: CancellationToken,
    _database: testing::TestDatabase,
}

async fn provider(stall: Duration) -> Running {
    let database = testing::sqlite("payment", &MIGRATIONS).await;
    let shutdown = CancellationToken::new();
    let router = router(Provider {
        store: Store::new((*database).clone(), Clock::System),
        stall,
        shutdown: shutdown.clone(),
    });
    Running {
        router,
        shutdown,
        _database: database,
    }
}

fn body(token: &str) -> Value {
    json!({
        "reference": "order-1", "group": "auction-1", "payment_method": token,
        "amount": {"amount_minor": 18_500, "currency": "KRW"},
    })
}

impl Running {
    async fn send(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: String,
    ) -> (StatusCode, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let request = request.body(Body::from(body)).expect("a request");
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("a response");
        let status = response.status();
        let body = response.into_body().collect().await.expect("a body");
        (status, body.to_bytes().to_vec())
    }

    async fn authorise(&self, key: &str, token: &str) -> (StatusCode, Value) {
        let body = body(token).to_string();
        let (status, body) = self
            .send("POST", "/v1/authorisations", Some(key), body)
            .await;
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    async fn problem(&self, method: &str, path: &str, key: Option<&str>, body: &str) -> Problem {
        let (status, body) = self.send(method, path, key, body.to_owned()).await;
        let problem: Problem = serde_json::from_slice(&body).expect("a problem document");
        assert_eq!(problem.status, status.as_u16());
        problem
    }
}

#[tokio::test]
async fn an_authorisation_is_made_looked_at_and_voided() {
    let provider = provider(Duration::ZERO).await;
    let (status, made) = provider.authorise("key", "tok_ok").await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(made["status"], "authorised");
    let id = made["id"].as_str().expect("an id");
    let path = format!("/v1/authorisations/{id}");
    let (status, read) = provider.send("GET", &path, None, String::new()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(serde_json::from_slice::<Value>(&read).expect("JSON"), made);
    let (status, voided) = provider
        .send("POST", &format!("{path}/void"), None, String::new())
        .await;
    assert_eq!(status, StatusCode::OK);
    let voided: Value = serde_json::from_slice(&voided).expect("JSON");
    assert_eq!(voided["status"], "voided");
}

#[tokio::test]
async fn a_declined_payment_is_a_problem_with_status_402() {
    let provider = provider(Duration::ZERO).await;
    let problem = provider
        .problem(
            "POST",
            "/v1/authorisations",
            Some("key"),
            &body("tok_declined").to_string(),
        )
        .await;
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (402, "payment.declined")
    );
}

#[tokio::test]
async fn a_flaky_provider_answers_503_once() {
    let provider = provider(Duration::ZERO).await;
    let (status, _) = provider.authorise("key", "tok_flaky").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let (status, _) = provider.authorise("key", "tok_flaky").await;
    assert_eq!(status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_caller_that_gives_up_on_a_stalled_authorisation_is_answered_at_its_next_try() {
    let provider = provider(Duration::from_hours(1)).await;
    let mut given_up = 0;
    let status = loop {
        let patience = Duration::from_millis(200);
        match tokio::time::timeout(patience, provider.authorise("key", "tok_stall")).await {
            Ok((status, _)) => break status,
            Err(_) => given_up += 1,
        }
    };
    assert_eq!(status, StatusCode::CREATED);
    assert!(given_up > 0, "the first try was answered at once");
}

#[tokio::test]
async fn a_stalled_authorisation_is_answered_in_the_end() {
    let stall = Duration::from_millis(50);
    let provider = provider(stall).await;
    let started = std::time::Instant::now();
    let (status, _) = provider.authorise("key", "tok_stall").await;
    assert_eq!(status, StatusCode::CREATED);
    assert!(started.elapsed() >= stall);
}

#[tokio::test]
async fn shutdown_ends_what_stalls() {
    let provider = provider(Duration::from_hours(1)).await;
    provider.shutdown.cancel();
    let (status, _) = provider.authorise("key", "tok_stall").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_request_without_a_key_is_refused_and_named() {
    let provider = provider(Duration::ZERO).await;
    let body = body("tok_ok").to_string();
    let problem = provider
        .problem("POST", "/v1/authorisations", None, &body)
        .await;
    assert_eq!(problem.code, "idempotency.bad_key");
    assert_eq!(problem.field.as_deref(), Some("Idempotency-Key"));
}

#[tokio::test]
async fn a_key_with_another_body_is_answered_with_422() {
    let provider = provider(Duration::ZERO).await;
    provider.authorise("key", "tok_ok").await;
    let other = body("tok_declined").to_string();
    let problem = provider
        .problem("POST", "/v1/authorisations", Some("key"), &other)
        .await;
    assert_eq!(
        (problem.status, problem.code.as_str()),
        (422, "idempotency.key_reused")
    );
}

#[tokio::test]
async fn whatever_is_wrong_is_a_problem_document() {
    let provider = provider(Duration::ZERO).await;
    let huge = "x".repeat(17 * 1024);
    for (method, path, body, status, code) in [
        ("POST", "/v1/authorisations", "{", 400, "request.malformed"),
        ("POST", "/v1/authorisations", "{}", 400, "request.malformed"),
        (
            "POST",
            "/v1/authorisations",
            huge.as_str(),
            400,
            "request.unreadable",
        ),
        ("GET", "/v1/nothing", "", 404, "http.unknown_route"),
        (
            "DELETE",
            "/v1/authorisations",
            "",
            405,
            "http.method_not_allowed",
        ),
        (
            "GET",
            "/v1/authorisations/none",
            "",
            404,
            "payment.unknown_authorisation",
        ),
    ] {
        let problem = provider.problem(method, path, Some("key"), body).await;
        assert_eq!((problem.status, problem.code.as_str()), (status, code));
    }
}
