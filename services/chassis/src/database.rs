//! A service's own database: an SQLite file by default, PostgreSQL by URL, with the same migrations and queries.
//!
//! Queries go through sqlx's `Any` driver with `$1` placeholders, which both engines read. A write transaction's
//! first statement is an `UPDATE` of the row whose rules it decides: that takes PostgreSQL's row lock, where SQLite
//! has one writer anyway. Each statement is run through [`observe`](telemetry::db::observe).

use crate::failure::Failure;
use sqlx::{
    Any, AnyConnection, AnyPool, Transaction, any::AnyPoolOptions, migrate::MigrateError,
    migrate::Migrator,
};
use std::{sync::Arc, time::Duration};
use telemetry::db::Operation;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// The tables that the chassis keeps in every service's database: outbox, inbox and idempotency keys.
static OWN_MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Where [`OWN_MIGRATIONS`] keeps its history, apart from the service's.
const OWN_MIGRATIONS_TABLE: &str = "_chassis_migrations";

const MAX_CONNECTIONS: u32 = 8;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One file, one writer.
    Sqlite,
    /// PostgreSQL, or an engine that speaks its protocol.
    Postgres,
}

impl Engine {
    /// `db.system.name`.
    pub const fn system(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }
}

/// A service's database.
#[derive(Debug, Clone)]
pub struct Database {
    pool: AnyPool,
    engine: Engine,
    namespace: &'static str,
    /// SQLite has one writer: waiting here is fair, waiting on its busy handler is not.
    writer: Option<Arc<Semaphore>>,
    /// Told of each commit that put something in the outbox.
    pub(crate) outbox_filled: Arc<Notify>,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It could not be reached.
    #[error("cannot open the database")]
    Connect(#[source] sqlx::Error),
    /// Its tables could not be brought up to date.
    #[error("cannot migrate the database")]
    Migrate(#[from] MigrateError),
}

impl Database {
    /// Opens `url` and brings its tables up to date. `namespace` names the database in spans and metrics.
    ///
    /// # Errors
    /// When it cannot be reached, or a migration fails or has changed since it was applied.
    pub async fn open(
        url: &str,
        namespace: &'static str,
        migrations: &Migrator,
    ) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let engine = if url.starts_with("sqlite:") {
            Engine::Sqlite
        } else {
            Engine::Postgres
        };
        let pool = AnyPoolOptions::new()
            .max_connections(MAX_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .after_connect(move |connection, _| {
                Box::pin(async move {
                    if engine == Engine::Sqlite {
                        for pragma in [
                            "PRAGMA busy_timeout = 5000",
                            "PRAGMA journal_mode = WAL",
                            "PRAGMA synchronous = NORMAL",
                            "PRAGMA foreign_keys = ON",
                        ] {
                            sqlx::query(pragma).execute(&mut *connection).await?;
                        }
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await
            .map_err(OpenError::Connect)?;
        let own = Migrator {
            table_name: OWN_MIGRATIONS_TABLE.into(),
            ..Migrator::with_migrations(OWN_MIGRATIONS.iter().cloned().collect())
        };
        own.run(&pool).await?;
        migrations.run(&pool).await?;
        Ok(Self {
            pool,
            engine,
            namespace,
            writer: (engine == Engine::Sqlite).then(|| Arc::new(Semaphore::new(1))),
            outbox_filled: Arc::default(),
        })
    }

    /// The pool, for reads outside a transaction.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Which engine it is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// What a statement does, for [`telemetry::db::observe`]: the SQL verb and the table.
    pub fn operation(&self, operation: &'static str, collection: &'static str) -> Operation {
        Operation {
            system: self.engine.system(),
            operation,
            collection,
            namespace: self.namespace,
        }
    }

    /// Begins a write transaction. Dropping it rolls it back.
    ///
    /// # Errors
    /// When no connection can be had in time.
    pub async fn write(&self) -> Result<Write, Failure> {
        let permit = match &self.writer {
            Some(writer) => Some(
                writer
                    .clone()
                    .acquire_owned()
                    .await
                    .map_err(Failure::internal)?,
            ),
            None => None,
        };
        let transaction = match self.engine {
            Engine::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await?,
            Engine::Postgres => self.pool.begin().await?,
        };
        Ok(Write {
            transaction,
            database: self.clone(),
            fills_outbox: false,
            _permit: permit,
        })
    }

    /// Closes every connection, after the work in flight.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A write transaction.
pub struct Write {
    transaction: Transaction<'static, Any>,
    database: Database,
    pub(crate) fills_outbox: bool,
    // Last, so that the writer's turn ends after the transaction has.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Write {
    /// The connection, to run statements on.
    pub fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// As [`Database::operation`].
    pub fn operation(&self, operation: &'static str, collection: &'static str) -> Operation {
        self.database.operation(operation, collection)
    }

    /// Makes the changes last, and wakes the outbox's relay if it has something to send.
    ///
    /// # Errors
    /// When the commit fails; nothing has changed then.
    pub async fn commit(self) -> Result<(), Failure> {
        let Self {
            transaction,
            database,
            fills_outbox,
            _permit,
        } = self;
        let operation = database.operation("COMMIT", "transaction");
        telemetry::db::observe(operation, transaction.commit()).await?;
        if fills_outbox {
            database.outbox_filled.notify_one();
        }
        Ok(())
    }
}
