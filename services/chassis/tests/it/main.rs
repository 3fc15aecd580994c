//! The chassis on its real parts: both database engines and NATS JetStream.

mod broker;
mod containers;
mod database;
mod idempotency;
mod outbox;
mod tail_sampling;

use chassis::testing::{TestDatabase, databases};
use sqlx::migrate::Migrator;

static MIGRATIONS: Migrator = sqlx::migrate!("./tests/it/migrations");

async fn both() -> Vec<TestDatabase> {
    databases("chassis-test", &MIGRATIONS).await
}

async fn count(database: &TestDatabase) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM writes")
        .fetch_one(database.pool())
        .await
        .expect("a count")
}
