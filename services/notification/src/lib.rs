//! Notifications: every event of an auction or an order reaches the inboxes of those whom it concerns, once, and
//! their webhooks, at least once.
//!
//! The inbox is written in the transaction that remembers the event, with the queue of webhook posts beside it. The
//! posts are retried with back-off from that queue, each attempt in the trace of the event.

pub mod api;
pub mod domain;
pub mod events;
pub mod queue;
pub mod store;
pub mod webhook_url;
pub mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use ::api::notification::notifications_server::NotificationsServer;
use chassis::failure::chain;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

/// The tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// Where a test may kill the process: before and after the notifications of an event are stored. After it the broker
/// has not been told.
pub const FAULT_POINTS: &[&str] = &["notification.stored.before_commit", "notification.stored"];

/// How often what is too old is forgotten.
const PRUNE_INTERVAL: Duration = Duration::from_mins(10);

/// Serves until shutdown.
///
/// # Errors
/// When a setting is bad, the database cannot be opened or the address is taken.
pub async fn serve(context: chassis::Context) -> anyhow::Result<()> {
    let database = context.database(&MIGRATIONS).await?;
    let broker = context.broker().await?;
    registry::NotificationDelay::zero();
    registry::NotificationDeliveries::zero();
    let store = store::Store::new(database, context.clock.clone());
    let webhooks =
        webhooks::Webhooks::new(store.clone(), webhooks::TIME_OUT, context.shutdown.clone());
    context.background(webhooks.clone().run());
    context.background(prune(store.clone(), context.shutdown.clone()));
    let inbox = events::Inbox {
        store: store.clone(),
        webhooks,
        clock: context.clock.clone(),
    };
    context.consume(&broker, store::CONSUMER, events::SUBJECTS, Arc::new(inbox));
    context
        .serve_grpc(Routes::new(NotificationsServer::new(api::Api { store })))
        .await
}

async fn prune(store: store::Store, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PRUNE_INTERVAL) => {}
        }
        if let Err(failure) = store.prune().await {
            tracing::warn!(error = %chain(&failure), "old notifications were not forgotten; trying again");
        }
    }
}
