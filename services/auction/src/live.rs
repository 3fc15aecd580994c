//! Live auctions: each change goes to whoever watches, in the order of the changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::domain::{Snapshot, State};

/// How many changes a watcher may lag behind before it is given the newest state instead of each of them.
const BACKLOG: usize = 32;

/// Who watches what. An auction that nobody watches has no entry.
#[derive(Debug, Default)]
pub struct Live {
    channels: Mutex<HashMap<String, broadcast::Sender<Arc<Snapshot>>>>,
}

/// The changes of one auction from now on.
#[derive(Debug)]
pub struct Subscription {
    live: Arc<Live>,
    auction_id: String,
    changes: broadcast::Receiver<Arc<Snapshot>>,
}

/// What a watcher is told.
#[derive(Debug)]
pub enum News {
    /// The next change.
    Change(Arc<Snapshot>),
    /// Some changes were missed: look at the newest state.
    Missed,
    /// There are no more changes to come.
    Over,
}

impl Live {
    /// Watches an auction. Read its state after this, so that no change falls between.
    pub fn subscribe(self: &Arc<Self>, auction_id: &str) -> Subscription {
        let changes = self
            .channels()
            .entry(auction_id.to_owned())
            .or_insert_with(|| broadcast::Sender::new(BACKLOG))
            .subscribe();
        Subscription {
            live: self.clone(),
            auction_id: auction_id.to_owned(),
            changes,
        }
    }

    /// Tells the watchers of a change. To be called in the auction's turn.
    pub fn publish(&self, snapshot: Arc<Snapshot>) {
        let mut channels = self.channels();
        let id = &snapshot.auction.id;
        let channel = if snapshot.auction.state == State::Open {
            channels.get(id).cloned()
        } else {
            channels.remove(id)
        };
        if let Some(channel) = channel {
            // That nobody listens is no failure: the last one may have left just now.
            let _ = channel.send(snapshot);
        }
    }

    /// How many auctions are being watched.
    pub fn watched(&self) -> usize {
        self.channels().len()
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<String, broadcast::Sender<Arc<Snapshot>>>> {
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// The auction that it is about.
    pub fn auction_id(&self) -> &str {
        &self.auction_id
    }

    /// Waits for the next change.
    pub async fn next(&mut self) -> News {
        match self.changes.recv().await {
            Ok(snapshot) => News::Change(snapshot),
            Err(RecvError::Lagged(_)) => News::Missed,
            Err(RecvError::Closed) => News::Over,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut channels = self.live.channels();
        // This subscription still counts as a receiver here.
        if channels
            .get(&self.auction_id)
            .is_some_and(|channel| channel.receiver_count() <= 1)
        {
            channels.remove(&self.auction_id);
        }
    }
}
