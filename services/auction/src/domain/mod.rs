//! Auctions and their rules. Nothing here reads a clock, a database or the network.

use chassis::clock::Millis;
use chassis::money::Money;
use serde::{Deserialize, Serialize};
use telemetry::context::SavedContext;

pub mod bidding;
pub mod opening;

/// The state of an auction. `Open` changes to `Awarded`, `Expired` or `Closed`; `Awarded` may change to `Failed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It accepts bids.
    Open,
    /// The lowest bid has the award.
    Awarded,
    /// The deadline passed without a bid.
    Expired,
    /// An admin ended it.
    Closed,
    /// Every bid was awarded and revoked.
    Failed,
}

/// A dish and its quantity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dish {
    /// The name of the dish on menus.
    pub dish: String,
    /// The quantity.
    pub quantity: u32,
}

/// The place of delivery.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// WGS 84, degrees.
    pub latitude: f64,
    /// WGS 84, degrees.
    pub longitude: f64,
    /// The address, for people.
    pub address: String,
}

/// The terms of an auction: what the customer orders, and how it will be paid.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// The dishes.
    pub dishes: Vec<Dish>,
    /// The place of delivery.
    pub place: Place,
    /// The currency of every price in this auction, ISO 4217.
    pub currency: String,
    /// The highest price of the first bid.
    pub ceiling_minor: i64,
    /// The least amount by which a bid must undercut the lowest bid.
    pub step_minor: i64,
    /// The coupon to use, if any.
    pub coupon_code: Option<String>,
    /// The points to use.
    pub points_to_use: i64,
    /// The payment provider's token.
    pub payment_method: String,
}

/// A restaurant that may bid in an auction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EligibleRestaurant {
    /// The restaurant's account.
    pub account_id: String,
    /// Its id in the catalog.
    pub restaurant_id: String,
    /// Its name when the auction was opened.
    pub restaurant_name: String,
}

/// An auction in its current state.
#[derive(Debug, Clone)]
pub struct Auction {
    /// A version 7 UUID, so ids sort by the time of opening.
    pub id: String,
    /// The customer who opened it.
    pub customer_account_id: String,
    /// Its terms.
    pub terms: Terms,
    /// When it was opened.
    pub opened_at_ms: Millis,
    /// The deadline. A bid that arrives at this time is too late.
    pub deadline_ms: Millis,
    /// The number of restaurants that may bid.
    pub eligible_count: i64,
    /// Its state.
    pub state: State,
    /// Increases by one with each change.
    pub sequence: i64,
    /// The number of accepted bids.
    pub bid_count: i64,
    /// The price of the lowest bid.
    pub lowest_minor: Option<i64>,
    /// The lowest bid.
    pub lowest_bid_id: Option<String>,
    /// The span that opened it, which is the parent of the spans at the deadline.
    pub context: SavedContext,
    /// The span that made the latest change.
    pub cause: SavedContext,
}

/// An accepted bid.
#[derive(Debug, Clone)]
pub struct Bid {
    /// Its id.
    pub id: String,
    /// Its auction.
    pub auction_id: String,
    /// The restaurant that bid.
    pub bidder: EligibleRestaurant,
    /// The price, in the auction's currency.
    pub price_minor: i64,
    /// When it arrived.
    pub placed_at_ms: Millis,
    /// The span in which it was accepted.
    pub context: SavedContext,
}

/// The award of an auction to a bid.
#[derive(Debug, Clone)]
pub struct Award {
    /// Its id.
    pub id: String,
    /// The bid.
    pub bid: Bid,
    /// When it was made.
    pub awarded_at_ms: Millis,
    /// The revoked award that it replaces. The first award of an auction replaces none.
    pub replaces_award_id: Option<String>,
    /// The span in which it was made.
    pub context: SavedContext,
}

/// An auction with its lowest bid and its standing award.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The auction.
    pub auction: Auction,
    /// Its lowest bid.
    pub lowest: Option<Bid>,
    /// Its award that is not revoked.
    pub award: Option<Award>,
}

// === impl State ===

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Open,
        Self::Awarded,
        Self::Expired,
        Self::Closed,
        Self::Failed,
    ];

    /// Its name in the database, in events and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Awarded => "awarded",
            Self::Expired => "expired",
            Self::Closed => "closed",
            Self::Failed => "failed",
        }
    }

    /// The state with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

// === impl Auction ===

impl Auction {
    /// An amount in the auction's currency.
    pub fn money(&self, minor: i64) -> Money {
        Money {
            minor,
            currency: self.terms.currency.clone(),
        }
    }

    /// Whether a bid that arrives at `now` is in time.
    pub fn takes_bids_at(&self, now: Millis) -> bool {
        self.state == State::Open && now < self.deadline_ms
    }

    /// The rules for the next bid.
    pub fn bid_rules(&self) -> bidding::BidRules {
        bidding::BidRules {
            state: self.state,
            deadline_ms: self.deadline_ms,
            ceiling_minor: self.terms.ceiling_minor,
            step_minor: self.terms.step_minor,
            lowest_minor: self.lowest_minor,
        }
    }

    /// Makes an accepted bid the lowest one.
    pub fn accept(&mut self, bid: &Bid) {
        self.lowest_minor = Some(bid.price_minor);
        self.lowest_bid_id = Some(bid.id.clone());
        self.bid_count += 1;
    }

    /// Increments the sequence for a change, whose cause is the current span.
    pub fn changed(&mut self) {
        self.sequence += 1;
        self.cause = SavedContext::current();
    }
}
