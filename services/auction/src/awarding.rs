//! How auctions are decided: at the deadline, and again when an award is revoked.
//!
//! Each decision is one transaction: the award, the auction's state, and the event in the outbox. So a process that
//! dies in it has decided nothing, and one that dies after it has nothing left to decide; the database's unique index
//! refuses a second standing award in any case.

use std::sync::Arc;

use api::events::{AuctionAwarded, AwardRevoked};
use chassis::clock::Clock;
use chassis::database::Write;
use chassis::{Failure, fault, outbox};
use telemetry::context::SavedContext;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::auctioneer::{Auctioneer, ended, to_the_end};
use crate::domain::{Auction, Award, Bid, Snapshot, State};
use crate::{measures, spans, store, wire};

/// That an award's payment declined.
#[derive(Debug, Clone)]
pub struct Revocation {
    /// The auction.
    pub auction_id: String,
    /// The award, which may be revoked already.
    pub award_id: String,
    /// A stable code.
    pub reason: String,
}

impl Auctioneer {
    /// Ends an auction whose deadline has come: awards the lowest bid, or expires it. Does nothing when that was done
    /// before, or the deadline is still to come.
    ///
    /// # Errors
    /// When the database fails; then nothing has changed.
    pub async fn end_at_deadline(&self, auction_id: &str) -> Result<(), Failure> {
        let turn = self.turns.take(auction_id, &self.clock).await;
        let due = store::auctions::peek_due(&self.database, auction_id, turn.arrived_at).await?;
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
            measures::ended(&snapshot, self.clock.now());
            self.live.publish(Arc::new(snapshot));
            Ok(())
        }
        .instrument(span)
        .await
    }

    /// Revokes an award and awards the next-lowest bid, if one is left. The same revocation again changes nothing.
    /// Returns the auction as it stands then.
    ///
    /// # Errors
    /// `auction.unknown_auction`, `auction.unknown_award`, or when the database fails.
    pub async fn revoke(
        self: &Arc<Self>,
        revocation: Revocation,
    ) -> Result<api::auction::Auction, Failure> {
        let auctioneer = self.clone();
        let turn = auctioneer
            .turns
            .take(&revocation.auction_id, &auctioneer.clock)
            .await;
        to_the_end(async move {
            let mut write = auctioneer.database.write().await?;
            let (snapshot, changed) = revoke(&mut write, &auctioneer.clock, &revocation).await?;
            if changed {
                fault::point("auction.revoke.before_commit");
                write.commit().await?;
                fault::point("auction.revoke.committed");
                measures::revoked(&snapshot);
                auctioneer.live.publish(Arc::new(snapshot.clone()));
            }
            drop(turn);
            Ok(wire::auction(&snapshot, &wire::Viewer::Full))
        })
        .await
    }
}

/// Decides an auction whose deadline has come, within `write`: nothing lasts until that is committed. Returns nothing
/// when there is nothing to decide.
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

/// Revokes an award within `write`, and awards the next-lowest bid. Also says whether anything changed: not when the
/// award was revoked before.
///
/// # Errors
/// `auction.unknown_auction`, `auction.unknown_award`, or when the database fails.
pub async fn revoke(
    write: &mut Write,
    clock: &Clock,
    revocation: &Revocation,
) -> Result<(Snapshot, bool), Failure> {
    let mut auction = store::auctions::lock_known(write, &revocation.auction_id).await?;
    let found = store::awards::find(write, &auction.id, &revocation.award_id)
        .await?
        .ok_or_else(|| {
            Failure::not_found(
                "auction.unknown_award",
                "there is no such award of this auction",
            )
        })?;
    if !found.stands {
        return Ok((store::snapshots::within(write, &auction.id).await?, false));
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
        let span = spans::further_award(&auction);
        award_lowest(write, clock, &mut auction, &bids, Some(&revoked))
            .instrument(span)
            .await?;
    }
    Ok((store::snapshots::within(write, &auction.id).await?, true))
}

/// Awards the first of `bids`, which are in the order of their prices. The current span is the award's.
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
    spans::weighed(bids, replaced);
    let award = Award {
        id: Uuid::now_v7().to_string(),
        bid: lowest.clone(),
        awarded_at_ms: clock.now(),
        replaces_award_id: replaced.map(|award| award.id.clone()).unwrap_or_default(),
        context: SavedContext::current(),
    };
    spans::decided(&award);
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
        replaces_award_id: Some(award.replaces_award_id.clone()).filter(|id| !id.is_empty()),
        bid_id: id.clone(),
        restaurant_id: bidder.restaurant_id.clone(),
        restaurant_account_id: bidder.account_id.clone(),
        restaurant_name: bidder.restaurant_name.clone(),
        customer_account_id: auction.customer_account_id.clone(),
        price: auction.money(*price_minor).into(),
        coupon_code: auction.terms.coupon_code.clone(),
        points_to_use: auction.terms.points_to_use,
        payment_method: auction.terms.payment_method.clone(),
    }
}
