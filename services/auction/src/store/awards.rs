//! The table of awards. One unique index allows at most one standing award per auction, another at most one award per bid.

use chassis::Failure;
use chassis::clock::Millis;
use chassis::database::{Write, optional_text};
use sqlx::Row as _;
use telemetry::context::SavedContext;
use telemetry::db::observe;

use crate::domain::Award;

/// An award, standing or revoked.
#[derive(Debug, Clone)]
pub struct StoredAward {
    /// The award.
    pub award: Award,
    /// Whether it is revoked.
    pub revoked: bool,
}

/// Adds a standing award.
///
/// # Errors
/// When the database fails, or the auction has a standing award.
pub async fn insert(write: &mut Write, award: &Award) -> Result<(), Failure> {
    let operation = write.operation("INSERT", "awards");
    observe(
        operation,
        sqlx::query(
            "INSERT INTO awards (id, auction_id, bid_id, awarded_at_ms, replaces_award_id, \
             trace_context) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&award.id)
        .bind(&award.bid.auction_id)
        .bind(&award.bid.id)
        .bind(award.awarded_at_ms)
        .bind(award.replaces_award_id.as_deref().unwrap_or_default())
        .bind(award.context.to_text())
        .execute(write.connection()),
    )
    .await?;
    Ok(())
}

/// The award of this auction with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(
    write: &mut Write,
    auction_id: &str,
    award_id: &str,
) -> Result<Option<StoredAward>, Failure> {
    let operation = write.operation("SELECT", "awards");
    let row = observe(
        operation,
        sqlx::query(
            "SELECT w.awarded_at_ms, w.replaces_award_id, w.revoked_at_ms, \
             w.trace_context AS award_context, b.id, b.auction_id, b.account_id, b.restaurant_id, \
             b.restaurant_name, b.price_minor, b.placed_at_ms, b.trace_context \
             FROM awards w JOIN bids b ON b.id = w.bid_id WHERE w.id = $1 AND w.auction_id = $2",
        )
        .bind(award_id)
        .bind(auction_id)
        .fetch_optional(write.connection()),
    )
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    Ok(Some(StoredAward {
        award: Award {
            id: award_id.to_owned(),
            bid: super::bid(&row, "")?,
            awarded_at_ms: row.try_get("awarded_at_ms")?,
            replaces_award_id: optional_text(&row, "replaces_award_id")?,
            context: SavedContext::from_text(&row.try_get::<String, _>("award_context")?),
        },
        revoked: row.try_get::<Option<i64>, _>("revoked_at_ms")?.is_some(),
    }))
}

/// Revokes an award.
///
/// # Errors
/// When the database fails.
pub async fn revoke(
    write: &mut Write,
    award_id: &str,
    reason: &str,
    now: Millis,
) -> Result<(), Failure> {
    let operation = write.operation("UPDATE", "awards");
    observe(
        operation,
        sqlx::query("UPDATE awards SET revoked_at_ms = $2, revoke_reason = $3 WHERE id = $1")
            .bind(award_id)
            .bind(now)
            .bind(reason)
            .execute(write.connection()),
    )
    .await?;
    Ok(())
}
