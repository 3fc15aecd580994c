//! The inbox: which messages each consumer has processed, so that a redelivered one has no second effect.
//!
//! The broker delivers at least once. A consumer records the message in the transaction of its effect: the two commit
//! together, or neither does.

use crate::clock::{Clock, Millis};
use crate::database::{Database, Write};
use crate::failure::Failure;

/// How long a processed message is remembered: longer than the broker keeps and redelivers it.
const RETENTION_MS: Millis = 48 * 60 * 60 * 1000;

/// Whether a message was processed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It was not: apply its effect in this transaction.
    New,
    /// It was: change nothing.
    Duplicate,
}

/// Records in this transaction that `consumer` processes the message `message_id`.
///
/// # Errors
/// When the database fails.
pub async fn record(
    write: &mut Write,
    clock: &Clock,
    consumer: &str,
    message_id: &str,
) -> Result<Recorded, Failure> {
    let operation = write.operation("INSERT", "inbox");
    let done = telemetry::db::observe(
        operation,
        sqlx::query(
            "INSERT INTO inbox (consumer, message_id, processed_at_ms) VALUES ($1, $2, $3) \
             ON CONFLICT (consumer, message_id) DO NOTHING",
        )
        .bind(consumer)
        .bind(message_id)
        .bind(clock.now())
        .execute(write.connection()),
    )
    .await?;
    Ok(if done.rows_affected() == 1 {
        Recorded::New
    } else {
        Recorded::Duplicate
    })
}

/// Deletes the messages that the broker can no longer redeliver.
///
/// # Errors
/// When the database fails.
pub async fn prune(database: &Database, now: Millis) -> Result<(), Failure> {
    let mut write = database.write().await?;
    sqlx::query("DELETE FROM inbox WHERE processed_at_ms <= $1")
        .bind(now - RETENTION_MS)
        .execute(write.connection())
        .await?;
    write.commit().await
}
