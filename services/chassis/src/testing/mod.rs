//! Test support: an empty database on each engine, so that one test runs on both, and a service's program on free ports.

mod process;

pub use process::Process;

use std::ops::Deref;

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;
use uuid::Uuid;

use crate::database::Database;
use crate::headers::IDEMPOTENCY_KEY;

/// The variable with the URL of a PostgreSQL server's maintenance database.
pub const POSTGRES_VARIABLE: &str = "BIDTRACE_TEST_POSTGRES_URL";

/// The variable with the URL of a NATS server with JetStream.
pub const NATS_VARIABLE: &str = "BIDTRACE_TEST_NATS_URL";

/// An empty database for one test.
pub struct TestDatabase {
    database: Database,
    /// Its URL, to open it again as a restarted process would.
    pub url: String,
    _folder: Option<TempDir>,
}

impl Deref for TestDatabase {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

/// An SQLite and a PostgreSQL database, both migrated.
///
/// # Panics
/// When either cannot be created.
pub async fn databases(namespace: &'static str, migrations: &Migrator) -> Vec<TestDatabase> {
    vec![
        sqlite(namespace, migrations).await,
        postgres(namespace, migrations).await,
    ]
}

/// A migrated SQLite database in a temporary file.
///
/// # Panics
/// When it cannot be created.
pub async fn sqlite(namespace: &'static str, migrations: &Migrator) -> TestDatabase {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!(
        "sqlite://{}?mode=rwc",
        folder.path().join("test.db").display()
    );
    TestDatabase {
        database: open(&url, namespace, migrations).await,
        url,
        _folder: Some(folder),
    }
}

/// A migrated PostgreSQL database on the server at [`POSTGRES_VARIABLE`].
///
/// # Panics
/// When the variable is not set or the server cannot be reached.
pub async fn postgres(namespace: &'static str, migrations: &Migrator) -> TestDatabase {
    let server = required(POSTGRES_VARIABLE);
    let name = format!("test_{}", Uuid::now_v7().simple());
    sqlx::any::install_default_drivers();
    let mut connection = sqlx::AnyConnection::connect(&server)
        .await
        .expect("the PostgreSQL server of the tests");
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await
        .expect("a database of the test's own");
    let (base, _) = server.rsplit_once('/').expect("a URL with a database");
    let url = format!("{base}/{name}");
    TestDatabase {
        database: open(&url, namespace, migrations).await,
        url,
        _folder: None,
    }
}

/// The value of a variable that the tests require.
///
/// # Panics
/// When it is not set.
pub fn required(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: run `make test`, or set it to a running server")
    })
}

/// A request with an idempotency key.
///
/// # Panics
/// When the key cannot be a metadata value.
pub fn with_key<T>(message: T, key: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request
        .metadata_mut()
        .insert(IDEMPOTENCY_KEY, key.parse().expect("a metadata value"));
    request
}

async fn open(url: &str, namespace: &'static str, migrations: &Migrator) -> Database {
    Database::open(url, namespace, migrations)
        .await
        .expect("a migrated database")
}
