//! The auction service's database. A write transaction begins with [`auctions::lock`], so that decisions about an auction
//! are made one at a time.

use chassis::Failure;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use sqlx::migrate::Migrator;
use telemetry::context::SavedContext;

use crate::domain::{Bid, EligibleRestaurant};

pub mod auctions;
pub mod awards;
pub mod bids;
pub mod snapshots;

/// The migrations of the service's tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Reads a bid from the columns of its table, each with the prefix `prefix`.
fn bid(row: &AnyRow, prefix: &str) -> Result<Bid, Failure> {
    let column = |name: &str| format!("{prefix}{name}");
    let text = |name: &str| row.try_get::<String, _>(column(name).as_str());
    let number = |name: &str| row.try_get::<i64, _>(column(name).as_str());
    Ok(Bid {
        id: text("id")?,
        auction_id: text("auction_id")?,
        bidder: EligibleRestaurant {
            account_id: text("account_id")?,
            restaurant_id: text("restaurant_id")?,
            restaurant_name: text("restaurant_name")?,
        },
        price_minor: number("price_minor")?,
        placed_at_ms: number("placed_at_ms")?,
        context: SavedContext::from_text(&text("trace_context")?),
    })
}
