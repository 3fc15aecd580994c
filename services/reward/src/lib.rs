//! Rewards: coupons and points, reserved for a settlement, then committed or released.
//!
//! - Points are recorded in an append-only ledger; an account's wallet stores the sum and the number of reserved points.
//!   Every change locks the wallet's row first, so two concurrent settlements cannot use the same point.
//! - The order service chooses the id of a reservation. Reserve, commit and release can each be repeated and arrive in any
//!   order: a release that arrives first leaves a tombstone, and a later reserve with its id is rejected.
//! - Transactions take their locks in one order (reservation, wallet, coupon), so they cannot deadlock.

pub mod api;
pub mod domain;
pub mod settlement;
pub mod store;

use ::api::reward::rewards_server::RewardsServer;
use chassis::Context;
use sqlx::migrate::Migrator;
use tonic::service::Routes;

use crate::api::RewardsApi;

/// The migrations of the service's tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The service's [fault points](chassis::fault): before the commit of each settlement step, and between the commit and the
/// response.
pub const FAULT_POINTS: &[&str] = &[
    api::RESERVE_BEFORE_COMMIT,
    api::RESERVE_COMMITTED,
    api::COMMIT_BEFORE_COMMIT,
    api::COMMIT_COMMITTED,
    api::RELEASE_BEFORE_COMMIT,
    api::RELEASE_COMMITTED,
];

/// Runs the service until shutdown.
///
/// # Errors
/// When the database cannot be opened, or the address cannot be listened on.
pub async fn serve(context: Context) -> anyhow::Result<()> {
    let database = context.database(&MIGRATIONS).await?;
    let api = RewardsApi::new(database, context.clock.clone());
    api::declare_series();
    context
        .serve_grpc(Routes::new(RewardsServer::new(api)))
        .await
}
