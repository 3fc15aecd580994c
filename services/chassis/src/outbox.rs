//! The transactional outbox: an event is written in the transaction of the change that it reports, and published
//! afterwards, at least once.
//!
//! The row stores the trace context of the change, so consumers continue the trace even when the event is published
//! much later. A republished event keeps its message id: the broker drops a duplicate within its duplicate window, and
//! the consumers' [inbox](crate::inbox) recognises later ones.

use std::time::Duration;

use api::events::Event;
use sqlx::Row as _;
use telemetry::context::SavedContext;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::broker::Broker;
use crate::clock::{Clock, Millis};
use crate::database::{Database, Write};
use crate::failure::{Failure, chain};
use crate::fault;

/// The maximum number of events that the relay reads with one query.
const BATCH: i64 = 100;
/// How often the relay polls when no commit wakes it. After a crash, pending events wait at most this long.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How often the metrics of the outbox are updated: the scrape interval of Prometheus.
const METRICS_INTERVAL: Duration = Duration::from_secs(5);
/// How long published events are kept for inspection.
const RETENTION_MS: Millis = 60 * 60 * 1000;

/// Adds `event` to the outbox in this transaction, with the current trace context.
///
/// # Errors
/// When the database fails.
pub async fn append<E: Event>(write: &mut Write, clock: &Clock, event: &E) -> Result<(), Failure> {
    let body = serde_json::to_string(event).map_err(Failure::internal)?;
    let operation = write.operation("INSERT", "outbox");
    telemetry::db::observe(
        operation,
        sqlx::query(
            "INSERT INTO outbox (id, subject, body, trace_context, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(Uuid::now_v7().to_string())
        .bind(E::SUBJECT)
        .bind(body)
        .bind(SavedContext::current().to_text())
        .bind(clock.now())
        .execute(write.connection()),
    )
    .await?;
    write.fills_outbox = true;
    Ok(())
}

/// Publishes the events of the outbox, oldest first, until `shutdown`. Failures are logged and retried.
pub async fn relay(database: Database, broker: Broker, clock: Clock, shutdown: CancellationToken) {
    loop {
        match publish_batch(&database, &broker, &clock).await {
            Ok(sent) if sent == BATCH => continue,
            Ok(_) => {}
            Err(failure) => {
                tracing::warn!(error = %chain(&failure), "publishing the outbox failed; retrying");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = database.outbox_filled.notified() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
    }
}

/// Updates the metrics of the outbox until `shutdown`. It runs in a task of its own, so that the metrics also show a
/// relay that hangs.
pub(crate) async fn update_metrics(database: Database, clock: Clock, shutdown: CancellationToken) {
    loop {
        match backlog(&database).await {
            Ok(Backlog { pending, oldest }) => {
                let age = oldest.map_or(0, |created| (clock.now() - created).max(0));
                registry::OutboxPending.set(float(pending));
                registry::OutboxOldestAge.set(float(age) / 1000.0);
            }
            Err(failure) => {
                tracing::warn!(error = %chain(&failure), "reading the outbox's backlog failed; retrying");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(METRICS_INTERVAL) => {}
        }
    }
}

/// The events that are not published yet.
struct Backlog {
    /// Their number.
    pending: i64,
    /// When the oldest was written.
    oldest: Option<Millis>,
}

async fn backlog(database: &Database) -> Result<Backlog, Failure> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS pending, MIN(created_at_ms) AS oldest FROM outbox \
         WHERE published_at_ms IS NULL",
    )
    .fetch_one(database.unmeasured_pool())
    .await?;
    Ok(Backlog {
        pending: row.try_get("pending")?,
        oldest: row.try_get("oldest")?,
    })
}

#[allow(clippy::cast_precision_loss)] // Counts of events and milliseconds stay far below 2^52.
fn float(value: i64) -> f64 {
    value as f64
}

/// Publishes one batch and returns its size.
async fn publish_batch(
    database: &Database,
    broker: &Broker,
    clock: &Clock,
) -> Result<i64, Failure> {
    let rows = sqlx::query(
        "SELECT id, subject, body, trace_context FROM outbox \
         WHERE published_at_ms IS NULL ORDER BY id LIMIT $1",
    )
    .bind(BATCH)
    .fetch_all(database.unmeasured_pool())
    .await?;
    let mut sent = 0;
    for row in rows {
        let id: String = row.try_get("id")?;
        let subject: String = row.try_get("subject")?;
        let body: String = row.try_get("body")?;
        let context = SavedContext::from_text(&row.try_get::<String, _>("trace_context")?);
        broker
            .publish(&subject, &id, &context, body.into_bytes())
            .await?;
        fault::point("outbox.published");
        let mut write = database.write().await?;
        telemetry::db::observe(
            write.operation("UPDATE", "outbox"),
            sqlx::query("UPDATE outbox SET published_at_ms = $2 WHERE id = $1")
                .bind(&id)
                .bind(clock.now())
                .execute(write.connection()),
        )
        .await?;
        write.commit().await?;
        sent += 1;
    }
    Ok(sent)
}

/// Deletes the events that were published more than an hour ago.
///
/// # Errors
/// When the database fails.
pub async fn prune(database: &Database, now: Millis) -> Result<(), Failure> {
    let mut write = database.write().await?;
    sqlx::query("DELETE FROM outbox WHERE published_at_ms <= $1")
        .bind(now - RETENTION_MS)
        .execute(write.connection())
        .await?;
    write.commit().await
}
