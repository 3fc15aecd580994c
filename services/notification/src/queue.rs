//! The queue of webhook posts, in the database: what is due, who has taken it, and what became of it.

use chassis::Failure;
use chassis::clock::Millis;
use sqlx::Row as _;
use telemetry::context::SavedContext;
use telemetry::db::{Operation, observe};

use crate::store::{Notification, Store, notification};

/// For how long a post that was taken is left to whoever took it; after a crash it is due again then.
const LEASE_MS: Millis = 30_000;

/// How long to wait after the first, second, … attempt that failed.
const BACK_OFF_MS: [Millis; 7] = [500, 2_000, 10_000, 60_000, 300_000, 1_800_000, 7_200_000];

/// A notification that is to be posted, taken by its lease.
#[derive(Debug, Clone)]
pub struct Due {
    /// What to post.
    pub notification: Notification,
    /// Where to.
    pub url: String,
    /// The trace that goes on in the post.
    pub context: SavedContext,
    /// Which attempt this is, from 1.
    pub attempt: i64,
}

/// What became of a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Became {
    /// The receiver took it.
    Delivered,
    /// It is due again later.
    Retried,
    /// It was tried often enough.
    GivenUp,
}

impl Store {
    /// Takes posts that are due, at most so many. An idle look makes no trace.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_due(&self, at_most: usize) -> Result<Vec<Due>, Failure> {
        let now = self.clock.now();
        let rows = observe(
            Operation::quiet(),
            sqlx::query(
                "SELECT notifications.id, notifications.account_id, kind, subject_id, auction_id, text, at_ms, \
                 url, trace_context, attempts, next_attempt_at_ms FROM webhook_deliveries \
                 JOIN notifications ON notifications.id = webhook_deliveries.notification_id \
                 JOIN webhooks ON webhooks.account_id = webhook_deliveries.account_id \
                 WHERE state = 'pending' AND next_attempt_at_ms <= $1 ORDER BY next_attempt_at_ms LIMIT $2",
            )
            .bind(now)
            .bind(i64::try_from(at_most).unwrap_or(i64::MAX))
            .fetch_all(self.database.polls()),
        )
        .await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut write = self.database.write().await?;
        let mut taken = Vec::with_capacity(rows.len());
        for row in &rows {
            let due = Due {
                notification: notification(row)?,
                url: row.try_get("url")?,
                context: SavedContext::from_text(&row.try_get::<String, _>("trace_context")?),
                attempt: row.try_get::<i64, _>("attempts")? + 1,
            };
            let done = observe(
                write.operation("UPDATE", "webhook_deliveries"),
                sqlx::query(
                    "UPDATE webhook_deliveries SET attempts = $2, next_attempt_at_ms = $3 \
                     WHERE notification_id = $1 AND state = 'pending' AND attempts = $4",
                )
                .bind(&due.notification.id)
                .bind(due.attempt)
                .bind(now + LEASE_MS)
                .bind(due.attempt - 1)
                .execute(write.connection()),
            )
            .await?;
            if done.rows_affected() == 1 {
                taken.push(due);
            }
        }
        write.commit().await?;
        Ok(taken)
    }

    /// Stores how an attempt went, and gives what became of the post.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn attempted(&self, due: &Due, delivered: bool) -> Result<Became, Failure> {
        let wait = usize::try_from(due.attempt - 1)
            .ok()
            .and_then(|index| BACK_OFF_MS.get(index));
        let (became, state, next) = match (delivered, wait) {
            (true, _) => (Became::Delivered, "delivered", 0),
            (false, Some(wait)) => (Became::Retried, "pending", self.clock.now() + wait),
            (false, None) => (Became::GivenUp, "failed", 0),
        };
        let mut write = self.database.write().await?;
        observe(
            write.operation("UPDATE", "webhook_deliveries"),
            sqlx::query(
                "UPDATE webhook_deliveries SET state = $2, next_attempt_at_ms = $3 \
                 WHERE notification_id = $1 AND state = 'pending' AND attempts = $4",
            )
            .bind(&due.notification.id)
            .bind(state)
            .bind(next)
            .bind(due.attempt)
            .execute(write.connection()),
        )
        .await?;
        write.commit().await?;
        Ok(became)
    }
}
