//! The spans and metrics of a database's operations and of its pool.

use chassis::database::{Database, Engine};
use telemetry::context::SavedContext;
use telemetry::db::observe;
use telemetry::signals::{
    DB_CLIENT_CONNECTION_MAX, DB_CLIENT_CONNECTION_PENDING_REQUESTS, DB_CLIENT_CONNECTION_TIMEOUTS,
    DB_CLIENT_CONNECTION_USE_TIME, DB_CLIENT_CONNECTION_WAIT_TIME, DB_CLIENT_OPERATION_DURATION,
};
use telemetry::test::capture;
use tracing::Instrument as _;

use crate::support::both;

async fn insert(database: &Database, value: i64) -> Result<(), sqlx::Error> {
    let mut write = database.write().await.expect("a transaction");
    let done = observe(
        write.operation("INSERT", "writes"),
        sqlx::query("INSERT INTO writes (id, value) VALUES ('S3CRET', $1)")
            .bind(value)
            .execute(write.connection()),
    )
    .await;
    if done.is_ok() {
        write.commit().await.expect("committed");
    }
    done.map(drop)
}

async fn read(database: &Database) -> Vec<i64> {
    observe(
        database.operation("SELECT", "writes"),
        sqlx::query_scalar("SELECT value FROM writes ORDER BY value").fetch_all(database.reads()),
    )
    .await
    .expect("values")
}

#[tokio::test]
async fn each_step_of_a_write_is_a_span_and_a_refusal_goes_by_the_code_of_the_engine() {
    for database in both().await {
        let captured = capture();
        // Compared by its context: SQLite's driver holds the span on a thread that is not captured, so its end is not seen.
        let request = async {
            insert(&database, 1).await.expect("inserted");
            insert(&database, 2).await.expect_err("the same key");
            assert_eq!(read(&database).await, [1]);
            SavedContext::current()
        }
        .instrument(tracing::info_span!("request"))
        .await;
        let code = match database.engine() {
            Engine::Sqlite => "1555",
            Engine::Postgres => "23505",
        };
        for name in [
            "BEGIN transaction",
            "INSERT writes",
            "COMMIT transaction",
            "SELECT writes",
        ] {
            let span = captured.span(name);
            span.assert_attribute("db.system.name", database.engine().system());
            let parent = request.span_context().expect("a span");
            assert_eq!(span.span_context.trace_id(), parent.trace_id());
            assert_eq!(span.parent_span_id, parent.span_id());
            if database.engine() == Engine::Postgres {
                let namespace = database.url.rsplit('/').next().expect("a name").to_owned();
                span.assert_attribute("db.namespace", namespace)
                    .assert_attribute("server.address", "127.0.0.1");
                assert!(span.attribute("server.port").is_some());
            } else {
                span.assert_attribute("db.namespace", "chassis-test");
            }
        }
        let inserts = captured.spans_named("INSERT writes");
        assert_eq!(inserts.len(), 2);
        inserts[1]
            .assert_error()
            .assert_attribute("error.type", code)
            .assert_attribute("db.response.status_code", code);
        assert!(!format!("{:?}", captured.spans()).contains("S3CRET"));
        let refused = captured.metrics().histogram(
            &DB_CLIENT_OPERATION_DURATION,
            &[("db.response.status_code", code), ("error.type", code)],
        );
        assert_eq!(refused.len(), 1);
    }
}

#[tokio::test]
async fn the_waits_for_a_connection_are_measured_and_polls_are_not() {
    let captured = capture();
    for database in both().await {
        let pool = [("db.client.connection.pool.name", "chassis-test")];
        let waits = || {
            let metrics = captured.metrics();
            let count = |metric| {
                if metrics.has(metric, &pool) {
                    metrics.histogram(metric, &pool).len()
                } else {
                    0
                }
            };
            (
                count(&DB_CLIENT_CONNECTION_WAIT_TIME),
                count(&DB_CLIENT_CONNECTION_USE_TIME),
            )
        };
        let before = waits();
        sqlx::query("SELECT value FROM writes")
            .fetch_all(database.unmeasured_pool())
            .await
            .expect("a poll");
        assert_eq!(waits(), before);

        let write = database.write().await.expect("a transaction");
        assert_eq!(waits(), (before.0 + 1, before.1), "it is still in use");
        drop(write);
        assert_eq!(waits(), (before.0 + 1, before.1 + 1));
        read(&database).await;
        sqlx::query("SELECT value FROM writes")
            .fetch_optional(database.reads())
            .await
            .expect("a row or none");
        assert_eq!(waits(), (before.0 + 3, before.1 + 3));
        let metrics = captured.metrics();
        assert!(metrics.gauge(&DB_CLIENT_CONNECTION_MAX, &pool) >= 1.0);
        assert!(metrics.gauge(&DB_CLIENT_CONNECTION_PENDING_REQUESTS, &pool) < 0.5);
        assert_eq!(metrics.counter(&DB_CLIENT_CONNECTION_TIMEOUTS, &pool), 0);
    }
}
