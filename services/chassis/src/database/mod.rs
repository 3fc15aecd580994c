//! A service's own database: an SQLite file by default, PostgreSQL by URL, with the same migrations and queries.
//!
//! Queries use sqlx's `Any` driver with `$1` placeholders, which both engines accept. A write transaction begins with an
//! `UPDATE` of the row that its decision depends on: on PostgreSQL this takes the row lock, and SQLite has only one
//! writer anyway. Each statement is run through [`observe`](telemetry::db::observe).

mod reads;

pub use reads::Reads;

use std::any::Any as AnyType;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions, AnyRow};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Row as _, Transaction};
use telemetry::ErrorType;
use telemetry::db::{Borrowed, Operation, Pool, Target};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// The chassis's own tables in every service's database: outbox, inbox and idempotency keys.
static OWN_MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The table with the history of [`OWN_MIGRATIONS`], separate from the history of the service's migrations.
const OWN_MIGRATIONS_TABLE: &str = "_chassis_migrations";

const MAX_CONNECTIONS: u32 = 8;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often the metrics of the pool are updated: the scrape interval of Prometheus.
const METRICS_INTERVAL: Duration = Duration::from_secs(5);
/// The port of a PostgreSQL URL that names none.
const POSTGRES_PORT: u16 = 5432;

/// A database engine.
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
    target: Target,
    pool_metrics: Arc<Pool>,
    /// SQLite's single writer. Waiting here is fair; waiting in SQLite's busy handler is not.
    writer: Option<Arc<Semaphore>>,
    /// Notified by each commit that added to the outbox.
    pub(crate) outbox_filled: Arc<Notify>,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The connection failed.
    #[error("cannot open the database")]
    Connect(#[source] sqlx::Error),
    /// A migration failed.
    #[error("cannot migrate the database")]
    Migrate(#[from] MigrateError),
}

impl Database {
    /// Opens `url` and runs the migrations. `name` names the pool in metrics, and is the `db.namespace` of an SQLite file.
    ///
    /// # Errors
    /// When it cannot be reached, or a migration fails or has changed since it was applied.
    pub async fn open(
        url: &str,
        name: &'static str,
        migrations: &Migrator,
    ) -> Result<Self, OpenError> {
        sqlx::any::install_default_drivers();
        let options: AnyConnectOptions = url.parse().map_err(OpenError::Connect)?;
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
            .connect_with(options.clone())
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
            target: target(engine, &options, name),
            pool_metrics: Arc::new(Pool::new(name, MAX_CONNECTIONS)),
            writer: (engine == Engine::Sqlite).then(|| Arc::new(Semaphore::new(1))),
            outbox_filled: Arc::default(),
        })
    }

    /// The executor of reads outside a transaction, with metrics of the wait for a connection.
    pub fn reads(&self) -> Reads<'_> {
        Reads(self)
    }

    /// The pool itself, without metrics: for polls for work, most of which find none.
    pub fn unmeasured_pool(&self) -> &AnyPool {
        &self.pool
    }

    async fn acquire(&self) -> Result<(PoolConnection<Any>, Borrowed), sqlx::Error> {
        self.pool_metrics
            .acquire(self.pool.acquire(), is_timeout)
            .await
    }

    /// Updates the metrics of the pool until `shutdown`.
    pub(crate) async fn update_pool_metrics(self, shutdown: CancellationToken) {
        loop {
            let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
            let used = self.pool.size().saturating_sub(idle);
            self.pool_metrics.observe(idle, used);
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(METRICS_INTERVAL) => {}
            }
        }
    }

    /// The database's engine.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The SQL verb and the table of a statement, for [`telemetry::db::observe`].
    pub fn operation(&self, operation: &'static str, collection: &'static str) -> Operation {
        self.target.operation(operation, collection)
    }

    /// Begins a write transaction, which is rolled back when it is dropped.
    ///
    /// In the metrics, the wait for a connection includes the wait for SQLite's writer and the `BEGIN`.
    ///
    /// # Errors
    /// When no connection is free within the pool's time-out.
    pub async fn write(&self) -> Result<Write, Failure> {
        let begin = async {
            let permit = match &self.writer {
                Some(writer) => Some(
                    writer
                        .clone()
                        .acquire_owned()
                        .await
                        .map_err(|_| sqlx::Error::PoolClosed)?,
                ),
                None => None,
            };
            let transaction = match self.engine {
                Engine::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await?,
                Engine::Postgres => self.pool.begin().await?,
            };
            Ok((transaction, permit))
        };
        let operation = self.operation("BEGIN", "transaction");
        let acquired = self.pool_metrics.acquire(begin, is_timeout);
        let ((transaction, permit), borrowed) = telemetry::db::observe(operation, acquired).await?;
        Ok(Write {
            transaction,
            database: self.clone(),
            fills_outbox: false,
            _borrowed: borrowed,
            _permit: permit,
        })
    }

    /// Closes every connection, after the operations in flight have ended.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// The attributes of spans and metrics for this database: its address and namespace, without the URL's credentials.
