//! The table of accepted bids. Each row stores the trace context in which the bid was accepted.

use chassis::Failure;
use chassis::database::Write;
use telemetry::db::observe;

use crate::domain::Bid;

/// Adds a bid.
///
/// # Errors
/// When the database fails, or the auction has a bid with this price.
pub async fn insert(write: &mut Write, bid: &Bid) -> Result<(), Failure> {
    let operation = write.operation("INSERT", "bids");
    observe(
        operation,
        sqlx::query(
            "INSERT INTO bids (id, auction_id, account_id, restaurant_id, restaurant_name, \
             price_minor, placed_at_ms, trace_context) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&bid.id)
        .bind(&bid.auction_id)
        .bind(&bid.bidder.account_id)
        .bind(&bid.bidder.restaurant_id)
        .bind(&bid.bidder.restaurant_name)
        .bind(bid.price_minor)
        .bind(bid.placed_at_ms)
        .bind(bid.context.to_text())
        .execute(write.connection()),
    )
    .await?;
    Ok(())
}

/// The bids of an auction that were never awarded, lowest first.
///
/// # Errors
/// When the database fails.
pub async fn unawarded(write: &mut Write, auction_id: &str) -> Result<Vec<Bid>, Failure> {
    let operation = write.operation("SELECT", "bids");
    let rows = observe(
        operation,
        sqlx::query(
            "SELECT id, auction_id, account_id, restaurant_id, restaurant_name, price_minor, \
             placed_at_ms, trace_context FROM bids WHERE auction_id = $1 \
             AND NOT EXISTS (SELECT 1 FROM awards WHERE awards.bid_id = bids.id) \
             ORDER BY price_minor",
        )
        .bind(auction_id)
        .fetch_all(write.connection()),
    )
    .await?;
    rows.iter().map(|row| super::bid(row, "")).collect()
}
