//! The tables of wallets, the ledger, coupons and reservations: one function per statement.

use chassis::Failure;
use chassis::clock::Millis;
use chassis::database::{Database, Write};
use chassis::money::Money;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use telemetry::db::observe;
use uuid::Uuid;

use crate::domain::{Coupon, CouponCode, Discount, Reservation, ReservationRequest, State, Wallet};

/// The number of ledger entries that a balance shows.
const RECENT: i64 = 20;

/// The kind of a ledger entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// An admin granted the points.
    Granted,
    /// A settlement used them.
    Used,
    /// A settlement earned them.
    Earned,
}

/// A ledger entry to be written.
#[derive(Debug, Clone)]
pub struct NewEntry<'a> {
    /// The account.
    pub account_id: &'a str,
    /// The kind.
    pub kind: EntryKind,
    /// The change of points: positive for a credit, negative for a debit.
    pub points: i64,
    /// The reason, for people.
    pub reason: &'a str,
    /// The reservation, unless the points were granted.
    pub reservation_id: Option<&'a str>,
}

/// A ledger entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// A version 7 UUID.
    pub id: String,
    /// The change of points: positive for a credit, negative for a debit.
    pub points: i64,
    /// The reason, for people.
    pub reason: String,
    /// When it was written.
    pub at_ms: Millis,
}

// === wallets and ledger ===

/// Locks and reads the wallet of this account. An account without one has an empty wallet.
///
/// # Errors
/// When the database fails.
pub async fn lock_wallet(write: &mut Write, account_id: &str) -> Result<Wallet, Failure> {
    let row = observe(
        write.operation("UPDATE", "wallets"),
        sqlx::query(
            "UPDATE wallets SET points = points WHERE account_id = $1 \
             RETURNING points, points_reserved",
        )
        .bind(account_id)
        .fetch_optional(write.connection()),
    )
    .await?;
    row.as_ref().map_or(Ok(Wallet::default()), wallet)
}

/// Adds to the points and to the reserved points of a wallet, which is created when there is none.
///
/// # Errors
/// When the database fails, for example because a number would become negative.
pub async fn change_wallet(
    write: &mut Write,
    account_id: &str,
    points: i64,
    reserved: i64,
) -> Result<Wallet, Failure> {
    observe(
        write.operation("INSERT", "wallets"),
        sqlx::query(
            "INSERT INTO wallets (account_id, points, points_reserved) VALUES ($1, 0, 0) \
             ON CONFLICT (account_id) DO NOTHING",
        )
        .bind(account_id)
        .execute(write.connection()),
    )
    .await?;
    let row = observe(
        write.operation("UPDATE", "wallets"),
        sqlx::query(
            "UPDATE wallets SET points = points + $1, points_reserved = points_reserved + $2 \
             WHERE account_id = $3 RETURNING points, points_reserved",
        )
        .bind(points)
        .bind(reserved)
        .bind(account_id)
        .fetch_one(write.connection()),
    )
    .await?;
    wallet(&row)
}

