//! Database operations.
//!
//! The attributes are those of the semantic conventions for database clients 1.42. Neither statements nor
//! values are recorded, only what was done to which collection.

use std::error::Error;
use std::future::Future;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use tracing::Instrument;

use crate::hop::{Ending, Hop};
use crate::signals;

/// One kind of operation of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// The database: `sqlite` or `postgresql`.
    pub system: &'static str,
    /// The first word of the statement: `SELECT`, or `BEGIN`, `COMMIT`.
    pub operation: &'static str,
    /// The table.
    pub collection: &'static str,
    /// The database's name.
    pub namespace: &'static str,
}

/// Runs an operation within a CLIENT span `{operation} {collection}`, and records how long it took.
///
/// There is a span only inside a trace that is sampled: a poll that nobody asked for makes none. The duration
/// is recorded always, except for [quiet](Operation::quiet) operations.
pub async fn observe<T, E, F>(operation: Operation, future: F) -> Result<T, E>
where
    E: Error,
    F: Future<Output = Result<T, E>>,
{
    if operation.is_quiet() {
        return future.await;
    }
    let hop = Hop::new(operation.span());
    let span = hop.span().clone();
    let ending = Ending::new(hop, |hop: &Hop, error_type: &str| {
        signals::DB_CLIENT_OPERATION_DURATION
            .histogram(&[
                ("db.system.name", operation.system),
                ("db.operation.name", operation.operation),
                ("db.collection.name", operation.collection),
                ("error.type", error_type),
            ])
            .record(hop.seconds());
    });
    let result = future.instrument(span).await;
    // The text of a database error may quote values; its type does not.
    let failed = result.is_err().then(|| (std::any::type_name::<E>(), ""));
    ending.end(failed);
    result
}

// === impl Operation ===

impl Operation {
    const QUIET: &'static str = "";

    /// An operation that makes no span and counts in no metric: for idle polls.
    pub const fn quiet() -> Self {
        Self {
            system: Self::QUIET,
            operation: Self::QUIET,
            collection: Self::QUIET,
            namespace: Self::QUIET,
        }
    }

    fn is_quiet(&self) -> bool {
        self.system.is_empty()
    }

    fn span(&self) -> tracing::Span {
        let traced = Context::map_current(|context| {
            let span = context.span();
            span.span_context().is_valid() && span.span_context().is_sampled()
        });
        if !traced {
            return tracing::Span::none();
        }
        let name = format!("{} {}", self.operation, self.collection);
        tracing::info_span!(
            target: "telemetry",
            "db.client",
            otel.name = name.as_str(),
            otel.kind = "client",
            db.system.name = self.system,
            db.operation.name = self.operation,
            db.collection.name = self.collection,
            db.namespace = self.namespace,
            db.query.summary = name.as_str(),
        )
    }
}
