//! The spans in which auctions end: they go on in the trace of the opening, and link to every bid that was weighed.

use telemetry::context::{SavedContext, link_all, set_parent};
use tracing::{Span, field};

use crate::domain::{Auction, Award, Bid};

/// The span of an award at the deadline: a child of the auction's opening.
pub fn award(auction: &Auction) -> Span {
    let span = bare_award(auction);
    set_parent(&span, &auction.context);
    span
}

/// The span of an award that replaces another: a child of the request that revoked that one, or of the auction's
/// opening when the request came without a trace.
pub fn further_award(auction: &Auction) -> Span {
    if SavedContext::current().is_empty() {
        award(auction)
    } else {
        bare_award(auction)
    }
}

/// The span of an expiry at the deadline: a child of the auction's opening.
pub fn expire(auction: &Auction) -> Span {
    let span = tracing::info_span!(target: "auction", "auction.expire", auction.id = %auction.id);
    set_parent(&span, &auction.context);
    span
}

/// Notes on the current span, an award's, how it was decided: links to the award that it replaces and to every bid
/// weighed. Past the limit of links, child spans `auction.award.links` carry the rest.
pub fn weighed(bids: &[Bid], replaced: Option<&Award>) {
    let replaced = replaced.map(|award| &award.context);
    let bids = bids.iter().map(|bid| &bid.context);
    link_all(&Span::current(), replaced.into_iter().chain(bids));
}

/// Notes on the current span, an award's, what was decided.
pub fn decided(award: &Award) {
    let span = Span::current();
    span.record("auction.award.id", award.id.as_str());
    span.record("auction.price", award.bid.price_minor);
}

fn bare_award(auction: &Auction) -> Span {
    tracing::info_span!(
        target: "auction",
        "auction.award",
        auction.id = %auction.id,
        auction.bids = auction.bid_count,
        auction.award.id = field::Empty,
        auction.price = field::Empty,
    )
}
