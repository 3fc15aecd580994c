//! The catalog: restaurants, their menus, and who can serve a request near here.
//!
//! A restaurant can serve a place when the [great-circle distance](domain::geo) to it is at most its delivery radius and
//! its menu has every dish, by [normalised name](domain::menu). The search reads an index over a bounding box first and
//! measures what is left, so that it stays quick among many restaurants.

pub mod api;
pub mod domain;
pub mod store;

use ::api::catalog::catalog_server::CatalogServer;
use chassis::Context;
use sqlx::migrate::Migrator;
use tonic::service::Routes;

use crate::api::CatalogApi;

/// The service's tables.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// Where a test may kill the service: before the commit of a restaurant, and between it and its answer.
pub const FAULT_POINTS: &[&str] = &[api::PUT_BEFORE_COMMIT, api::PUT_COMMITTED];

/// Serves the catalog until shutdown.
///
/// # Errors
/// When the database cannot be opened, or the address is taken.
pub async fn serve(context: Context) -> anyhow::Result<()> {
    let database = context.database(&MIGRATIONS).await?;
    registry::CatalogEligible::zero();
    let api = CatalogApi::new(database, context.clock.clone());
    context
        .serve_grpc(Routes::new(CatalogServer::new(api)))
        .await
}
