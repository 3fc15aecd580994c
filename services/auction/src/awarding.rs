//! Awards: made at the deadline, and again when an award is revoked.
//!
//! Each decision is one transaction: the award, the auction's state, and the event in the outbox. When the process dies
//! before the commit, nothing is decided; when it dies after the commit, nothing is left to decide. A unique index in the
//! database rejects a second standing award in any case.

use std::sync::Arc;

use api::events::{AuctionAwarded, AwardRevoked};
use chassis::clock::Clock;
use chassis::database::Write;
use chassis::{Failure, fault, outbox};
use telemetry::context::SavedContext;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::auctioneer::{Auctioneer, ended, run_to_completion};
use crate::domain::{Auction, Award, Bid, Snapshot, State};
use crate::{metrics, spans, store, wire};

/// A request to revoke an award whose payment was declined.
#[derive(Debug, Clone)]
pub struct Revocation {
    /// The auction.
    pub auction_id: String,
    /// The award. It may have been revoked before.
    pub award_id: String,
    /// The stable code of the reason.
    pub reason: String,
}

/// The auction after [`revoke`].
#[derive(Debug, Clone)]
pub enum Revoked {
    /// The award was revoked by this call.
    Now(Snapshot),
    /// The award had been revoked before; nothing has changed.
    Before(Snapshot),
}

impl Auctioneer {
    /// Ends an auction whose deadline has passed: awards the lowest bid, or expires the auction. Does nothing when the
    /// auction has ended before, or its deadline has not passed.
    ///
    /// # Errors
    /// When the database fails. Nothing has changed then.
    pub async fn end_at_deadline(&self, auction_id: &str) -> Result<(), Failure> {
        let lock = self.locks.acquire(auction_id, &self.clock).await;
        let due = store::auctions::peek_due(&self.database, auction_id, lock.arrived_at).await?;
        let Some(due) = due else {
            return Ok(());
        };
        let span = if due.bid_count > 0 {
            spans::award(&due)
        } else {
            spans::expire(&due)
        };
        async {
            let mut write = self.database.write().await?;
            let Some(snapshot) = end_at_deadline(&mut write, &self.clock, auction_id).await? else {
                return Ok(());
            };
            fault::point("auction.award.before_commit");
            write.commit().await?;
            fault::point("auction.award.committed");
            metrics::ended(&snapshot, self.clock.now());
            self.live.publish(Arc::new(snapshot));
            Ok(())
        }
        .instrument(span)
        .await
    }

    /// Revokes an award and awards the next-lowest bid, if there is one, and returns the auction. Repeating a revocation
    /// changes nothing.
    ///
    /// # Errors
    /// `auction.unknown_auction`, `auction.unknown_award`, or when the database fails.
    pub async fn revoke(
        self: &Arc<Self>,
        revocation: Revocation,
    ) -> Result<api::auction::Auction, Failure> {
        let auctioneer = self.clone();
        let lock = auctioneer
            .locks
            .acquire(&revocation.auction_id, &auctioneer.clock)
            .await;
        run_to_completion(async move {
            let mut write = auctioneer.database.write().await?;
            let snapshot = match revoke(&mut write, &auctioneer.clock, &revocation).await? {
                Revoked::Now(snapshot) => {
                    fault::point("auction.revoke.before_commit");
                    write.commit().await?;
                    fault::point("auction.revoke.committed");
                    metrics::revoked(&snapshot);
                    auctioneer.live.publish(Arc::new(snapshot.clone()));
                    snapshot
                }
                Revoked::Before(snapshot) => snapshot,
            };
            drop(lock);
            Ok(wire::auction(&snapshot, &wire::Viewer::Full))
        })
        .await
    }
}

