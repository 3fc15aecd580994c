//! The service's metrics, which are declared in [`registry`].

use chassis::clock::Millis;
use registry::{
    AuctionAwardLateness, AuctionAwardsRevoked, AuctionBids, AuctionBidsOutcome,
    AuctionBidsPerAuction, AuctionEnded, AuctionEndedOutcome, AuctionOpen, AuctionOpened,
    AuctionSaving,
};

use crate::domain::{Snapshot, State};

/// Initialises every series to zero, and the gauge of open auctions.
#[expect(
    clippy::cast_precision_loss,
    reason = "there are not 2^52 open auctions"
)]
pub(crate) fn start(open_auctions: i64) {
    AuctionOpen.set(open_auctions as f64);
    AuctionOpened::zero();
    AuctionAwardsRevoked::zero();
    AuctionAwardLateness::zero();
    AuctionBidsPerAuction::zero();
    AuctionSaving::zero();
    AuctionBids::zero();
    AuctionEnded::zero();
}

/// Counts an auction that was opened.
pub(crate) fn opened() {
    AuctionOpened.add(1);
    AuctionOpen.gauge().increment(1.0);
}

/// Counts a bid that was accepted or rejected.
pub(crate) fn bid(outcome: AuctionBidsOutcome) {
    AuctionBids { outcome }.add(1);
}

/// Counts an open auction that ended at its deadline or was closed by an admin.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts, prices and times are far below 2^52"
)]
pub(crate) fn ended(snapshot: &Snapshot, now: Millis) {
    let auction = &snapshot.auction;
    AuctionOpen.gauge().decrement(1.0);
    count_end(auction.state);
    AuctionBidsPerAuction.record(auction.bid_count as f64);
    if let Some(award) = &snapshot.award {
        AuctionAwardLateness.record((now - auction.deadline_ms) as f64 / 1000.0);
        let ceiling = auction.terms.ceiling_minor as f64;
        AuctionSaving.record((ceiling - award.bid.price_minor as f64) / ceiling);
    }
}

/// Counts an award that was revoked.
pub(crate) fn revoked(snapshot: &Snapshot) {
    AuctionAwardsRevoked.add(1);
    if snapshot.auction.state == State::Failed {
        count_end(State::Failed);
    }
}

fn count_end(state: State) {
    let outcome = match state {
        State::Open => return,
        State::Awarded => AuctionEndedOutcome::Awarded,
        State::Expired => AuctionEndedOutcome::Expired,
        State::Closed => AuctionEndedOutcome::Closed,
        State::Failed => AuctionEndedOutcome::Failed,
    };
    AuctionEnded { outcome }.add(1);
}
