//! Databases: operations, statements, pools of connections.
//!
//! The spans, attributes and metrics are those of the semantic conventions for database clients 1.42, whose core is
//! stable. Nothing here knows a driver: calls are given as futures. Values never leave: an operation says what was done
//! to which collection, or a [`summary`] says it of a statement; the statement itself is recorded only by
//! [`Operation::text`], and then without its literals.
//!
//! ```
//! use std::any::Any;
//! use telemetry::ErrorType;
//! use telemetry::db::{Target, observe};
//!
//! # #[derive(Debug)]
//! # enum DriverError { Database { code: String }, Timeout }
//! # async fn find(_: &str) -> Result<Option<u64>, DriverError> { Ok(Some(1)) }
//! fn errors(error: &dyn Any) -> Option<ErrorType> {
//!     Some(match error.downcast_ref::<DriverError>()? {
//!         DriverError::Database { code } => ErrorType::status(code.clone()), // the SQLSTATE
//!         DriverError::Timeout => ErrorType::named("timeout"),
//!     })
//! }
//!
//! const SHOP: Target = Target::new("postgresql")
//!     .namespace("shop")
//!     .server("db.internal", 5432)
//!     .errors(errors);
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), DriverError> {
//! const BY_NAME: &str = "SELECT price FROM dishes WHERE name = $1";
//! let price = observe(SHOP.operation("SELECT", "dishes"), find(BY_NAME)).await?;
//! let again = observe(SHOP.statement(BY_NAME).text(), find(BY_NAME)).await?; // by its summary
//! # assert_eq!(price, again);
//! # Ok(())
//! # }
//! ```

mod pool;
mod statement;
mod summary;
mod tokens;

use std::any::Any;
use std::future::Future;
use std::sync::OnceLock;

use opentelemetry::Context;
use opentelemetry::trace::{SpanKind, TraceContextExt};

use crate::layers::error_type::{Classify, ErrorType};
use crate::layers::hop::{Ending, Hop};
use crate::metrics::signals::DbClientOperationDuration;
use crate::metrics::signals::attributes::{
    DB_COLLECTION_NAME, DB_NAMESPACE, DB_OPERATION_NAME, DB_QUERY_SUMMARY, DB_QUERY_TEXT,
    DB_RESPONSE_STATUS_CODE, DB_SYSTEM_NAME, SERVER_ADDRESS, SERVER_PORT,
};
use crate::trace::tracer::Start;
use crate::trace::wire::Attributes;

pub use pool::{Borrowed, Pool};
pub use statement::sanitized;
pub use summary::summary;

use statement::Statement;

/// A database as its client knows it: what the spans and metrics of every operation say.
///
/// It is small and made once: names that are known only at run time are leaked, `String::leak`.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    system: &'static str,
    namespace: &'static str,
    server: Option<(&'static str, u16)>,
    classify: Option<Classify>,
}

/// One kind of operation of a store.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    /// None of a quiet one.
    target: Option<Target>,
    what: What,
    with_text: bool,
}

/// What is done.
#[derive(Debug, Clone, Copy)]
enum What {
    /// A word of SQL, and the table.
    Named {
        operation: &'static str,
        collection: &'static str,
    },
    Statement(&'static Statement),
}

/// Runs an operation within a CLIENT span `{operation} {collection}`, or `{summary}`, and records how long it took.
///
/// There is a span only inside a trace that is sampled: a poll that nobody asked for makes none. The duration
/// is recorded always, except for [quiet](Operation::quiet) operations.
pub async fn observe<T, E, F>(operation: Operation, future: F) -> Result<T, E>
where
    E: Any,
    F: Future<Output = Result<T, E>>,
{
    let Some(target) = operation.target else {
        return future.await;
    };
    let hop = operation.start(&target);
    let running = hop.around(future);
    let failed: OnceLock<ErrorType> = OnceLock::new();
    let ending = Ending::new(hop, |hop: &Hop, error_type: Option<&str>| {
        let status_code = failed.get().and_then(ErrorType::status_code);
        if let Some(code) = status_code {
            hop.set(DB_RESPONSE_STATUS_CODE, code);
        }
        operation.measure(&target, hop, error_type, status_code);
    });
    let result = running.await;
    if let Err(error) = &result {
        failed.get_or_init(|| ErrorType::of(error, target.classify));
    }
    // The text of a database error may quote values; its type does not.
    ending.end(failed.get().map(|kind| (kind.name(), "")));
    result
}

// === impl Target ===

impl Target {
    /// A database of `system` (`db.system.name`: `postgresql`, `sqlite`).
    pub const fn new(system: &'static str) -> Self {
        Self {
            system,
            namespace: "",
            server: None,
            classify: None,
        }
    }

