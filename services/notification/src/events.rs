//! The consumer of the events of auctions and orders: stores their notifications.

use std::time::Duration;

use chassis::Failure;
use chassis::broker::{Handler, Received};
use chassis::clock::{Clock, Millis};
use futures::future::BoxFuture;
use registry::{
    NotificationChannel, NotificationDeliveries, NotificationDeliveriesOutcome as Outcome,
};
use uuid::Uuid;

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
                if let Some(written_at) = written_at_ms(&event.message_id) {
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

/// When the event was written: its id is a version 7 UUID, which contains the time.
fn written_at_ms(message_id: &str) -> Option<Millis> {
    let (seconds, nanoseconds) = Uuid::parse_str(message_id).ok()?.get_timestamp()?.to_unix();
    let seconds = Millis::try_from(seconds).ok()?;
    Some(seconds * 1000 + Millis::from(nanoseconds / 1_000_000))
}
