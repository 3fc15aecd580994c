//! The external payment provider, simulated: it authorises and voids, idempotently, and like a real one it can
//! decline, stall and fail.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/authorisations` with an `Idempotency-Key` | 201, or 402 `payment.declined` |
//! | `GET /v1/authorisations/{id}` | 200 |
//! | `POST /v1/authorisations/{id}/void` | 200, also when it is voided already |
//! | `POST /v1/authorisations/by-key/{key}/void` | 200, also when nothing was authorised under the key: it never will be |
//!
//! What an authorisation comes to is decided by its payment method's token, see [`domain::Behaviour`].

pub mod api;
pub mod domain;
pub mod store;

use std::time::Duration;

use anyhow::Context as _;

/// The tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Where a test may kill the process: the authorisation is stored, its caller has not been told.
pub const FAULT_POINTS: &[&str] = &["payment.authorised.before_answer"];

/// For how long a stalled authorisation is not answered, in milliseconds.
pub const STALL_VARIABLE: &str = "BIDTRACE_PAYMENT_STALL_MS";

const DEFAULT_STALL: Duration = Duration::from_secs(10);

/// Serves until shutdown.
///
/// # Errors
/// When a setting is bad, the database cannot be opened or the address is taken.
pub async fn serve(context: chassis::Context) -> anyhow::Result<()> {
    let stall = match std::env::var(STALL_VARIABLE) {
        Err(_) => DEFAULT_STALL,
        Ok(value) => Duration::from_millis(value.parse().with_context(|| {
            format!("{STALL_VARIABLE}={value}: expected a number of milliseconds")
        })?),
    };
    let database = context.database(&MIGRATIONS).await?;
    registry::PaymentAuthorisations::zero();
    let provider = api::Provider {
        store: store::Store::new(database, context.clock.clone()),
        stall,
        shutdown: context.shutdown.clone(),
    };
    context.serve_http(api::router(provider)).await
}
