//! The queue of webhook deliveries in the database: which are due, their leases and their outcomes.

use chassis::Failure;
use chassis::clock::Millis;
use sqlx::Row as _;
use telemetry::context::SavedContext;
use telemetry::db::{Operation, observe};

use crate::store::{Notification, Store, notification};

/// The lease of a delivery: how long it belongs to the worker that took it. After a crash it is due again at its end.
const LEASE_MS: Millis = 30_000;

/// The delay after each failed attempt. After one more attempt the delivery is given up.
const BACK_OFF_MS: [Millis; 7] = [500, 2_000, 10_000, 60_000, 300_000, 1_800_000, 7_200_000];

/// A leased delivery of a notification to a webhook.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The notification.
    pub notification: Notification,
    /// The webhook's URL.
    pub url: String,
    /// The trace context that the delivery continues.
    pub context: SavedContext,
    /// The number of this attempt, from 1.
    pub attempt: i64,
}

/// The result of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// The receiver accepted the notification.
    Succeeded,
    /// It did not, or there was no answer.
    Failed,
}

/// The state of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// The receiver has accepted the notification.
    Delivered,
    /// The delivery will be retried.
    Pending,
    /// All attempts have failed.
    GivenUp,
}

impl Store {
    /// Leases at most `limit` deliveries that are due. A poll: when none is due, it records no span and no metric.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lease_due(&self, limit: usize) -> Result<Vec<Delivery>, Failure> {
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
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(self.database.unmeasured_pool()),
        )
        .await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut write = self.database.write().await?;
        let mut leased = Vec::with_capacity(rows.len());
        for row in &rows {
            let delivery = Delivery {
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
                .bind(&delivery.notification.id)
                .bind(delivery.attempt)
                .bind(now + LEASE_MS)
                .bind(delivery.attempt - 1)
                .execute(write.connection()),
            )
            .await?;
            if done.rows_affected() == 1 {
                leased.push(delivery);
            }
        }
        write.commit().await?;
        Ok(leased)
    }

    /// Stores the result of an attempt, and returns the state of the delivery.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_attempt(
        &self,
        delivery: &Delivery,
        attempt: Attempt,
    ) -> Result<DeliveryState, Failure> {
        let wait = usize::try_from(delivery.attempt - 1)
            .ok()
            .and_then(|index| BACK_OFF_MS.get(index));
        let (state, name, next) = match (attempt, wait) {
            (Attempt::Succeeded, _) => (DeliveryState::Delivered, "delivered", 0),
            (Attempt::Failed, Some(wait)) => {
                (DeliveryState::Pending, "pending", self.clock.now() + wait)
            }
            (Attempt::Failed, None) => (DeliveryState::GivenUp, "failed", 0),
        };
        let mut write = self.database.write().await?;
        observe(
            write.operation("UPDATE", "webhook_deliveries"),
            sqlx::query(
                "UPDATE webhook_deliveries SET state = $2, next_attempt_at_ms = $3 \
                 WHERE notification_id = $1 AND state = 'pending' AND attempts = $4",
            )
            .bind(&delivery.notification.id)
            .bind(name)
            .bind(next)
            .bind(delivery.attempt)
            .execute(write.connection()),
        )
        .await?;
        write.commit().await?;
        Ok(state)
    }
}