/// Appends an entry to the ledger and returns it.
///
/// # Errors
/// When the database fails, for example because the reservation has an entry of this kind.
pub async fn append(write: &mut Write, entry: NewEntry<'_>, now: Millis) -> Result<Entry, Failure> {
    let id = Uuid::now_v7().to_string();
    observe(
        write.operation("INSERT", "ledger"),
        sqlx::query(
            "INSERT INTO ledger (id, account_id, kind, points, reason, reservation_id, at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&id)
        .bind(entry.account_id)
        .bind(entry.kind.name())
        .bind(entry.points)
        .bind(entry.reason)
        .bind(entry.reservation_id)
        .bind(now)
        .execute(write.connection()),
    )
    .await?;
    Ok(Entry {
        id,
        points: entry.points,
        reason: entry.reason.to_owned(),
        at_ms: now,
    })
}

/// A consistent read of an account's wallet and its latest ledger entries, newest first.
///
/// # Errors
/// When the database fails.
pub async fn balance(
    database: &Database,
    account_id: &str,
) -> Result<(Wallet, Vec<Entry>), Failure> {
    let rows = observe(
        database.operation("SELECT", "wallets"),
        sqlx::query(
            "SELECT w.points AS points, w.points_reserved AS points_reserved, \
                 l.id AS id, l.points AS entry_points, l.reason AS reason, l.at_ms AS at_ms \
             FROM wallets w JOIN ledger l ON l.account_id = w.account_id \
             WHERE w.account_id = $1 ORDER BY l.id DESC LIMIT $2",
        )
        .bind(account_id)
        .bind(RECENT)
        .fetch_all(database.reads()),
    )
    .await?;
    let wallet = rows.first().map_or(Ok(Wallet::default()), wallet)?;
    let entries = rows
        .iter()
        .map(|row| {
            Ok(Entry {
                id: row.try_get("id")?,
                points: row.try_get("entry_points")?,
                reason: row.try_get("reason")?,
                at_ms: row.try_get("at_ms")?,
            })
        })
        .collect::<Result<_, Failure>>()?;
    Ok((wallet, entries))
}

// === coupons ===

/// Adds the coupon. Returns false, and changes nothing, when there is a coupon with its code.
///
/// # Errors
/// When the database fails.
pub async fn insert_coupon(
    write: &mut Write,
    coupon: &Coupon,
    now: Millis,
) -> Result<bool, Failure> {
    let done = observe(
        write.operation("INSERT", "coupons"),
        sqlx::query(
            "INSERT INTO coupons \
             (code, discount_minor, currency, uses, uses_left, expires_at_ms, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (code) DO NOTHING",
        )
        .bind(coupon.code.as_str())
        .bind(coupon.discount.minor)
        .bind(&coupon.discount.currency)
        .bind(i64::from(coupon.uses))
        .bind(i64::from(coupon.uses_left))
        .bind(coupon.expires_at_ms)
        .bind(now)
        .execute(write.connection()),
    )
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks and reads the coupon with this code.
///
/// # Errors
/// When the database fails.
pub async fn lock_coupon(write: &mut Write, code: &CouponCode) -> Result<Option<Coupon>, Failure> {
    let row = observe(
        write.operation("UPDATE", "coupons"),
        sqlx::query(
            "UPDATE coupons SET uses_left = uses_left WHERE code = $1 \
             RETURNING code, discount_minor, currency, uses, uses_left, expires_at_ms",
        )
        .bind(code.as_str())
        .fetch_optional(write.connection()),
    )
    .await?;
    row.map(|row| {
        let count = |column: &str| -> Result<u32, Failure> {
            u32::try_from(row.try_get::<i64, _>(column)?).map_err(Failure::internal)
        };
        Ok(Coupon {
            code: CouponCode::from_stored(row.try_get("code")?),
            discount: Money {
                minor: row.try_get("discount_minor")?,
                currency: row.try_get("currency")?,
            },
            uses: count("uses")?,
            uses_left: count("uses_left")?,
            expires_at_ms: row.try_get("expires_at_ms")?,
        })
    })
    .transpose()
}

/// Adds to the number of uses that a coupon has left.
///
/// # Errors
/// When the database fails, for example because the number would become negative.
pub async fn change_coupon(
    write: &mut Write,
    code: &CouponCode,
    uses_left: i64,
) -> Result<(), Failure> {
    observe(
        write.operation("UPDATE", "coupons"),
        sqlx::query("UPDATE coupons SET uses_left = uses_left + $1 WHERE code = $2")
            .bind(uses_left)
            .bind(code.as_str())
            .execute(write.connection()),
    )
    .await?;
    Ok(())
}

// === reservations ===

/// Adds the reservation. Returns false, and changes nothing, when there is one with its id. Waits for a concurrent
/// transaction that adds one with the same id.
///
/// # Errors
/// When the database fails.
pub async fn insert_reservation(
    write: &mut Write,
    reservation: &Reservation,
    now: Millis,
) -> Result<bool, Failure> {
    let requested = reservation.requested.as_ref();
    let code = requested.and_then(|requested| requested.coupon_code.as_ref());
    let done = observe(
        write.operation("INSERT", "reservations"),
        sqlx::query(
            "INSERT INTO reservations (id, account_id, coupon_code, points_wished, price_minor, \
                 currency, coupon_minor, points_reserved, state, updated_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&reservation.id)
        .bind(requested.map_or("", |requested| requested.account_id.as_str()))
        .bind(code.map_or("", CouponCode::as_str))
        .bind(requested.map_or(0, |requested| requested.points))
        .bind(requested.map_or(0, |requested| requested.price.minor))
        .bind(requested.map_or("", |requested| requested.price.currency.as_str()))
        .bind(reservation.discount.coupon_minor)
        .bind(reservation.discount.points)
        .bind(reservation.state.name())
        .bind(now)
        .execute(write.connection()),
    )
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks and reads the reservation with this id.
///
/// # Errors
/// When the database fails.
pub async fn lock_reservation(write: &mut Write, id: &str) -> Result<Option<Reservation>, Failure> {
    let row = observe(
        write.operation("UPDATE", "reservations"),
        sqlx::query(
            "UPDATE reservations SET state = state WHERE id = $1 \
             RETURNING id, account_id, coupon_code, points_wished, price_minor, currency, \
                 coupon_minor, points_reserved, state",
        )
        .bind(id)
        .fetch_optional(write.connection()),
    )
    .await?;
    row.as_ref().map(reservation).transpose()
}

/// Stores the discount and state of the reservation.
///
/// # Errors
/// When the database fails.
pub async fn update_reservation(
    write: &mut Write,
    reservation: &Reservation,
    now: Millis,
) -> Result<(), Failure> {
    observe(
        write.operation("UPDATE", "reservations"),
        sqlx::query(
            "UPDATE reservations SET coupon_minor = $1, points_reserved = $2, state = $3, \
                 updated_at_ms = $4 WHERE id = $5",
        )
        .bind(reservation.discount.coupon_minor)
        .bind(reservation.discount.points)
        .bind(reservation.state.name())
        .bind(now)
        .bind(&reservation.id)
        .execute(write.connection()),
    )
    .await?;
    Ok(())
}

// === rows ===

impl EntryKind {
    const fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Used => "used",
            Self::Earned => "earned",
        }
    }
}

fn wallet(row: &AnyRow) -> Result<Wallet, Failure> {
    Ok(Wallet {
        points: row.try_get("points")?,
        points_reserved: row.try_get("points_reserved")?,
    })
}

fn reservation(row: &AnyRow) -> Result<Reservation, Failure> {
    let account_id: String = row.try_get("account_id")?;
    let code: String = row.try_get("coupon_code")?;
    let state: String = row.try_get("state")?;
    let requested = if account_id.is_empty() {
        None
    } else {
        Some(ReservationRequest {
            account_id,
            coupon_code: (!code.is_empty()).then(|| CouponCode::from_stored(code)),
            points: row.try_get("points_wished")?,
            price: Money {
                minor: row.try_get("price_minor")?,
                currency: row.try_get("currency")?,
            },
        })
    };
    Ok(Reservation {
        id: row.try_get("id")?,
        requested,
        discount: Discount {
            coupon_minor: row.try_get("coupon_minor")?,
            points: row.try_get("points_reserved")?,
        },
        state: State::from_name(&state)
            .ok_or_else(|| Failure::internal("an unknown state is stored"))?,
    })
}
