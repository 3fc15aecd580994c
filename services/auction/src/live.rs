//! Live auctions: each change is sent to the auction's watchers, in the order of the changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::domain::{Snapshot, State};

/// The number of changes that are buffered for a watcher. One that lags further receives the newest state instead.
const BUFFER: usize = 32;

/// The channels of the auctions that are watched.
#[derive(Debug, Default)]
pub struct LiveAuctions {
    channels: Mutex<HashMap<String, broadcast::Sender<Arc<Snapshot>>>>,
}

/// The changes of one auction from now on.
#[derive(Debug)]
pub struct Subscription {
    live: Arc<LiveAuctions>,
    auction_id: String,
    changes: broadcast::Receiver<Arc<Snapshot>>,
}

/// The next item of a subscription.
#[derive(Debug)]
pub enum Update {
    /// The auction has changed.
    Changed(Arc<Snapshot>),
    /// The watcher has missed some changes and must read the current state.
    Lagged,
    /// There will be no more changes.
    Closed,
}

impl LiveAuctions {
    /// Subscribes to an auction. Read its state afterwards, so that no change is missed in between.
    pub fn subscribe(self: &Arc<Self>, auction_id: &str) -> Subscription {
        let changes = self
            .channels()
            .entry(auction_id.to_owned())
            .or_insert_with(|| broadcast::Sender::new(BUFFER))
            .subscribe();
        Subscription {
            live: self.clone(),
            auction_id: auction_id.to_owned(),
            changes,
        }
    }

    /// Sends a change to the auction's watchers. Must be called while its [lock](crate::locks) is held.
    pub fn publish(&self, snapshot: Arc<Snapshot>) {
        let mut channels = self.channels();
        let id = &snapshot.auction.id;
        let channel = if snapshot.auction.state == State::Open {
            channels.get(id).cloned()
        } else {
            channels.remove(id)
        };
        if let Some(channel) = channel {
            // Fails when the last watcher has just left.
            let _ = channel.send(snapshot);
        }
    }

    /// The number of auctions that are watched.
    pub fn watched_count(&self) -> usize {
        self.channels().len()
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<String, broadcast::Sender<Arc<Snapshot>>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// The auction's id.
    pub fn auction_id(&self) -> &str {
        &self.auction_id
    }

    /// Waits for the next update.
    pub async fn next(&mut self) -> Update {
        match self.changes.recv().await {
            Ok(snapshot) => Update::Changed(snapshot),
            Err(RecvError::Lagged(_)) => Update::Lagged,
            Err(RecvError::Closed) => Update::Closed,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut channels = self.live.channels();
        // The receiver of this subscription is still counted.
        if channels
            .get(&self.auction_id)
            .is_some_and(|channel| channel.receiver_count() <= 1)
        {
            channels.remove(&self.auction_id);
        }
    }
}
