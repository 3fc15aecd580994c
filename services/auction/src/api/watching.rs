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
use crate::live::{News, Subscription};
use crate::store;
use crate::wire::{self, Viewer};

/// One watcher: what it has seen, and where the news comes from.
struct Watcher {
    auctioneer: Arc<Auctioneer>,
    viewer: Viewer,
    news: Subscription,
    shutdown: CancellationToken,
    /// The first state, until it is sent.
    standing: Option<Arc<Snapshot>>,
    /// The sequence of the latest event sent.
    seen: i64,
    ended: bool,
}

impl AuctionsApi {
    pub(super) async fn watch(
        &self,
        request: WatchAuctionRequest,
    ) -> Result<BoxStream<'static, Result<AuctionEvent, Status>>, Failure> {
        let caller = caller::require(request.caller)?;
        let auction_id = known_id(request.auction_id)?;
        let news = self.auctioneer.live().subscribe(&auction_id);
        let (standing, viewer) = self.seen_by(&caller, &auction_id).await?;
        let watcher = Watcher {
            auctioneer: self.auctioneer.clone(),
            viewer,
            news,
            shutdown: self.shutdown.clone(),
            standing: Some(Arc::new(standing)),
            seen: 0,
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
    /// The next event; nothing once the auction has ended, or the service is shutting down.
    async fn next(&mut self) -> Option<Result<AuctionEvent, Failure>> {
        while !self.ended {
            let snapshot = match self.standing.take() {
                Some(standing) => standing,
                None => match self.change().await? {
                    Ok(snapshot) => snapshot,
                    Err(failure) => {
                        self.ended = true;
                        return Some(Err(failure));
                    }
                },
            };
            if snapshot.auction.sequence > self.seen {
                self.seen = snapshot.auction.sequence;
                self.ended |= snapshot.auction.state != State::Open;
                telemetry::context::caused_by(&snapshot.auction.cause);
                return Some(Ok(wire::event(&snapshot, &self.viewer)));
            }
        }
        None
    }

    async fn change(&mut self) -> Option<Result<Arc<Snapshot>, Failure>> {
        let news = tokio::select! {
            () = self.shutdown.cancelled() => return None,
            news = self.news.next() => news,
        };
        match news {
            News::Change(snapshot) => Some(Ok(snapshot)),
            News::Missed => Some(self.newest().await),
            News::Over => {
                self.ended = true;
                Some(self.newest().await)
            }
        }
    }

    async fn newest(&self) -> Result<Arc<Snapshot>, Failure> {
        store::snapshots::one(self.auctioneer.database(), self.news.auction_id())
            .await?
            .map(Arc::new)
            .ok_or_else(store::auctions::unknown)
    }
}
