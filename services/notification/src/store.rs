//! The tables of notifications and webhooks.

use chassis::clock::{Clock, Millis};
use chassis::database::{Database, Write};
use chassis::inbox::{self, Recorded};
use chassis::{Failure, fault};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use telemetry::context::SavedContext;
use telemetry::db::observe;
use uuid::Uuid;

use crate::domain::Notice;

/// The name of this service's durable consumer.
pub const CONSUMER: &str = "notification";

/// The maximum number of notifications that one statement inserts.
const CHUNK: usize = 200;

/// The number of columns that are inserted.
const COLUMNS: usize = 8;

/// How long notifications are kept.
const RETENTION_MS: Millis = 30 * 24 * 60 * 60 * 1000;

/// The notification service's database.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) database: Database,
    pub(crate) clock: Clock,
}

/// A stored notification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its id, a version 7 UUID, so ids sort by time.
    pub id: String,
    /// The recipient's account.
    pub account_id: String,
    /// The kind of event, such as `order.confirmed`.
    pub kind: String,
    /// The auction, award or order that it is about.
    pub subject_id: String,
    /// The auction that it belongs to.
    pub auction_id: String,
    /// The text, for people.
    pub text: String,
    /// When it was stored.
    pub at_ms: Millis,
}

/// The numbers of rows that storing an event's notices has added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stored {
    /// The new notifications.
    pub notifications: u64,
    /// Their deliveries to webhooks.
    pub webhooks: u64,
}

// === impl Store ===

impl Store {
    /// A store in a migrated database.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// Stores an event's notices, and queues a delivery for each recipient with a webhook, with the current trace context.
    /// A redelivered event adds nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn store(&self, message_id: &str, notices: &[Notice]) -> Result<Stored, Failure> {
        let mut write = self.database.write().await?;
        let mut stored = Stored::default();
        match inbox::record(&mut write, &self.clock, CONSUMER, message_id).await? {
            Recorded::New => {}
            Recorded::Duplicate => return Ok(stored),
        }
        for chunk in notices.chunks(CHUNK) {
            stored.notifications += self.insert(&mut write, message_id, chunk).await?;
        }
        if stored.notifications > 0 {
            stored.webhooks = self.queue(&mut write, message_id).await?;
        }
        fault::point("notification.stored.before_commit");
        write.commit().await?;
        fault::point("notification.stored");
        Ok(stored)
    }

    async fn insert(
        &self,
        write: &mut Write,
        message_id: &str,
        notices: &[Notice],
    ) -> Result<u64, Failure> {
        let rows: Vec<String> = (0..notices.len())
            .map(|row| {
                let places: Vec<String> = (1..=COLUMNS)
                    .map(|column| format!("${}", row * COLUMNS + column))
                    .collect();
                format!("({})", places.join(", "))
            })
            .collect();
        let statement = format!(
            "INSERT INTO notifications (id, message_id, account_id, kind, subject_id, auction_id, text, at_ms) \
             VALUES {} ON CONFLICT (account_id, kind, subject_id) DO NOTHING",
            rows.join(", ")
        );
        let now = self.clock.now();
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for notice in notices {
            query = query
                .bind(Uuid::now_v7().to_string())
                .bind(message_id.to_owned())
                .bind(notice.account_id.clone())
                .bind(notice.kind)
                .bind(notice.subject_id.clone())
                .bind(notice.auction_id.clone())
                .bind(notice.text.clone())
                .bind(now);
        }
        let operation = write.operation("INSERT", "notifications");
        let done = observe(operation, query.execute(write.connection())).await?;
        Ok(done.rows_affected())
    }

    async fn queue(&self, write: &mut Write, message_id: &str) -> Result<u64, Failure> {
        let done = observe(
            write.operation("INSERT", "webhook_deliveries"),
            sqlx::query(
                "INSERT INTO webhook_deliveries \
                 (notification_id, account_id, trace_context, state, attempts, next_attempt_at_ms) \
                 SELECT notifications.id, notifications.account_id, $2, 'pending', 0, $3 FROM notifications \
                 JOIN webhooks ON webhooks.account_id = notifications.account_id \
                 WHERE notifications.message_id = $1",
            )
            .bind(message_id)
            .bind(SavedContext::current().to_text())
            .bind(self.clock.now())
            .execute(write.connection()),
        )
        .await?;
        Ok(done.rows_affected())
    }

    /// At most `limit` notifications of an account, newest first: those older than `after`, or from the newest one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(
        &self,
        account_id: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Notification>, Failure> {
        let rows = observe(
            self.database.operation("SELECT", "notifications"),
            sqlx::query(
                "SELECT id, account_id, kind, subject_id, auction_id, text, at_ms FROM notifications \
                 WHERE account_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3",
            )
            .bind(account_id)
            .bind(after.unwrap_or_default())
            .bind(i64::from(limit))
            .fetch_all(self.database.reads()),
        )
        .await?;
        rows.iter().map(notification).collect()
    }

    /// Deletes the notifications that are older than 30 days.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn prune(&self) -> Result<(), Failure> {
        let mut write = self.database.write().await?;
        let before = self.clock.now() - RETENTION_MS;
        for statement in [
            "DELETE FROM webhook_deliveries WHERE notification_id IN \
             (SELECT id FROM notifications WHERE at_ms <= $1)",
            "DELETE FROM notifications WHERE at_ms <= $1",
        ] {
            sqlx::query(statement)
                .bind(before)
                .execute(write.connection())
                .await?;
        }
        write.commit().await
    }
}

/// Deletes the account's webhook, and gives up its pending deliveries.
///
/// # Errors
/// When the database fails.
pub async fn delete_webhook(write: &mut Write, account_id: &str) -> Result<(), Failure> {
    observe(
        write.operation("DELETE", "webhooks"),
        sqlx::query("DELETE FROM webhooks WHERE account_id = $1")
            .bind(account_id)
            .execute(write.connection()),
    )
    .await?;
    observe(
        write.operation("UPDATE", "webhook_deliveries"),
        sqlx::query(
            "UPDATE webhook_deliveries SET state = 'failed' \
             WHERE account_id = $1 AND state = 'pending'",
        )
        .bind(account_id)
        .execute(write.connection()),
    )
    .await?;
    Ok(())
}

/// Sets the URL of the account's webhook.
///
/// # Errors
/// When the database fails.
pub async fn put_webhook(
    write: &mut Write,
    clock: &Clock,
    account_id: &str,
    url: &str,
) -> Result<(), Failure> {
    observe(
        write.operation("INSERT", "webhooks"),
        sqlx::query(
            "INSERT INTO webhooks (account_id, url, updated_at_ms) VALUES ($1, $2, $3) \
             ON CONFLICT (account_id) DO UPDATE SET url = excluded.url, updated_at_ms = excluded.updated_at_ms",
        )
        .bind(account_id)
        .bind(url)
        .bind(clock.now())
        .execute(write.connection()),
    )
    .await?;
    Ok(())
}

pub(crate) fn notification(row: &AnyRow) -> Result<Notification, Failure> {
    Ok(Notification {
        id: row.try_get("id")?,
        account_id: row.try_get("account_id")?,
        kind: row.try_get("kind")?,
        subject_id: row.try_get("subject_id")?,
        auction_id: row.try_get("auction_id")?,
        text: row.try_get("text")?,
        at_ms: row.try_get("at_ms")?,
    })
}
