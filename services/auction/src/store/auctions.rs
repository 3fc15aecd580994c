//! The tables of auctions and of the restaurants that may bid in them.

use std::fmt::Write as _;
use std::sync::LazyLock;

use chassis::Failure;
use chassis::clock::Millis;
use chassis::database::{Database, Write, optional_text};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use telemetry::context::SavedContext;
use telemetry::db::{Operation, observe};

use crate::domain::{Auction, Dish, EligibleRestaurant, Place, State, Terms};

/// The columns of an auction, in the order in which [`insert`] binds them.
pub(super) const COLUMNS: [&str; 22] = [
    "id",
    "customer_account_id",
    "dishes",
    "latitude",
    "longitude",
    "address",
    "currency",
    "ceiling_minor",
    "step_minor",
    "coupon_code",
    "points_to_use",
    "payment_method",
    "opened_at_ms",
    "deadline_ms",
    "eligible_count",
    "state",
    "sequence",
    "bid_count",
    "lowest_minor",
    "lowest_bid_id",
    "trace_context",
    "cause",
];

static INSERT: LazyLock<String> = LazyLock::new(|| {
    let places: Vec<String> = (1..=COLUMNS.len()).map(|n| format!("${n}")).collect();
    format!(
        "INSERT INTO auctions ({}) VALUES ({})",
        COLUMNS.join(", "),
        places.join(", ")
    )
});

static LOCK: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE auctions SET sequence = sequence WHERE id = $1 RETURNING {}",
        COLUMNS.join(", ")
    )
});

static PEEK: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {} FROM auctions WHERE id = $1 AND state = 'open' AND deadline_ms <= $2",
        COLUMNS.join(", ")
    )
});

/// Adds an auction and the restaurants that may bid in it.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    write: &mut Write,
    auction: &Auction,
    eligible: &[EligibleRestaurant],
) -> Result<(), Failure> {
    let Terms {
        dishes,
        place,
        currency,
        ceiling_minor,
        step_minor,
        coupon_code,
        points_to_use,
        payment_method,
    } = &auction.terms;
    let operation = write.operation("INSERT", "auctions");
    observe(
        operation,
        sqlx::query(INSERT.as_str())
            .bind(&auction.id)
            .bind(&auction.customer_account_id)
            .bind(serde_json::to_string(dishes).map_err(Failure::internal)?)
            .bind(place.latitude)
            .bind(place.longitude)
            .bind(&place.address)
            .bind(currency)
            .bind(*ceiling_minor)
            .bind(*step_minor)
            .bind(coupon_code.as_deref().unwrap_or_default())
            .bind(*points_to_use)
            .bind(payment_method)
            .bind(auction.opened_at_ms)
            .bind(auction.deadline_ms)
            .bind(auction.eligible_count)
            .bind(auction.state.name())
            .bind(auction.sequence)
            .bind(auction.bid_count)
            .bind(auction.lowest_minor)
            .bind(auction.lowest_bid_id.as_deref())
            .bind(auction.context.to_text())
            .bind(auction.cause.to_text())
            .execute(write.connection()),
    )
    .await?;
    insert_eligible(write, &auction.id, eligible).await
}

async fn insert_eligible(
    write: &mut Write,
    auction_id: &str,
    eligible: &[EligibleRestaurant],
) -> Result<(), Failure> {
    if eligible.is_empty() {
        return Ok(());
    }
    // One statement for all of them: one for each would be up to a thousand spans and round trips.
    let mut statement = String::from(
        "INSERT INTO eligible (auction_id, account_id, restaurant_id, restaurant_name) VALUES ",
    );
    for index in 0..eligible.len() {
        let comma = if index == 0 { "" } else { ", " };
        let first = 2 + 3 * index;
        write!(
            statement,
            "{comma}($1, ${first}, ${}, ${})",
            first + 1,
            first + 2
        )
        .map_err(Failure::internal)?;
    }
    let operation = write.operation("INSERT", "eligible");
    let mut query = sqlx::query(AssertSqlSafe(statement))
        .persistent(false)
        .bind(auction_id);
    for restaurant in eligible {
        query = query
            .bind(&restaurant.account_id)
            .bind(&restaurant.restaurant_id)
            .bind(&restaurant.restaurant_name);
    }
    observe(operation, query.execute(write.connection())).await?;
    Ok(())
}

/// Locks the auction's row for this transaction and reads it.
///
/// # Errors
/// When the database fails.
pub async fn lock(write: &mut Write, id: &str) -> Result<Option<Auction>, Failure> {
    let operation = write.operation("UPDATE", "auctions");
    let row = observe(
        operation,
        sqlx::query(LOCK.as_str())
            .bind(id)
            .fetch_optional(write.connection()),
    )
    .await?;
    row.as_ref().map(read).transpose()
}

/// As [`lock`], for an auction that must exist.
///
/// # Errors
/// `auction.unknown_auction`, or when the database fails.
pub async fn lock_known(write: &mut Write, id: &str) -> Result<Auction, Failure> {
    lock(write, id).await?.ok_or_else(unknown)
}

/// The failure for an auction that does not exist, or that the caller may not see.
pub fn unknown() -> Failure {
    Failure::not_found("auction.unknown_auction", "there is no such auction")
}

/// Stores the columns of an auction that can change.
///
/// # Errors
/// When the database fails.
pub async fn save(write: &mut Write, auction: &Auction) -> Result<(), Failure> {
    let operation = write.operation("UPDATE", "auctions");
    observe(
        operation,
        sqlx::query(
            "UPDATE auctions SET state = $2, sequence = $3, bid_count = $4, lowest_minor = $5, \
             lowest_bid_id = $6, cause = $7 WHERE id = $1",
        )
        .bind(&auction.id)
        .bind(auction.state.name())
        .bind(auction.sequence)
        .bind(auction.bid_count)
        .bind(auction.lowest_minor)
        .bind(auction.lowest_bid_id.as_deref())
        .bind(auction.cause.to_text())
        .execute(write.connection()),
    )
    .await?;
    Ok(())
}

