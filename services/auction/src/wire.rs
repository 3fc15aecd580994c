//! Conversion of the domain's types to the messages of the gRPC contract.

use api::{auction as pb, common};
use telemetry::context::SavedContext;

use crate::domain::{Auction, Award, Bid, Place, Snapshot, State};

/// Which parts of an auction a caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewer {
    /// All of it: for its customer and for admins.
    Full,
    /// For the restaurant with this account: nothing about the payment, and the address only when it has the award.
    Restaurant(String),
}

/// The parts of an auction that `viewer` may see.
pub fn auction(snapshot: &Snapshot, viewer: &Viewer) -> pb::Auction {
    let Snapshot {
        auction,
        lowest,
        award,
    } = snapshot;
    let terms = &auction.terms;
    let (sees_payment, sees_address) = match viewer {
        Viewer::Full => (true, true),
        Viewer::Restaurant(account) => (
            false,
            award
                .as_ref()
                .is_some_and(|award| award.bid.bidder.account_id == *account),
        ),
    };
    pb::Auction {
        id: auction.id.clone(),
        customer_account_id: auction.customer_account_id.clone(),
        dishes: terms
            .dishes
            .iter()
            .map(|dish| common::DishOrder {
                dish: dish.dish.clone(),
                quantity: dish.quantity,
            })
            .collect(),
        place: Some(place(&terms.place, sees_address)),
        ceiling_price: Some(auction.money(terms.ceiling_minor).into()),
        minimum_step: Some(auction.money(terms.step_minor).into()),
        opened_at_ms: auction.opened_at_ms,
        deadline_ms: auction.deadline_ms,
        state: state(auction.state).into(),
        lowest_bid: lowest.as_ref().map(|lowest| bid(lowest, auction)),
        bid_count: u32::try_from(auction.bid_count).unwrap_or(u32::MAX),
        award: award.as_ref().map(|it| self::award(it, auction)),
        coupon_code: if sees_payment {
            terms.coupon_code.clone().unwrap_or_default()
        } else {
            String::new()
        },
        points_to_use: if sees_payment { terms.points_to_use } else { 0 },
        eligible_restaurants: u32::try_from(auction.eligible_count).unwrap_or(u32::MAX),
    }
}

/// The event of a change, with the parts of the auction that `viewer` may see.
pub fn event(snapshot: &Snapshot, viewer: &Viewer) -> pb::AuctionEvent {
    pb::AuctionEvent {
        sequence: u64::try_from(snapshot.auction.sequence).unwrap_or_default(),
        auction: Some(auction(snapshot, viewer)),
        traceparent: traceparent(&snapshot.auction.cause),
    }
}

/// A bid of `auction`.
pub fn bid(bid: &Bid, auction: &Auction) -> pb::Bid {
    pb::Bid {
        id: bid.id.clone(),
        auction_id: bid.auction_id.clone(),
        restaurant_id: bid.bidder.restaurant_id.clone(),
        restaurant_name: bid.bidder.restaurant_name.clone(),
        price: Some(auction.money(bid.price_minor).into()),
        placed_at_ms: bid.placed_at_ms,
    }
}

fn award(award: &Award, auction: &Auction) -> pb::Award {
    pb::Award {
        id: award.id.clone(),
        bid: Some(bid(&award.bid, auction)),
        awarded_at_ms: award.awarded_at_ms,
        replaces_award_id: award.replaces_award_id.clone().unwrap_or_default(),
    }
}

fn place(place: &Place, with_address: bool) -> common::Place {
    common::Place {
        latitude: place.latitude,
        longitude: place.longitude,
        address: if with_address {
            place.address.clone()
        } else {
            String::new()
        },
    }
}

fn state(state: State) -> pb::AuctionState {
    match state {
        State::Open => pb::AuctionState::Open,
        State::Awarded => pb::AuctionState::Awarded,
        State::Expired => pb::AuctionState::Expired,
        State::Closed => pb::AuctionState::Closed,
        State::Failed => pb::AuctionState::Failed,
    }
}

/// The W3C `traceparent` of a context, or an empty string when the context has no span.
fn traceparent(context: &SavedContext) -> String {
    context.span_context().map_or_else(String::new, |span| {
        format!(
            "00-{}-{}-{:02x}",
            span.trace_id(),
            span.span_id(),
            span.trace_flags()
        )
    })
}
