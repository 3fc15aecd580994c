//! Orders: each award becomes an order, and the settlement saga confirms or fails it.
//!
//! The event of an award is acknowledged when the order is stored. From then on the settlement depends only on the order's
//! row and its log (see [`saga`]). A task runs it (see [`settlement`]) in the trace of the award, also after a crash.

pub mod api;
pub mod domain;
pub mod events;
pub mod partners;
pub mod saga;
pub mod settlement;
pub mod store;

use std::sync::Arc;

use ::api::order::orders_server::OrdersServer;
use tonic::service::Routes;

/// The migrations of the service's tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The service's [fault points](chassis::fault), before each step and after its effect. A step at another service is not
/// in the log yet at its `.after`. Voiding, releasing and failing are called `compensate`.
pub const FAULT_POINTS: &[&str] = &[
    "order.created",
    "order.reserve.before",
    "order.reserve.after",
    "order.authorise.before",
    "order.authorise.after",
    "order.confirm.before",
    "order.confirm.after",
    "order.commit.before",
    "order.commit.after",
    "order.compensate.before",
    "order.compensate.after",
    "order.revoke.before",
    "order.revoke.after",
];

/// Runs the service until shutdown.
///
/// # Errors
/// When a setting is invalid, the database cannot be opened, or the address cannot be listened on.
pub async fn serve(context: chassis::Context) -> anyhow::Result<()> {
    let database = context.database(&MIGRATIONS).await?;
    let broker = context.broker().await?;
    declare_series();
    let store = store::Store::new(database.clone(), context.clock.clone());
    let settlements = settlement::Settlements::new(
        store.clone(),
        partners::Partners::from_env()?,
        context.clock.clone(),
        context.shutdown.clone(),
    );
    context.background(settlements.clone().resume());
    context.relay_outbox(&database, &broker);
    let handler = events::AwardHandler {
        store: store.clone(),
        settlements,
    };
    context.consume(
        &broker,
        events::CONSUMER,
        events::SUBJECTS,
        Arc::new(handler),
    );
    context
        .serve_grpc(Routes::new(OrdersServer::new(api::OrdersApi { store })))
        .await
}

/// Initialises every series of the service's metrics to zero, so that a rate includes a series' first increment.
fn declare_series() {
    registry::OrderSettled::zero();
    registry::OrderSettlementDuration::zero();
    registry::OrderSagaSteps::zero();
    registry::OrderSettling.set(0.0);
}