    /// The database's name within its server: `db.namespace`. For PostgreSQL that is the database, or
    /// `{database}|{schema}`.
    #[must_use]
    pub const fn namespace(mut self, name: &'static str) -> Self {
        self.namespace = name;
        self
    }

    /// The server's host and port, as the client was given them.
    #[must_use]
    pub const fn server(mut self, address: &'static str, port: u16) -> Self {
        self.server = Some((address, port));
        self
    }

    /// How the driver's errors are called in `error.type` and `db.response.status_code`; without it, by their Rust
    /// type.
    #[must_use]
    pub const fn errors(mut self, classify: Classify) -> Self {
        self.classify = Some(classify);
        self
    }

    /// An operation that is named by hand: the first word of its SQL (or `BEGIN`, `COMMIT`), and the table.
    pub const fn operation(self, operation: &'static str, collection: &'static str) -> Operation {
        Operation {
            target: Some(self),
            what: What::Named {
                operation,
                collection,
            },
            with_text: false,
        }
    }

    /// An operation that goes by the [`summary`] of its SQL. Each text is read once and remembered, so it is one that
    /// is written in the program, with placeholders and not with values. Past the first 500 summaries of a
    /// process, any other is `_OTHER`.
    pub fn statement(self, sql: &'static str) -> Operation {
        Operation {
            target: Some(self),
            what: What::Statement(Statement::of(sql)),
            with_text: false,
        }
    }
}

// === impl Operation ===

impl Operation {
    /// An operation that makes no span and counts in no metric: for idle polls.
    pub const fn quiet() -> Self {
        Self {
            target: None,
            what: What::Named {
                operation: "",
                collection: "",
            },
            with_text: false,
        }
    }

    /// Has the span of a [statement](Target::statement) carry its text as well, [`sanitized`]: `db.query.text`.
    #[must_use]
    pub const fn text(mut self) -> Self {
        self.with_text = true;
        self
    }

    fn start(&self, target: &Target) -> Hop {
        let traced = Context::map_current(|context| context.span().span_context().is_sampled());
        if !traced {
            return Hop::none();
        }
        Hop::start(
            Start::here(SpanKind::Client),
            || match self.what {
                What::Named {
                    operation,
                    collection,
                } => format!("{operation} {collection}").into(),
                What::Statement(statement) => statement.summary().unwrap_or(target.system).into(),
            },
            |attributes| self.describe(target, attributes),
        )
    }

    fn describe(&self, target: &Target, attributes: &mut Attributes<'_>) {
        attributes.set(DB_SYSTEM_NAME, target.system);
        if !target.namespace.is_empty() {
            attributes.set(DB_NAMESPACE, target.namespace);
        }
        if let Some((address, port)) = target.server {
            attributes.set(SERVER_ADDRESS, address);
            attributes.set(SERVER_PORT, port);
        }
        match self.what {
            What::Named {
                operation,
                collection,
            } => {
                attributes.set(DB_OPERATION_NAME, operation);
                attributes.set(DB_COLLECTION_NAME, collection);
                let summary = format!("{operation} {collection}");
                attributes.set(DB_QUERY_SUMMARY, &summary);
            }
            What::Statement(statement) => {
                attributes.set(DB_QUERY_SUMMARY, statement.label());
                if self.with_text && !statement.text.is_empty() {
                    attributes.set(DB_QUERY_TEXT, statement.text.as_str());
                }
            }
        }
    }

    fn measure(
        &self,
        target: &Target,
        hop: &Hop,
        error_type: Option<&str>,
        status_code: Option<&str>,
    ) {
        let (operation, collection, summary) = match self.what {
            What::Named {
                operation,
                collection,
            } => (Some(operation), Some(collection), None),
            What::Statement(statement) => (None, None, Some(statement.label())),
        };
        DbClientOperationDuration {
            db_system_name: target.system,
            db_namespace: Some(target.namespace),
            db_operation_name: operation,
            db_collection_name: collection,
            db_query_summary: summary,
            server_address: target.server.map(|(address, _)| address),
            server_port: target.server.map(|(_, port)| i64::from(port)),
            db_response_status_code: status_code,
            error_type,
        }
        .record(hop.seconds());
    }
}
