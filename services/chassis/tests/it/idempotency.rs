use api::common::Money;
use chassis::clock::Clock;
use chassis::database::Database;
use chassis::idempotency::{Claim, Execution, RETENTION_MS, prune};
use chassis::testing::with_key;
use chassis::{Failure, Kind};
use futures::future::join_all;

use crate::support::{both, count};

fn request(key: Option<&str>, amount: i64) -> tonic::Request<Money> {
    let message = Money {
        amount_minor: amount,
        currency: "KRW".to_owned(),
    };
    match key {
        Some(key) => with_key(message, key),
        None => tonic::Request::new(message),
    }
}

/// Executes a claim and returns its response.
async fn write(
    database: &Database,
    clock: &Clock,
    account: &str,
    request: &tonic::Request<Money>,
) -> Result<Money, Failure> {
    let execution = execute(database, clock, account, request).await?;
    Ok(execution.into_response())
}

/// Executes a claim whose write inserts a row with the request's amount. The response differs at each run, and its effect
/// is the amount.
async fn execute(
    database: &Database,
    clock: &Clock,
    account: &str,
    request: &tonic::Request<Money>,
) -> Result<Execution<Money, i64>, Failure> {
    let value = request.get_ref().amount_minor;
    Claim::new(account, "Write", request)?
        .execute(database, clock, move |write| {
            Box::pin(async move {
                if value < 0 {
                    return Err(Failure::conflict(
                        "test.negative",
                        "expected a positive value",
                    ));
                }
                let id = uuid::Uuid::now_v7();
                sqlx::query("INSERT INTO writes (id, value) VALUES ($1, $2)")
                    .bind(id.to_string())
                    .bind(value)
                    .execute(write.connection())
                    .await?;
                let (high, _) = id.as_u64_pair();
                let response = Money {
                    amount_minor: i64::try_from(high >> 1).unwrap_or(0),
                    currency: id.to_string(),
                };
                Ok((response, value))
            })
        })
        .await
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_writes_once() {
    for database in both().await {
        let clock = Clock::System;
        let request = request(Some("k1"), 5);
        let first = write(&database, &clock, "a", &request)
            .await
            .expect("written");
        let second = write(&database, &clock, "a", &request)
            .await
            .expect("replayed");
        assert_eq!(first, second);
        assert_eq!(count(&database).await, 1);
    }
}

#[tokio::test]
async fn an_execution_says_whether_it_ran_or_replayed_and_only_a_run_has_an_effect() {
    for database in both().await {
        let request = request(Some("k1"), 5);
        let first = execute(&database, &Clock::System, "a", &request)
            .await
            .expect("written");
        let Execution::Ran { response, effect } = first else {
            panic!("the first call runs the write: {first:?}");
        };
        assert_eq!(effect, 5);
        let second = execute(&database, &Clock::System, "a", &request)
            .await
            .expect("replayed");
        assert_eq!(second, Execution::Replayed { response });
    }
}

#[tokio::test]
async fn without_a_key_every_request_writes() {
    for database in both().await {
        for _ in 0..2 {
            write(&database, &Clock::System, "a", &request(None, 5))
                .await
                .expect("written");
        }
        assert_eq!(count(&database).await, 2);
    }
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    for database in both().await {
        write(&database, &Clock::System, "a", &request(Some("k1"), 5))
            .await
            .expect("written");
        let failure = write(&database, &Clock::System, "a", &request(Some("k1"), 6))
            .await
            .expect_err("another body");
        assert_eq!(failure.kind, Kind::KeyReused);
        assert_eq!(failure.kind.http().as_u16(), 422);
        assert_eq!(count(&database).await, 1);
    }
}

#[tokio::test]
async fn a_key_belongs_to_its_account() {
    for database in both().await {
        write(&database, &Clock::System, "a", &request(Some("k1"), 5))
            .await
            .expect("written");
        write(&database, &Clock::System, "b", &request(Some("k1"), 6))
            .await
            .expect("written");
        assert_eq!(count(&database).await, 2);
    }
}

#[tokio::test]
async fn a_refusal_is_repeated_to_the_same_key() {
    for database in both().await {
        for _ in 0..2 {
            let failure = write(&database, &Clock::System, "a", &request(Some("k1"), -5))
                .await
                .expect_err("refused");
            assert_eq!(failure.code, "test.negative");
            assert_eq!(failure.kind, Kind::Conflict);
        }
        let kept: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM idempotency_keys")
            .fetch_one(database.reads())
            .await
            .expect("a count");
        assert_eq!(kept, 1);
    }
}

#[tokio::test]
async fn after_a_day_the_key_is_free_again() {
    for database in both().await {
        let clock = Clock::manual(1_000_000);
        write(&database, &clock, "a", &request(Some("k1"), 5))
            .await
            .expect("written");
        clock.advance(RETENTION_MS);
        write(&database, &clock, "a", &request(Some("k1"), 6))
            .await
            .expect("written again");
        assert_eq!(count(&database).await, 2);
        clock.advance(RETENTION_MS);
        assert_eq!(prune(&database, clock.now()).await.expect("pruned"), 1);
    }
}

#[tokio::test]
async fn of_many_at_once_with_one_key_one_writes() {
    for database in both().await {
        let request = request(Some("k1"), 5);
        let answers =
            join_all((0..20).map(|_| write(&database, &Clock::System, "a", &request))).await;
        assert_eq!(count(&database).await, 1);
        let good: Vec<_> = answers.into_iter().filter_map(Result::ok).collect();
        assert!(!good.is_empty());
        assert!(good.iter().all(|answer| *answer == good[0]));
    }
}

#[tokio::test]
async fn a_key_that_is_no_key_is_refused() {
    for key in ["", &"x".repeat(256)] {
        let failure = Claim::new("a", "Write", &request(Some(key), 1)).expect_err("bad key");
        assert_eq!(failure.code, "idempotency.bad_key");
        assert_eq!(failure.field.as_deref(), Some("Idempotency-Key"));
    }
}
