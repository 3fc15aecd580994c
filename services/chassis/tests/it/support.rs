//! Databases with the tables of the tests.

use chassis::testing::{TestDatabase, databases};
use sqlx::migrate::Migrator;

static MIGRATIONS: Migrator = sqlx::migrate!("./tests/it/migrations");

/// A migrated database on each engine.
pub(crate) async fn both() -> Vec<TestDatabase> {
    databases("chassis-test", &MIGRATIONS).await
}

/// The number of rows in the table `writes`.
pub(crate) async fn count(database: &TestDatabase) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM writes")
        .fetch_one(database.reads())
        .await
        .expect("a count")
}
