//! Events out: written in the transaction of the change that they report, published afterwards, at least once.
//!
//! The row keeps the trace context of the change, so the trace goes on in what the event causes, however much later.
//! A republished event keeps its message id; the broker drops the second copy within its window, and consumers are
//! idempotent beyond it.

use std::time::Duration;

use api::events::Event;
use sqlx::Row as _;
use telemetry::context::SavedContext;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::broker::Broker;
use crate::clock::Clock;
use crate::database::{Database, Write};
use crate::failure::{Failure, chain};
use crate::fault;

/// How many events one round of the relay sends.
const BATCH: i64 = 100;
/// How often the relay looks without being woken: what a crash left behind is sent after at most this.
const POLL: Duration = Duration::from_secs(1);
/// How often the metrics of the outbox are brought up to date: as often as Prometheus looks.
const WATCH: Duration = Duration::from_secs(5);
/// For how long published events are kept, to be looked at.
const OUTBOX_RETENTION_MS: i64 = 60 * 60 * 1000;
/// For how long a processed event is remembered: longer than the broker keeps and redelivers it.
const INBOX_RETENTION_MS: i64 = 48 * 60 * 60 * 1000;

/// Puts `event` in the outbox of this transaction, with the current trace context.
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

/// Publishes what is in the outbox until `shutdown`, oldest first. A failure is logged and tried again.
pub async fn relay(database: Database, broker: Broker, clock: Clock, shutdown: CancellationToken) {
    loop {
        match publish_batch(&database, &broker, &clock).await {
            Ok(sent) if sent == BATCH => continue,
            Ok(_) => {}
            Err(failure) => {
                tracing::warn!(error = %chain(&failure), "the outbox cannot be published; trying again");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = database.outbox_filled.notified() => {}
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// Keeps the metrics of the outbox true until `shutdown`, apart from the relay, so that they tell of one that hangs.
pub(crate) async fn watch(database: Database, clock: Clock, shutdown: CancellationToken) {
    loop {
        match backlog(&database).await {
            Ok((pending, oldest)) => {
                let waited = oldest.map_or(0, |created| (clock.now() - created).max(0));
                registry::OutboxPending.set(float(pending));
                registry::OutboxOldestAge.set(float(waited) / 1000.0);
            }
            Err(failure) => {
                tracing::warn!(error = %chain(&failure), "the outbox cannot be looked at; trying again");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(WATCH) => {}
        }
    }
}

/// How many events wait, and when the oldest was made.
async fn backlog(database: &Database) -> Result<(i64, Option<i64>), Failure> {
    let row = sqlx::query(
        "SELECT COUNT(*) AS pending, MIN(created_at_ms) AS oldest FROM outbox \
         WHERE published_at_ms IS NULL",
    )
    .fetch_one(database.polls())
    .await?;
    Ok((row.try_get("pending")?, row.try_get("oldest")?))
}

#[allow(clippy::cast_precision_loss)] // Counts of events and milliseconds stay far below 2^52.
fn float(value: i64) -> f64 {
    value as f64
}

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
    .fetch_all(database.polls())
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

/// Forgets the events that were published longer than an hour ago, and the inbox's entries that no redelivery can
/// match any more.
///
/// # Errors
/// When the database fails.
pub async fn prune(database: &Database, now: i64) -> Result<(), Failure> {
    let mut write = database.write().await?;
    for (statement, before) in [
        (
            "DELETE FROM outbox WHERE published_at_ms <= $1",
            now - OUTBOX_RETENTION_MS,
        ),
        (
            "DELETE FROM inbox WHERE processed_at_ms <= $1",
            now - INBOX_RETENTION_MS,
        ),
    ] {
        sqlx::query(statement)
            .bind(before)
            .execute(write.connection())
            .await?;
    }
    write.commit().await
}
