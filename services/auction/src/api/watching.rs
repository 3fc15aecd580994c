//! The stream of an auction's changes.

use std::sync::Arc;

use api::auction::{AuctionEvent, WatchAuctionRequest};
use chassis::{Failure, caller};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{AuctionsApi, known_id};
use crate::auctioneer::Auctioneer;
use crate::domain::{Snapshot, State};
use crate::live::{Subscription, Update};
use crate::store;
use crate::wire::{self, Viewer};

/// The state of one watcher's stream.
struct Watcher {
    auctioneer: Arc<Auctioneer>,
    viewer: Viewer,
    updates: Subscription,
    shutdown: CancellationToken,
    /// The auction at the start of the stream, until it is sent.
    initial: Option<Arc<Snapshot>>,
    /// The sequence of the latest event that was sent.
    last_sent: i64,
    ended: bool,
}

impl AuctionsApi {
    pub(super) async fn watch(
        &self,
        request: WatchAuctionRequest,
    ) -> Result<BoxStream<'static, Result<AuctionEvent, Status>>, Failure> {
        let caller = caller::require(request.caller)?;
        let auction_id = known_id(request.auction_id)?;
        let updates = self.auctioneer.live().subscribe(&auction_id);
        let (initial, viewer) = self.visible_to(&caller, &auction_id).await?;
        let watcher = Watcher {
            auctioneer: self.auctioneer.clone(),
            viewer,
            updates,
            shutdown: self.shutdown.clone(),
            initial: Some(Arc::new(initial)),
            last_sent: 0,
            ended: false,
        };
        let events = futures::stream::unfold(watcher, |mut watcher| async {
            let event = watcher.next().await?;
            Some((event.map_err(Status::from), watcher))
        });
        Ok(events.boxed())
    }
}

impl Watcher {
    /// The next event, or `None` when the auction has ended or the service is shutting down.
    async fn next(&mut self) -> Option<Result<AuctionEvent, Failure>> {
        while !self.ended {
            let snapshot = match self.initial.take() {
                Some(initial) => initial,
                None => match self.change().await? {
                    Ok(snapshot) => snapshot,
                    Err(failure) => {
                        self.ended = true;
                        return Some(Err(failure));
                    }
                },
            };
            if snapshot.auction.sequence > self.last_sent {
                self.last_sent = snapshot.auction.sequence;
                self.ended |= snapshot.auction.state != State::Open;
                telemetry::context::caused_by(&snapshot.auction.cause);
                return Some(Ok(wire::event(&snapshot, &self.viewer)));
            }
        }
        None
    }

    async fn change(&mut self) -> Option<Result<Arc<Snapshot>, Failure>> {
        let update = tokio::select! {
            () = self.shutdown.cancelled() => return None,
            update = self.updates.next() => update,
        };
        match update {
            Update::Changed(snapshot) => Some(Ok(snapshot)),
            Update::Lagged => Some(self.newest().await),
            Update::Closed => {
                self.ended = true;
                Some(self.newest().await)
            }
        }
    }

    async fn newest(&self) -> Result<Arc<Snapshot>, Failure> {
        store::snapshots::one(self.auctioneer.database(), self.updates.auction_id())
            .await?
            .map(Arc::new)
            .ok_or_else(store::auctions::unknown)
    }
}
