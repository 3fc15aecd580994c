//! Rewards: coupons and points, reserved for a settlement, then committed or released.
//!
//! - Points live in an append-only ledger; an account's wallet keeps the sum, and how much is set aside. Every change
//!   locks the wallet's row first, so two settlements that run at once can never use the same point.
//! - A reservation is known by the id that the order service gives it. Reserve, commit and release can each be repeated,
//!   and arrive in any order: a release that comes first leaves its mark, and a late reserve is refused.
//! - Transactions take their locks in one order (reservation, wallet, coupon), so they cannot wait for each other.

pub mod api;
pub mod domain;
pub mod settlement;
pub mod store;

use ::api::reward::rewards_server::RewardsServer;
use chassis::Context;
use sqlx::migrate::Migrator;
use tonic::service::Routes;

use crate::api::RewardsApi;

/// The service's tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Where a test may kill the service: before the commit of each step of a settlement, and between it and its answer.
pub const FAULT_POINTS: &[&str] = &[
    api::RESERVE_BEFORE_COMMIT,
    api::RESERVE_COMMITTED,
    api::COMMIT_BEFORE_COMMIT,
    api::COMMIT_COMMITTED,
    api::RELEASE_BEFORE_COMMIT,
    api::RELEASE_COMMITTED,
];

/// Serves rewards until shutdown.
///
/// # Errors
/// When the database cannot be opened, or the address is taken.
pub async fn serve(context: Context) -> anyhow::Result<()> {
    let database = context.database(&MIGRATIONS).await?;
    let api = RewardsApi::new(database, context.clock.clone());
    api::declare_series();
    context
        .serve_grpc(Routes::new(RewardsServer::new(api)))
        .await
}
