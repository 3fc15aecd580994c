//! What the auctions and orders tell: into the inboxes of those whom it concerns.

use crate::{domain::notices, store::Store, webhooks::Webhooks};
use chassis::{
    Failure,
    broker::{Handler, Received},
    clock::{Clock, Millis},
};
use futures::future::BoxFuture;
use registry::{
    NotificationChannel, NotificationDeliveries, NotificationDeliveriesOutcome as Outcome,
};
use std::time::Duration;
use uuid::Uuid;

/// What this service listens to.
pub const SUBJECTS: &[&str] = &["events.auction.*", "events.order.*"];

/// Stores what is to be told of each event.
pub struct Inbox {
    /// Where notifications are kept.
    pub store: Store,
    /// Who posts them.
    pub webhooks: Webhooks,
    /// Where to take the time from.
    pub clock: Clock,
}

impl Handler for Inbox {
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
                if let Some(at) = at_ms(&event.message_id) {
                    let delay = u64::try_from(self.clock.now() - at).unwrap_or(0);
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

/// When the event was written: its id says so, as every id of ours does.
fn at_ms(message_id: &str) -> Option<Millis> {
    let (seconds, nanoseconds) = Uuid::parse_str(message_id).ok()?.get_timestamp()?.to_unix();
    let seconds = Millis::try_from(seconds).ok()?;
    Some(seconds * 1000 + Millis::from(nanoseconds / 1_000_000))
}
