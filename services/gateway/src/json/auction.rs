//! Auctions and bids.

use ::api::auction;
use ::api::common::Caller;
use chassis::Failure;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{DishOrder, Money, Place, present, required};

/// A new auction.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "dishes": [{"dish": "후라이드치킨", "quantity": 1}],
    "place": {"latitude": 37.5563, "longitude": 126.9236, "address": "서울 마포구 어울마당로 1"},
    "ceiling_price": {"amount_minor": 21000, "currency": "KRW"},
    "duration_ms": 30000,
    "payment_method": "tok_ok"
}))]
pub(crate) struct OpenAuction {
    /// What is to be cooked.
    dishes: Vec<DishOrder>,
    /// Where it is to be delivered.
    place: Place,
    /// The most that a bid may ask.
    ceiling_price: Money,
    /// By how much a bid must be below the one before; the platform's step when absent.
    minimum_step: Option<Money>,
    /// How long bids are taken.
    duration_ms: u32,
    /// A coupon to use when the order is settled.
    coupon_code: Option<String>,
    /// Points to use when the order is settled.
    #[serde(default)]
    #[schema(minimum = 0)]
    points_to_use: i64,
    /// A token of the payment provider.
    payment_method: String,
}

/// A bid.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"price": {"amount_minor": 18500, "currency": "KRW"}}))]
pub(crate) struct PlaceBid {
    /// What the restaurant asks for everything, delivered.
    pub(crate) price: Money,
}

/// A bid that counts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Bid {
    /// Its id.
    id: String,
    /// Its auction.
    auction_id: String,
    /// Who bids.
    restaurant_id: String,
    /// Who bids, for people.
    restaurant_name: String,
    /// What it asks.
    price: Money,
    /// Unix milliseconds.
    placed_at_ms: i64,
}

/// What the auction came to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Award {
    /// Its id.
    id: String,
    /// The bid that won.
    bid: Bid,
    /// Unix milliseconds.
    awarded_at_ms: i64,
    /// The award that this one replaces, after its payment declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    replaces_award_id: Option<String>,
}

/// An auction.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Auction {
    /// Its id.
    pub(crate) id: String,
    /// Who opened it.
    customer_account_id: String,
    /// What is to be cooked.
    dishes: Vec<DishOrder>,
    /// Where it is to be delivered.
    place: Place,
    /// The most that a bid may ask.
    ceiling_price: Money,
    /// By how much a bid must be below the one before.
    minimum_step: Money,
    /// Unix milliseconds.
    opened_at_ms: i64,
    /// From when on no bid counts, Unix milliseconds by the auction service's clock.
    deadline_ms: i64,
    /// Where it stands.
    state: AuctionState,
    /// The bid to beat.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    lowest_bid: Option<Bid>,
    /// How many bids counted.
    bid_count: u32,
    /// The award that stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    award: Option<Award>,
    /// The coupon to use.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    coupon_code: Option<String>,
    /// The points to use.
    points_to_use: i64,
    /// How many restaurants may bid.
    eligible_restaurants: u32,
}

/// Where an auction stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AuctionState {
    /// It takes bids.
    Open,
    /// The lowest bid won.
    Awarded,
    /// The deadline passed and there was no bid.
    Expired,
    /// An admin ended it.
    Closed,
    /// Every bid was awarded and revoked.
    Failed,
}

/// A page of auctions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Auctions {
    /// The page.
    pub(crate) auctions: Vec<Auction>,
    /// The `after` of the next page; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) next_after: Option<String>,
}

/// A change of an auction.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LiveEvent {
    /// The auction after the change.
    #[serde(flatten)]
    pub(crate) auction: Auction,
    /// The W3C `traceparent` of what caused the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) traceparent: Option<String>,
}

impl OpenAuction {
    pub(crate) fn of(self, caller: Caller) -> auction::OpenAuctionRequest {
        auction::OpenAuctionRequest {
            caller: Some(caller),
            dishes: self.dishes.into_iter().map(Into::into).collect(),
            place: Some(self.place.into()),
            ceiling_price: Some(self.ceiling_price.into()),
            minimum_step: self.minimum_step.map(Into::into),
            duration_ms: self.duration_ms,
            coupon_code: self.coupon_code.unwrap_or_default(),
            points_to_use: self.points_to_use,
            payment_method: self.payment_method,
        }
    }
}

impl TryFrom<auction::Bid> for Bid {
    type Error = Failure;

    fn try_from(bid: auction::Bid) -> Result<Self, Failure> {
        Ok(Self {
            id: bid.id,
            auction_id: bid.auction_id,
            restaurant_id: bid.restaurant_id,
            restaurant_name: bid.restaurant_name,
            price: required(bid.price, "bid.price")?.into(),
            placed_at_ms: bid.placed_at_ms,
        })
    }
}

impl TryFrom<auction::Award> for Award {
    type Error = Failure;

    fn try_from(award: auction::Award) -> Result<Self, Failure> {
        Ok(Self {
            id: award.id,
            bid: required(award.bid, "award.bid")?.try_into()?,
            awarded_at_ms: award.awarded_at_ms,
            replaces_award_id: present(award.replaces_award_id),
        })
    }
}

impl TryFrom<auction::Auction> for Auction {
    type Error = Failure;

    fn try_from(auction: auction::Auction) -> Result<Self, Failure> {
        let state = match auction.state() {
            auction::AuctionState::Open => Some(AuctionState::Open),
            auction::AuctionState::Awarded => Some(AuctionState::Awarded),
            auction::AuctionState::Expired => Some(AuctionState::Expired),
            auction::AuctionState::Closed => Some(AuctionState::Closed),
            auction::AuctionState::Failed => Some(AuctionState::Failed),
            auction::AuctionState::Unspecified => None,
        };
        Ok(Self {
            state: required(state, "auction.state")?,
            id: auction.id,
            customer_account_id: auction.customer_account_id,
            dishes: auction.dishes.into_iter().map(Into::into).collect(),
            place: required(auction.place, "auction.place")?.into(),
            ceiling_price: required(auction.ceiling_price, "auction.ceiling_price")?.into(),
            minimum_step: required(auction.minimum_step, "auction.minimum_step")?.into(),
            opened_at_ms: auction.opened_at_ms,
            deadline_ms: auction.deadline_ms,
            lowest_bid: auction.lowest_bid.map(Bid::try_from).transpose()?,
            bid_count: auction.bid_count,
            award: auction.award.map(Award::try_from).transpose()?,
            coupon_code: present(auction.coupon_code),
            points_to_use: auction.points_to_use,
            eligible_restaurants: auction.eligible_restaurants,
        })
    }
}
