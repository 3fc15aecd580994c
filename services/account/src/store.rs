//! The tables of accounts and signing keys.

use chassis::clock::Millis;
use chassis::database::{Database, Write};
use chassis::{Failure, caller};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use telemetry::db::observe;

use crate::domain::{Account, Email, State};

/// An account and its credentials.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The account.
    pub account: Account,
    /// The hash of its password, a PHC string.
    pub password_hash: String,
    /// Whether the gateway accepts the trace context of its requests.
    pub trace_trusted: bool,
}

/// A private signing key.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// Its id, a version 7 UUID: the `kid` of the tokens that it signs.
    pub id: String,
    /// The key's 32 bytes in base64.
    pub secret: String,
}

/// Adds the account. Returns false, and changes nothing, when there is an account with its e-mail.
///
/// # Errors
/// When the database fails.
pub async fn insert(write: &mut Write, credentials: &Credentials) -> Result<bool, Failure> {
    let account = &credentials.account;
    let done = observe(
        write.operation("INSERT", "accounts"),
        sqlx::query(
            "INSERT INTO accounts \
             (id, email, name, role, state, password_hash, trace_trusted, created_at_ms) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (email) DO NOTHING",
        )
        .bind(&account.id)
        .bind(&account.email)
        .bind(&account.name)
        .bind(caller::name(account.role))
        .bind(account.state.name())
        .bind(&credentials.password_hash)
        .bind(i64::from(credentials.trace_trusted))
        .bind(account.created_at_ms)
        .execute(write.connection()),
    )
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces the password hash, role and `trace_trusted` of the account with this e-mail, and opens it.
///
/// # Errors
/// When the database fails.
pub async fn replace(write: &mut Write, credentials: &Credentials) -> Result<(), Failure> {
    observe(
        write.operation("UPDATE", "accounts"),
        sqlx::query(
            "UPDATE accounts SET password_hash = $1, role = $2, trace_trusted = $3, state = $4 \
             WHERE email = $5",
        )
        .bind(&credentials.password_hash)
        .bind(caller::name(credentials.account.role))
        .bind(i64::from(credentials.trace_trusted))
        .bind(State::Open.name())
        .bind(&credentials.account.email)
        .execute(write.connection()),
    )
    .await?;
    Ok(())
}

/// The account with this id.
///
/// # Errors
/// When the database fails.
pub async fn find(database: &Database, id: &str) -> Result<Option<Account>, Failure> {
    observe(
        database.operation("SELECT", "accounts"),
        sqlx::query(
            "SELECT id, email, name, role, state, created_at_ms FROM accounts WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(database.reads()),
    )
    .await?
    .as_ref()
    .map(account)
    .transpose()
}

/// The account with this e-mail, and its credentials.
///
/// # Errors
/// When the database fails.
pub async fn credentials(
    database: &Database,
    email: &Email,
) -> Result<Option<Credentials>, Failure> {
    let row = observe(
        database.operation("SELECT", "accounts"),
        sqlx::query(
            "SELECT id, email, name, role, state, created_at_ms, password_hash, trace_trusted \
             FROM accounts WHERE email = $1",
        )
        .bind(email.as_str())
        .fetch_optional(database.reads()),
    )
    .await?;
    row.map(|row| {
        Ok(Credentials {
            account: account(&row)?,
            password_hash: row.try_get("password_hash")?,
            trace_trusted: row.try_get::<i64, _>("trace_trusted")? != 0,
        })
    })
    .transpose()
}

/// At most `limit` accounts with ids greater than `after`, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list(database: &Database, after: &str, limit: u32) -> Result<Vec<Account>, Failure> {
    observe(
        database.operation("SELECT", "accounts"),
        sqlx::query(
            "SELECT id, email, name, role, state, created_at_ms FROM accounts \
             WHERE id > $1 ORDER BY id LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(database.reads()),
    )
    .await?
    .iter()
    .map(account)
    .collect()
}

/// Closes the account with this id, if there is one, and returns it. Closing it again changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn close(write: &mut Write, id: &str) -> Result<Option<Account>, Failure> {
    observe(
        write.operation("UPDATE", "accounts"),
        sqlx::query(
            "UPDATE accounts SET state = $1 WHERE id = $2 \
             RETURNING id, email, name, role, state, created_at_ms",
        )
        .bind(State::Closed.name())
        .bind(id)
        .fetch_optional(write.connection()),
    )
    .await?
    .as_ref()
    .map(account)
    .transpose()
}

/// All signing keys, newest first.
///
/// # Errors
/// When the database fails.
pub async fn signing_keys(database: &Database) -> Result<Vec<StoredKey>, Failure> {
    observe(
        database.operation("SELECT", "signing_keys"),
        sqlx::query("SELECT id, secret FROM signing_keys ORDER BY created_at_ms DESC, id DESC")
            .fetch_all(database.reads()),
    )
    .await?
    .into_iter()
    .map(|row| {
        Ok(StoredKey {
            id: row.try_get("id")?,
            secret: row.try_get("secret")?,
        })
    })
    .collect()
}

/// Adds a signing key.
///
/// # Errors
/// When the database fails.
pub async fn insert_signing_key(
    write: &mut Write,
    key: &StoredKey,
    now: Millis,
) -> Result<(), Failure> {
    observe(
        write.operation("INSERT", "signing_keys"),
        sqlx::query("INSERT INTO signing_keys (id, secret, created_at_ms) VALUES ($1, $2, $3)")
            .bind(&key.id)
            .bind(&key.secret)
            .bind(now)
            .execute(write.connection()),
    )
    .await?;
    Ok(())
}

fn account(row: &AnyRow) -> Result<Account, Failure> {
    let role: String = row.try_get("role")?;
    let state: String = row.try_get("state")?;
    Ok(Account {
        id: row.try_get("id")?,
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        role: caller::role(&role).ok_or_else(|| Failure::internal("an unknown role is stored"))?,
        state: State::from_name(&state)
            .ok_or_else(|| Failure::internal("an unknown state is stored"))?,
        created_at_ms: row.try_get("created_at_ms")?,
    })
}