/// Ends an auction whose deadline has passed, in the transaction `write`, which the caller commits. Returns `None` when
/// the auction has ended before or its deadline has not passed.
///
/// # Errors
/// When the database fails.
pub async fn end_at_deadline(
    write: &mut Write,
    clock: &Clock,
    auction_id: &str,
) -> Result<Option<Snapshot>, Failure> {
    let mut auction = store::auctions::lock_known(write, auction_id).await?;
    if auction.state != State::Open || clock.now() < auction.deadline_ms {
        return Ok(None);
    }
    let bids = if auction.bid_count > 0 {
        store::bids::unawarded(write, auction_id).await?
    } else {
        Vec::new()
    };
    let award = award_lowest(write, clock, &mut auction, &bids, None).await?;
    if award.is_none() {
        auction.state = State::Expired;
        auction.changed();
        store::auctions::save(write, &auction).await?;
        outbox::append(write, clock, &ended(&auction)).await?;
    }
    Ok(Some(Snapshot {
        auction,
        lowest: bids.into_iter().next(),
        award,
    }))
}

/// Revokes an award and awards the next-lowest bid, in the transaction `write`, which the caller commits.
///
/// # Errors
/// `auction.unknown_auction`, `auction.unknown_award`, or when the database fails.
pub async fn revoke(
    write: &mut Write,
    clock: &Clock,
    revocation: &Revocation,
) -> Result<Revoked, Failure> {
    let mut auction = store::auctions::lock_known(write, &revocation.auction_id).await?;
    let found = store::awards::find(write, &auction.id, &revocation.award_id)
        .await?
        .ok_or_else(|| {
            Failure::not_found(
                "auction.unknown_award",
                "there is no such award of this auction",
            )
        })?;
    if found.revoked {
        let snapshot = store::snapshots::within(write, &auction.id).await?;
        return Ok(Revoked::Before(snapshot));
    }
    let revoked = found.award;
    store::awards::revoke(write, &revoked.id, &revocation.reason, clock.now()).await?;
    let event = AwardRevoked {
        auction_id: auction.id.clone(),
        award_id: revoked.id.clone(),
        restaurant_account_id: revoked.bid.bidder.account_id.clone(),
        customer_account_id: auction.customer_account_id.clone(),
        reason: revocation.reason.clone(),
    };
    outbox::append(write, clock, &event).await?;
    let bids = store::bids::unawarded(write, &auction.id).await?;
    if bids.is_empty() {
        auction.state = State::Failed;
        auction.changed();
        store::auctions::save(write, &auction).await?;
        outbox::append(write, clock, &ended(&auction)).await?;
    } else {
        let span = spans::replacement_award(&auction);
        award_lowest(write, clock, &mut auction, &bids, Some(&revoked))
            .instrument(span)
            .await?;
    }
    let snapshot = store::snapshots::within(write, &auction.id).await?;
    Ok(Revoked::Now(snapshot))
}

/// Awards the first of `bids`, which are sorted by price. The current span is the award's span.
async fn award_lowest(
    write: &mut Write,
    clock: &Clock,
    auction: &mut Auction,
    bids: &[Bid],
    replaced: Option<&Award>,
) -> Result<Option<Award>, Failure> {
    let Some(lowest) = bids.first() else {
        return Ok(None);
    };
    spans::link_candidates(bids, replaced);
    let award = Award {
        id: Uuid::now_v7().to_string(),
        bid: lowest.clone(),
        awarded_at_ms: clock.now(),
        replaces_award_id: replaced.map(|award| award.id.clone()),
        context: SavedContext::current(),
    };
    spans::record_award(&award);
    store::awards::insert(write, &award).await?;
    auction.state = State::Awarded;
    auction.changed();
    store::auctions::save(write, auction).await?;
    outbox::append(write, clock, &awarded(auction, &award)).await?;
    Ok(Some(award))
}

fn awarded(auction: &Auction, award: &Award) -> AuctionAwarded {
    let Bid {
        id,
        bidder,
        price_minor,
        ..
    } = &award.bid;
    AuctionAwarded {
        auction_id: auction.id.clone(),
        award_id: award.id.clone(),
        replaces_award_id: award.replaces_award_id.clone(),
        bid_id: id.clone(),
        restaurant_id: bidder.restaurant_id.clone(),
        restaurant_account_id: bidder.account_id.clone(),
        restaurant_name: bidder.restaurant_name.clone(),
        customer_account_id: auction.customer_account_id.clone(),
        price: auction.money(*price_minor).into(),
        coupon_code: auction.terms.coupon_code.clone().unwrap_or_default(),
        points_to_use: auction.terms.points_to_use,
        payment_method: auction.terms.payment_method.clone(),
    }
}
