//! Orders: an award becomes an order, and the settlement saga makes it a confirmed or a failed one.
//!
//! The event of an award is confirmed to the broker as soon as the order is stored. From then on the order's row and
//! its log carry the settlement (see [`saga`]), which a task runs (see [`settlement`]) in the trace of the award, also
//! after a crash.

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

/// The tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Where a test may kill the process. `.before` a step nothing has happened, `.after` it the effect is there; a step at
/// another service is not in the log yet then. Voiding, releasing and failing are all called `compensate`.
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

/// Serves until shutdown.
///
/// # Errors
/// When a setting is bad, the database cannot be opened or the address is taken.
pub async fn serve(context: chassis::Context) -> anyhow::Result<()> {
    let database = context.database(&MIGRATIONS).await?;
    let broker = context.broker().await?;
    show_zeroes();
    let store = store::Store::new(database.clone(), context.clock.clone());
    let settlements = settlement::Settlements::new(
        store.clone(),
        partners::Partners::from_env()?,
        context.clock.clone(),
        context.shutdown.clone(),
    );
    context.background(settlements.clone().resume());
    context.relay_outbox(&database, &broker);
    let awards = events::Awards {
        store: store.clone(),
        settlements,
    };
    context.consume(
        &broker,
        events::CONSUMER,
        events::SUBJECTS,
        Arc::new(awards),
    );
    context
        .serve_grpc(Routes::new(OrdersServer::new(api::Api { store })))
        .await
}

/// Every series of a closed label set is there from the start, so that a rate of it never misses its first event.
fn show_zeroes() {
    registry::OrderSettled::zero();
    registry::OrderSettlementDuration::zero();
    registry::OrderSagaSteps::zero();
    registry::OrderSettling.set(0.0);
}
