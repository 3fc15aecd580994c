//! What the service counts. The metrics are declared in [`registry`].

use crate::domain::{Snapshot, State, bidding::Rejection};
use chassis::clock::Millis;

/// The outcome of a bid that counts.
pub(crate) const ACCEPTED: &str = "accepted";

/// Gives every closed label set its series, and the gauge of open auctions its value.
#[expect(
    clippy::cast_precision_loss,
    reason = "there are not 2^52 open auctions"
)]
pub(crate) fn start(open_auctions: i64) {
    registry::AUCTION_OPEN.gauge(&[]).set(open_auctions as f64);
    for metric in [
        registry::AUCTION_OPENED,
        registry::AUCTION_AWARDS_REVOKED,
        registry::AUCTION_AWARD_LATENESS,
        registry::AUCTION_BIDS_PER_AUCTION,
        registry::AUCTION_SAVING,
    ] {
        metric.zero(&[]);
    }
    registry::AUCTION_BIDS.zero(&[("outcome", &[ACCEPTED])]);
    registry::AUCTION_BIDS.zero(&[("outcome", &Rejection::CODES)]);
    let ends: Vec<_> = State::ALL
        .into_iter()
        .filter(|state| *state != State::Open)
        .map(State::name)
        .collect();
    registry::AUCTION_ENDED.zero(&[("outcome", &ends)]);
}

/// An auction was opened.
pub(crate) fn opened() {
    registry::AUCTION_OPENED.counter(&[]).increment(1);
    registry::AUCTION_OPEN.gauge(&[]).increment(1.0);
}

/// A bid was accepted or rejected.
pub(crate) fn bid(outcome: &'static str) {
    registry::AUCTION_BIDS
        .counter(&[("outcome", outcome)])
        .increment(1);
}

/// An open auction ended, by its deadline or by an admin.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts, prices and times are far below 2^52"
)]
pub(crate) fn ended(snapshot: &Snapshot, now: Millis) {
    let auction = &snapshot.auction;
    registry::AUCTION_OPEN.gauge(&[]).decrement(1.0);
    count_end(auction.state);
    registry::AUCTION_BIDS_PER_AUCTION
        .histogram(&[])
        .record(auction.bid_count as f64);
    if let Some(award) = &snapshot.award {
        registry::AUCTION_AWARD_LATENESS
            .histogram(&[])
            .record((now - auction.deadline_ms) as f64 / 1000.0);
        let ceiling = auction.terms.ceiling_minor as f64;
        registry::AUCTION_SAVING
            .histogram(&[])
            .record((ceiling - award.bid.price_minor as f64) / ceiling);
    }
}

/// An award was revoked.
pub(crate) fn revoked(snapshot: &Snapshot) {
    registry::AUCTION_AWARDS_REVOKED.counter(&[]).increment(1);
    if snapshot.auction.state == State::Failed {
        count_end(State::Failed);
    }
}

fn count_end(state: State) {
    registry::AUCTION_ENDED
        .counter(&[("outcome", state.name())])
        .increment(1);
}
