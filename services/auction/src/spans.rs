//! The spans of awards and expiries. They continue the trace of the auction's opening, and an award's span links to the
//! span of every bid that was considered.

use telemetry::context::{SavedContext, link_all, set_parent};
use tracing::{Span, field};

use crate::domain::{Auction, Award, Bid};

/// The span of an award at the deadline: a child of the auction's opening.
pub fn award(auction: &Auction) -> Span {
    let span = award_span(auction);
    set_parent(&span, &auction.context);
    span
}

/// The span of an award that replaces a revoked one: a child of the request that revoked it, or of the auction's opening
/// when that request has no trace.
pub fn replacement_award(auction: &Auction) -> Span {
    if SavedContext::current().is_empty() {
        award(auction)
    } else {
        award_span(auction)
    }
}

/// The span of an expiry at the deadline: a child of the auction's opening.
pub fn expire(auction: &Auction) -> Span {
    let span = tracing::info_span!(target: "auction", "auction.expire", auction.id = %auction.id);
    set_parent(&span, &auction.context);
    span
}

/// Links the current span, an award's, to the award that it replaces and to every bid that was considered. Links above
/// the limit per span are added to child spans named `auction.award.links`.
pub fn link_candidates(bids: &[Bid], replaced: Option<&Award>) {
    let replaced = replaced.map(|award| &award.context);
    let bids = bids.iter().map(|bid| &bid.context);
    link_all(&Span::current(), replaced.into_iter().chain(bids));
}

/// Records the award's id and price on the current span.
pub fn record_award(award: &Award) {
    let span = Span::current();
    span.record("auction.award.id", award.id.as_str());
    span.record("auction.price", award.bid.price_minor);
}

fn award_span(auction: &Auction) -> Span {
    tracing::info_span!(
        target: "auction",
        "auction.award",
        auction.id = %auction.id,
        auction.bids = auction.bid_count,
        auction.award.id = field::Empty,
        auction.price = field::Empty,
    )
}
