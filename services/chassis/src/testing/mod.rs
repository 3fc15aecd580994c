//! For tests: a fresh database on each engine, so that one test body shows that both keep the same promises, and a
//! service's real program on ports of its own.

mod process;

pub use process::Process;

use std::ops::Deref;

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection as _};
use tempfile::TempDir;
use uuid::Uuid;

use crate::database::Database;

/// The variable with the address of a PostgreSQL server's maintenance database.
pub const POSTGRES_VARIABLE: &str = "BIDTRACE_TEST_POSTGRES_URL";

/// The variable with the address of a NATS server with JetStream.
pub const NATS_VARIABLE: &str = "BIDTRACE_TEST_NATS_URL";

/// A database of one test's own.
pub struct TestDatabase {
    database: Database,
    /// Its address: to open it a second time, as after a restart.
    pub url: String,
    _folder: Option<TempDir>,
}

impl Deref for TestDatabase {
    type Target = Database;

    fn deref(&self) -> &Database {
        &self.database
    }
}

/// A fresh SQLite file and a fresh PostgreSQL database, both migrated.
///
/// # Panics
/// When either cannot be had: a test without its real parts has shown nothing.
pub async fn databases(namespace: &'static str, migrations: &Migrator) -> Vec<TestDatabase> {
    vec![
        sqlite(namespace, migrations).await,
        postgres(namespace, migrations).await,
    ]
}

/// A fresh SQLite file.
///
/// # Panics
/// When it cannot be made.
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

/// A fresh PostgreSQL database on the server at [`POSTGRES_VARIABLE`].
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

/// The value of a variable that names a real part.
///
/// # Panics
/// When it is not set, with what to do.
pub fn required(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: run `make test`, or set it to a running server")
    })
}

async fn open(url: &str, namespace: &'static str, migrations: &Migrator) -> Database {
    Database::open(url, namespace, migrations)
        .await
        .expect("a migrated database")
}
