//! Notifications: each event of an auction or an order is stored once as a notification for the accounts that it concerns,
//! and delivered at least once to their webhooks.
//!
//! The notifications, their webhook deliveries and the event's record in the [inbox](chassis::inbox) are written in one
//! transaction. Deliveries are retried with back-off; each attempt continues the trace of the event.

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

/// The migrations of the service's tables.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The service's [fault points](chassis::fault): before and after the commit of an event's notifications. The event is not
/// acknowledged yet.
pub const FAULT_POINTS: &[&str] = &["notification.stored.before_commit", "notification.stored"];

/// How often old notifications are deleted.
const PRUNE_INTERVAL: Duration = Duration::from_mins(10);

/// Runs the service until shutdown.
///
/// # Errors
/// When a setting is invalid, the database cannot be opened, or the address cannot be listened on.
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
    let handler = events::EventHandler {
        store: store.clone(),
        webhooks,
        clock: context.clock.clone(),
    };
    context.consume(
        &broker,
        store::CONSUMER,
        events::SUBJECTS,
        Arc::new(handler),
    );
    context
        .serve_grpc(Routes::new(NotificationsServer::new(
            api::NotificationsApi { store },
        )))
        .await
}

async fn prune(store: store::Store, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(PRUNE_INTERVAL) => {}
        }
        if let Err(failure) = store.prune().await {
            tracing::warn!(error = %chain(&failure), "deleting old notifications failed; retrying");
        }
    }
}
