//! The consumer of the events of auctions and orders: stores their notifications.

use std::time::Duration;

use chassis::Failure;
use chassis::broker::{Handler, Received};
use chassis::clock::{Clock, time_of_id};
use futures::future::BoxFuture;
use registry::{
    NotificationChannel, NotificationDeliveries, NotificationDeliveriesOutcome as Outcome,
};

use crate::domain::notices;
use crate::store::Store;
use crate::webhooks::Webhooks;

/// The subjects that this service consumes.
pub const SUBJECTS: &[&str] = &["events.auction.*", "events.order.*"];

/// Stores the notifications of each event, and wakes the delivery to webhooks.
pub struct EventHandler {
    /// The notifications.
    pub store: Store,
    /// The delivery to webhooks.
    pub webhooks: Webhooks,
    /// The clock, for the delay between an event and its notifications.
    pub clock: Clock,
}

impl Handler for EventHandler {
    fn handle<'a>(&'a self, event: &'a Received) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let notices = notices(event)?;
            if notices.is_empty() {
                return Ok(());
            }
            let stored = match self.store.store(&event.message_id, &notices).await {
                Ok(stored) => stored,
                Err(failure) => {
                    count(Outcome::Failed, 1);
                    return Err(failure);
                }
            };
            if stored.webhooks > 0 {
                self.webhooks.wake();
            }
            if stored.notifications > 0 {
                count(Outcome::Delivered, stored.notifications);
                if let Some(written_at) = time_of_id(&event.message_id) {
                    let delay = u64::try_from(self.clock.now() - written_at).unwrap_or(0);
                    registry::NotificationDelay.record(Duration::from_millis(delay).as_secs_f64());
                }
            }
            Ok(())
        })
    }
}

fn count(outcome: Outcome, notifications: u64) {
    NotificationDeliveries {
        notification_channel: NotificationChannel::Inbox,
        outcome,
    }
    .add(notifications);
}