/// The restaurant of this account, if it may bid in this auction.
///
/// # Errors
/// When the database fails.
pub async fn eligible(
    write: &mut Write,
    auction_id: &str,
    account_id: &str,
) -> Result<Option<EligibleRestaurant>, Failure> {
    let operation = write.operation("SELECT", "eligible");
    let row = observe(
        operation,
        sqlx::query(
            "SELECT account_id, restaurant_id, restaurant_name FROM eligible \
             WHERE auction_id = $1 AND account_id = $2",
        )
        .bind(auction_id)
        .bind(account_id)
        .fetch_optional(write.connection()),
    )
    .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    Ok(Some(EligibleRestaurant {
        account_id: row.try_get("account_id")?,
        restaurant_id: row.try_get("restaurant_id")?,
        restaurant_name: row.try_get("restaurant_name")?,
    }))
}

/// Whether this account may bid in this auction.
///
/// # Errors
/// When the database fails.
pub async fn is_eligible(
    database: &Database,
    auction_id: &str,
    account_id: &str,
) -> Result<bool, Failure> {
    let found = observe(
        database.operation("SELECT", "eligible"),
        sqlx::query("SELECT account_id FROM eligible WHERE auction_id = $1 AND account_id = $2")
            .bind(auction_id)
            .bind(account_id)
            .fetch_optional(database.reads()),
    )
    .await?;
    Ok(found.is_some())
}

/// The earliest deadline of the open auctions. A poll: it records no span and no metric.
///
/// # Errors
/// When the database fails.
pub async fn next_deadline(database: &Database) -> Result<Option<Millis>, Failure> {
    let row = observe(
        Operation::quiet(),
        sqlx::query(
            "SELECT deadline_ms FROM auctions WHERE state = 'open' ORDER BY deadline_ms LIMIT 1",
        )
        .fetch_optional(database.unmeasured_pool()),
    )
    .await?;
    Ok(row.map(|row| row.try_get("deadline_ms")).transpose()?)
}

/// The ids of at most `limit` open auctions whose deadline has passed, earliest first. A poll, as [`next_deadline`].
///
/// # Errors
/// When the database fails.
pub async fn due(database: &Database, now: Millis, limit: i64) -> Result<Vec<String>, Failure> {
    let rows = observe(
        Operation::quiet(),
        sqlx::query(
            "SELECT id FROM auctions WHERE state = 'open' AND deadline_ms <= $1 \
             ORDER BY deadline_ms LIMIT $2",
        )
        .bind(now)
        .bind(limit)
        .fetch_all(database.unmeasured_pool()),
    )
    .await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

/// The auction, if it is open and its deadline has passed: its trace context is needed before its closing begins. A poll,
/// as [`next_deadline`].
///
/// # Errors
/// When the database fails.
pub async fn peek_due(
    database: &Database,
    id: &str,
    now: Millis,
) -> Result<Option<Auction>, Failure> {
    let row = observe(
        Operation::quiet(),
        sqlx::query(PEEK.as_str())
            .bind(id)
            .bind(now)
            .fetch_optional(database.unmeasured_pool()),
    )
    .await?;
    row.as_ref().map(read).transpose()
}

/// The number of open auctions.
///
/// # Errors
/// When the database fails.
pub async fn count_open(database: &Database) -> Result<i64, Failure> {
    let row = observe(
        Operation::quiet(),
        sqlx::query("SELECT COUNT(*) AS open FROM auctions WHERE state = 'open'")
            .fetch_one(database.unmeasured_pool()),
    )
    .await?;
    Ok(row.try_get("open")?)
}

/// Reads an auction from a row with [`COLUMNS`].
pub(super) fn read(row: &AnyRow) -> Result<Auction, Failure> {
    let state: String = row.try_get("state")?;
    let dishes: String = row.try_get("dishes")?;
    let dishes: Vec<Dish> = serde_json::from_str(&dishes).map_err(Failure::internal)?;
    Ok(Auction {
        id: row.try_get("id")?,
        customer_account_id: row.try_get("customer_account_id")?,
        terms: Terms {
            dishes,
            place: Place {
                latitude: row.try_get("latitude")?,
                longitude: row.try_get("longitude")?,
                address: row.try_get("address")?,
            },
            currency: row.try_get("currency")?,
            ceiling_minor: row.try_get("ceiling_minor")?,
            step_minor: row.try_get("step_minor")?,
            coupon_code: optional_text(row, "coupon_code")?,
            points_to_use: row.try_get("points_to_use")?,
            payment_method: row.try_get("payment_method")?,
        },
        opened_at_ms: row.try_get("opened_at_ms")?,
        deadline_ms: row.try_get("deadline_ms")?,
        eligible_count: row.try_get("eligible_count")?,
        state: State::named(&state)
            .ok_or_else(|| Failure::internal(format!("an auction is in the state {state}")))?,
        sequence: row.try_get("sequence")?,
        bid_count: row.try_get("bid_count")?,
        lowest_minor: row.try_get("lowest_minor")?,
        lowest_bid_id: row.try_get("lowest_bid_id")?,
        context: SavedContext::from_text(&row.try_get::<String, _>("trace_context")?),
        cause: SavedContext::from_text(&row.try_get::<String, _>("cause")?),
    })
}
