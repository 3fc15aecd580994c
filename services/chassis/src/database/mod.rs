//! A service's own database: an SQLite file by default, PostgreSQL by URL, with the same migrations and queries.
//!
//! Queries go through sqlx's `Any` driver with `$1` placeholders, which both engines read. A write transaction's
//! first statement is an `UPDATE` of the row whose rules it decides: that takes PostgreSQL's row lock, where SQLite
//! has one writer anyway. Each statement is run through [`observe`](telemetry::db::observe).

mod reads;

pub use reads::Reads;

use std::any::Any as AnyType;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, Transaction};
use telemetry::ErrorType;
use telemetry::db::{Borrowed, Operation, Pool, Target};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// The tables that the chassis keeps in every service's database: outbox, inbox and idempotency keys.
static OWN_MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Where [`OWN_MIGRATIONS`] keeps its history, apart from the service's.
const OWN_MIGRATIONS_TABLE: &str = "_chassis_migrations";

const MAX_CONNECTIONS: u32 = 8;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often the metrics of the pool are brought up to date: as often as Prometheus looks.
const WATCH: Duration = Duration::from_secs(5);
/// PostgreSQL's own port, which its URL need not name.
const POSTGRES_PORT: u16 = 5432;

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
    target: Target,
    measured: Arc<Pool>,
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
    /// Opens `url` and brings its tables up to date. `name` is that of the pool in metrics, and of a database in a file.
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
            measured: Arc::new(Pool::new(name, MAX_CONNECTIONS)),
            writer: (engine == Engine::Sqlite).then(|| Arc::new(Semaphore::new(1))),
            outbox_filled: Arc::default(),
        })
    }

    /// For reads outside a transaction.
    pub fn pool(&self) -> Reads<'_> {
        Reads(self)
    }

    /// For idle polls, which count in no metric: looks for work that is mostly not there.
    pub fn polls(&self) -> &AnyPool {
        &self.pool
    }

    async fn acquire(&self) -> Result<(PoolConnection<Any>, Borrowed), sqlx::Error> {
        self.measured.acquire(self.pool.acquire(), is_timeout).await
    }

    /// Keeps the metrics of the pool true until `shutdown`.
    pub(crate) async fn watch_pool(self, shutdown: CancellationToken) {
        loop {
            let idle = u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
            let used = self.pool.size().saturating_sub(idle);
            self.measured.observe(idle, used);
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(WATCH) => {}
            }
        }
    }

    /// Which engine it is.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// What a statement does, for [`telemetry::db::observe`]: the SQL verb and the table.
    pub fn operation(&self, operation: &'static str, collection: &'static str) -> Operation {
        self.target.operation(operation, collection)
    }

    /// Begins a write transaction. Dropping it rolls it back.
    ///
    /// The wait for SQLite's writer is a part of the wait for the connection, and so is the `BEGIN`.
    ///
    /// # Errors
    /// When no connection can be had in time.
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
        let acquired = self.measured.acquire(begin, is_timeout);
        let ((transaction, permit), borrowed) = telemetry::db::observe(operation, acquired).await?;
        Ok(Write {
            transaction,
            database: self.clone(),
            fills_outbox: false,
            _borrowed: borrowed,
            _permit: permit,
        })
    }

    /// Closes every connection, after the work in flight.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// What spans and metrics say of the database behind a URL: where it is, and nothing that is secret.
fn target(engine: Engine, options: &AnyConnectOptions, name: &'static str) -> Target {
    let target = Target::new(engine.system()).errors(error_type);
    let url = &options.database_url;
    match (engine, url.host_str()) {
        (Engine::Postgres, Some(host)) => {
            // Once for each database that is opened: a service has one, for as long as it lives.
            let host = host.to_owned().leak();
            let namespace = url.path().trim_start_matches('/').to_owned().leak();
            target
                .namespace(namespace)
                .server(host, url.port().unwrap_or(POSTGRES_PORT))
        }
        _ => target.namespace(name),
    }
}

/// What an error of the database is called: the code that the server answered with (an SQLSTATE, or SQLite's result
/// code), or how it was not reached.
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

/// A write transaction.
pub struct Write {
    transaction: Transaction<'static, Any>,
    database: Database,
    pub(crate) fills_outbox: bool,
    _borrowed: Borrowed,
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
