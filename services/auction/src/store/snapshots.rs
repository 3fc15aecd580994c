//! Queries for auctions with their lowest bid and their standing award.

use std::sync::LazyLock;

use chassis::Failure;
use chassis::clock::Millis;
use chassis::database::{Database, Write, optional_text};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use telemetry::context::SavedContext;
use telemetry::db::observe;

use super::auctions;
use crate::domain::{Award, Snapshot};

/// Which auctions to list.
#[derive(Debug, Clone, Copy)]
pub enum Listing<'a> {
    /// Every auction.
    All,
    /// The auctions that this account opened.
    OpenedBy(&'a str),
    /// The auctions in which this account may bid at this time.
    OpenFor(&'a str, Millis),
}

/// The beginning of every query here, in which `a` is the table of auctions.
static SELECT: LazyLock<String> = LazyLock::new(|| {
    let bid = |table: &str| {
        BID_COLUMNS
            .map(|column| format!("{table}.{column} AS {table}_{column}"))
            .join(", ")
    };
    format!(
        "SELECT {}, {}, {}, w.id AS award_id, w.awarded_at_ms, w.replaces_award_id, \
         w.trace_context AS award_context \
         FROM auctions a \
         LEFT JOIN bids lowest ON lowest.id = a.lowest_bid_id \
         LEFT JOIN awards w ON w.auction_id = a.id AND w.revoked_at_ms IS NULL \
         LEFT JOIN bids won ON won.id = w.bid_id",
        auctions::COLUMNS
            .map(|column| format!("a.{column}"))
            .join(", "),
        bid("lowest"),
        bid("won"),
    )
});

const BID_COLUMNS: [&str; 8] = [
    "id",
    "auction_id",
    "account_id",
    "restaurant_id",
    "restaurant_name",
    "price_minor",
    "placed_at_ms",
    "trace_context",
];

static ONE: LazyLock<String> = LazyLock::new(|| format!("{} WHERE a.id = $1", *SELECT));

static ALL: LazyLock<String> =
    LazyLock::new(|| format!("{} WHERE a.id < $1 ORDER BY a.id DESC LIMIT $2", *SELECT));

static OPENED_BY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{} WHERE a.id < $1 AND a.customer_account_id = $3 ORDER BY a.id DESC LIMIT $2",
        *SELECT
    )
});

static OPEN_FOR: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{} JOIN eligible e ON e.auction_id = a.id AND e.account_id = $3 \
         WHERE a.id < $1 AND a.state = 'open' AND a.deadline_ms > $4 \
         ORDER BY a.id DESC LIMIT $2",
        *SELECT
    )
});

/// Sorts after every id: ids consist of lower-case hexadecimal digits and dashes.
const AFTER_EVERY_ID: &str = "g";

/// The auction with this id.
///
/// # Errors
/// When the database fails.
pub async fn one(database: &Database, id: &str) -> Result<Option<Snapshot>, Failure> {
    let row = observe(
        database.operation("SELECT", "auctions"),
        sqlx::query(ONE.as_str())
            .bind(id)
            .fetch_optional(database.reads()),
    )
    .await?;
    row.as_ref().map(read).transpose()
}

/// The auction with this id, as this transaction sees it.
///
/// # Errors
/// `auction.unknown_auction`, or when the database fails.
pub async fn within(write: &mut Write, id: &str) -> Result<Snapshot, Failure> {
    let operation = write.operation("SELECT", "auctions");
    let row = observe(
        operation,
        sqlx::query(ONE.as_str())
            .bind(id)
            .fetch_optional(write.connection()),
    )
    .await?;
    read(row.as_ref().ok_or_else(auctions::unknown)?)
}

/// At most `limit` auctions, newest first: those older than the auction `before`, or from the newest one.
///
/// # Errors
/// When the database fails.
pub async fn list(
    database: &Database,
    listing: Listing<'_>,
    before: Option<&str>,
    limit: u32,
) -> Result<Vec<Snapshot>, Failure> {
    let statement = match listing {
        Listing::All => &ALL,
        Listing::OpenedBy(_) => &OPENED_BY,
        Listing::OpenFor(..) => &OPEN_FOR,
    };
    let mut query = sqlx::query(statement.as_str())
        .bind(before.unwrap_or(AFTER_EVERY_ID))
        .bind(i64::from(limit));
    match listing {
        Listing::All => {}
        Listing::OpenedBy(account) => query = query.bind(account),
        Listing::OpenFor(account, now) => query = query.bind(account).bind(now),
    }
    let rows = observe(
        database.operation("SELECT", "auctions"),
        query.fetch_all(database.reads()),
    )
    .await?;
    rows.iter().map(read).collect()
}

fn read(row: &AnyRow) -> Result<Snapshot, Failure> {
    let lowest = match row.try_get::<Option<String>, _>("lowest_id")? {
        None => None,
        Some(_) => Some(super::bid(row, "lowest_")?),
    };
    let award = match row.try_get::<Option<String>, _>("award_id")? {
        None => None,
        Some(id) => Some(Award {
            id,
            bid: super::bid(row, "won_")?,
            awarded_at_ms: row.try_get("awarded_at_ms")?,
            replaces_award_id: optional_text(row, "replaces_award_id")?,
            context: SavedContext::from_text(&row.try_get::<String, _>("award_context")?),
        }),
    };
    Ok(Snapshot {
        auction: auctions::read(row)?,
        lowest,
        award,
    })
}
