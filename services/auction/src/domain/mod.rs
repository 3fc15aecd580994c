//! What an auction is and which rules it keeps. Nothing here reads a clock, a table or the network.

use chassis::clock::Millis;
use chassis::money::Money;
use serde::{Deserialize, Serialize};
use telemetry::context::SavedContext;

pub mod bidding;
pub mod opening;

/// Where an auction is in its life: `Open` ends in one of `Awarded`, `Expired` and `Closed`, and `Awarded` may end in
/// `Failed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It takes bids.
    Open,
    /// The lowest valid bid won.
    Awarded,
    /// The deadline passed and there was no bid.
    Expired,
    /// An admin ended it.
    Closed,
    /// Every bid was awarded and revoked.
    Failed,
}

/// A dish and how many of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dish {
    /// Its name on the menus.
    pub dish: String,
    /// How many.
    pub quantity: u32,
}

/// Where to deliver.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// WGS 84, degrees.
    pub latitude: f64,
    /// WGS 84, degrees.
    pub longitude: f64,
    /// For people.
    pub address: String,
}

/// What the customer asks for, and how it will be paid.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// What is wanted.
    pub dishes: Vec<Dish>,
    /// Where.
    pub place: Place,
    /// Of every price in this auction, ISO 4217.
    pub currency: String,
    /// The highest first bid.
    pub ceiling_minor: i64,
    /// By how much a bid must be lower than the lowest one that stands.
    pub step_minor: i64,
    /// Empty when none was given.
    pub coupon_code: String,
    /// Points that the customer wants to use.
    pub points_to_use: i64,
    /// The payment provider's token.
    pub payment_method: String,
}

/// A restaurant that may bid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Eligible {
    /// Who bids for it.
    pub account_id: String,
    /// Its id in the catalog.
    pub restaurant_id: String,
    /// Its name when the auction was opened.
    pub restaurant_name: String,
}

/// An auction as it stands.
#[derive(Debug, Clone)]
pub struct Auction {
    /// A UUID of version 7: ids sort by the time of opening.
    pub id: String,
    /// Who opened it.
    pub customer_account_id: String,
    /// What was asked for.
    pub terms: Terms,
    /// When it was opened.
    pub opened_at_ms: Millis,
    /// From this moment on no bid counts.
    pub deadline_ms: Millis,
    /// How many restaurants may bid.
    pub eligible_count: i64,
    /// Where it is in its life.
    pub state: State,
    /// Rises by one with each change.
    pub sequence: i64,
    /// How many bids were accepted.
    pub bid_count: i64,
    /// The lowest accepted price.
    pub lowest_minor: Option<i64>,
    /// The bid of that price.
    pub lowest_bid_id: Option<String>,
    /// The span that opened it: what the deadline causes goes on from there.
    pub context: SavedContext,
    /// The span that made the latest change.
    pub cause: SavedContext,
}

/// An accepted bid.
#[derive(Debug, Clone)]
pub struct Bid {
    /// Its id.
    pub id: String,
    /// The auction it was made in.
    pub auction_id: String,
    /// Who bid.
    pub bidder: Eligible,
    /// In the auction's currency.
    pub price_minor: i64,
    /// When it arrived.
    pub placed_at_ms: Millis,
    /// The span in which it was accepted.
    pub context: SavedContext,
}

/// That a bid won.
#[derive(Debug, Clone)]
pub struct Award {
    /// Its id.
    pub id: String,
    /// The bid that won.
    pub bid: Bid,
    /// When.
    pub awarded_at_ms: Millis,
    /// The award that it replaces; empty for an auction's first.
    pub replaces_award_id: String,
    /// The span in which it was made.
    pub context: SavedContext,
}

/// All that may be shown of an auction: itself, its lowest bid and the award that stands.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The auction.
    pub auction: Auction,
    /// Its lowest bid.
    pub lowest: Option<Bid>,
    /// The award that stands.
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

    /// The state of that name.
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

    /// Whether a bid that arrives at `now` is still in time.
    pub fn takes_bids_at(&self, now: Millis) -> bool {
        self.state == State::Open && now < self.deadline_ms
    }

    /// What a bid is measured against.
    pub fn standing(&self) -> bidding::Standing {
        bidding::Standing {
            state: self.state,
            deadline_ms: self.deadline_ms,
            ceiling_minor: self.terms.ceiling_minor,
            step_minor: self.terms.step_minor,
            lowest_minor: self.lowest_minor,
        }
    }

    /// Notes an accepted bid.
    pub fn accept(&mut self, bid: &Bid) {
        self.lowest_minor = Some(bid.price_minor);
        self.lowest_bid_id = Some(bid.id.clone());
        self.bid_count += 1;
    }

    /// Counts a change that the current span makes.
    pub fn changed(&mut self) {
        self.sequence += 1;
        self.cause = SavedContext::current();
    }
}
