//! The auction service's database. Writes run in a transaction whose first statement is [`auctions::lock`], so that
//! whoever decides about an auction decides alone.

use chassis::Failure;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use sqlx::migrate::Migrator;
use telemetry::context::SavedContext;

use crate::domain::{Bid, Eligible};

pub mod auctions;
pub mod awards;
pub mod bids;
pub mod snapshots;

/// The tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Reads a bid from columns that are named as its table's, with `prefix` before each.
fn bid(row: &AnyRow, prefix: &str) -> Result<Bid, Failure> {
    let column = |name: &str| format!("{prefix}{name}");
    let text = |name: &str| row.try_get::<String, _>(column(name).as_str());
    let number = |name: &str| row.try_get::<i64, _>(column(name).as_str());
    Ok(Bid {
        id: text("id")?,
        auction_id: text("auction_id")?,
        bidder: Eligible {
            account_id: text("account_id")?,
            restaurant_id: text("restaurant_id")?,
            restaurant_name: text("restaurant_name")?,
        },
        price_minor: number("price_minor")?,
        placed_at_ms: number("placed_at_ms")?,
        context: SavedContext::from_text(&text("trace_context")?),
    })
}
