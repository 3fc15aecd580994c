//! A simulated payment provider. It authorises and voids payments idempotently, and it can decline, stall and fail as a
//! real one does.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v1/authorisations` with an `Idempotency-Key` | 201, or 402 `payment.declined` |
//! | `GET /v1/authorisations/{id}` | 200 |
//! | `POST /v1/authorisations/{id}/void` | 200, also when it was voided before |
//! | `POST /v1/authorisations/by-key/{key}/void` | 200, also when nothing was authorised with the key; then nothing will be |
//!
//! The token of the payment method decides an authorisation: see [`domain::Behaviour`].

pub mod api;
pub mod domain;
pub mod store;

use std::time::Duration;

use anyhow::Context as _;

/// The migrations of the service's tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The service's [fault points](chassis::fault): after an authorisation is stored, before the response.
pub const FAULT_POINTS: &[&str] = &["payment.authorised.before_answer"];

/// The variable with the delay of a stalled authorisation's answer, in milliseconds.
pub const STALL_VARIABLE: &str = "BIDTRACE_PAYMENT_STALL_MS";

const DEFAULT_STALL: Duration = Duration::from_secs(10);

/// Runs the service until shutdown.
///
/// # Errors
/// When a setting is invalid, the database cannot be opened, or the address cannot be listened on.
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