fn target(engine: Engine, options: &AnyConnectOptions, name: &'static str) -> Target {
    let target = Target::new(engine.system()).errors(error_type);
    let url = &options.database_url;
    match (engine, url.host_str()) {
        (Engine::Postgres, Some(host)) => {
            // Leaked once for each database that is opened: a service opens one and keeps it until it exits.
            let host = host.to_owned().leak();
            let namespace = url.path().trim_start_matches('/').to_owned().leak();
            target
                .namespace(namespace)
                .server(host, url.port().unwrap_or(POSTGRES_PORT))
        }
        _ => target.namespace(name),
    }
}

/// The `error.type` of a database error: the code of the server's answer (an SQLSTATE, or SQLite's result code), or the
/// kind of error when there was no answer.
fn error_type(error: &dyn AnyType) -> Option<ErrorType> {
    use sqlx::Error;
    Some(match error.downcast_ref::<Error>()? {
        Error::Database(answer) => answer.code().map_or_else(
            || ErrorType::named("database"),
            |code| ErrorType::status(code.into_owned()),
        ),
        Error::Io(_) => ErrorType::named("io"),
        Error::Tls(_) => ErrorType::named("tls"),
        Error::Protocol(_) => ErrorType::named("protocol"),
        Error::RowNotFound => ErrorType::named("row_not_found"),
        Error::PoolTimedOut => ErrorType::named("pool_timed_out"),
        Error::PoolClosed => ErrorType::named("pool_closed"),
        Error::WorkerCrashed => ErrorType::named("worker_crashed"),
        _ => ErrorType::named("client"),
    })
}

fn is_timeout(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::PoolTimedOut)
}

/// Reads a text column in which an empty string stands for no value.
///
/// # Errors
/// When the row has no such column of text.
pub fn optional_text(row: &AnyRow, column: &str) -> Result<Option<String>, Failure> {
    let text: String = row.try_get(column)?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// A write transaction.
pub struct Write {
    transaction: Transaction<'static, Any>,
    database: Database,
    pub(crate) fills_outbox: bool,
    _borrowed: Borrowed,
    // The last field, so that the writer's permit is released after the transaction has ended.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Write {
    /// The connection that runs the transaction's statements.
    pub fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// See [`Database::operation`].
    pub fn operation(&self, operation: &'static str, collection: &'static str) -> Operation {
        self.database.operation(operation, collection)
    }

    /// Commits the transaction, and wakes the outbox's relay when the transaction added an event.
    ///
    /// # Errors
    /// When the commit fails. Nothing has changed then.
    pub async fn commit(self) -> Result<(), Failure> {
        let Self {
            transaction,
            database,
            fills_outbox,
            _borrowed,
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
