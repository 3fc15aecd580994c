//! The catalog: restaurants, their menus, and the search for restaurants that are eligible for an auction.
//!
//! A restaurant is eligible when the [great-circle distance](domain::geo) to the place is at most its delivery radius, and
//! its menu has every dish, by [normalised name](domain::menu). The search selects by a bounding box first, with an index,
//! and computes the distances of only those restaurants, so that it stays fast with many of them.

pub mod api;
pub mod domain;
pub mod store;

use ::api::catalog::catalog_server::CatalogServer;
use chassis::Context;
use sqlx::migrate::Migrator;
use tonic::service::Routes;

use crate::api::CatalogApi;

/// The migrations of the service's tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// The service's [fault points](chassis::fault): before the commit of a restaurant, and between the commit and the
/// response.
pub const FAULT_POINTS: &[&str] = &[api::PUT_BEFORE_COMMIT, api::PUT_COMMITTED];

/// Runs the service until shutdown.
///
/// # Errors
/// When the database cannot be opened, or the address cannot be listened on.
pub async fn serve(context: Context) -> anyhow::Result<()> {
    let database = context.database(&MIGRATIONS).await?;
    registry::CatalogEligible::zero();
    let api = CatalogApi::new(database, context.clock.clone());
    context
        .serve_grpc(Routes::new(CatalogServer::new(api)))
        .await
}
