//! The bodies of the gateway's API, as far as a client needs them.

use serde::{Deserialize, Serialize};

/// An amount in minor units with its ISO 4217 currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// In the currency's minor unit.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
}

/// A position in degrees, with an address for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// North is positive.
    pub latitude: f64,
    /// East is positive.
    pub longitude: f64,
    /// No rule reads it.
    #[serde(default)]
    pub address: String,
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Opens auctions.
    Customer,
    /// Bids.
    Restaurant,
    /// Looks at and closes accounts and auctions.
    Admin,
}

/// A sign-up.
#[derive(Debug, Clone, Serialize)]
pub struct SignUp {
    /// The address to log in with.
    pub email: String,
    /// 8 to 128 characters.
    pub password: String,
    /// For people.
    pub name: String,
    /// Customer or restaurant.
    pub role: Role,
}

#[derive(Serialize)]
pub(super) struct LogIn<'a> {
    pub(super) email: &'a str,
    pub(super) password: &'a str,
}

#[derive(Deserialize)]
pub(super) struct LoggedIn {
    pub(super) token: String,
    pub(super) account: Account,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// Its address.
    pub email: String,
    /// Its role.
    pub role: Role,
    /// `open` or `closed`.
    pub state: String,
}

/// A dish and its price on the menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MenuItem {
    /// Its name.
    pub dish: String,
    /// What it costs without an auction.
    pub list_price: Money,
}

/// What a restaurant says of itself.
#[derive(Debug, Clone, Serialize)]
pub struct PutRestaurant {
    /// For people.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// How far it delivers.
    pub delivery_radius_m: u32,
    /// What it cooks.
    pub menu: Vec<MenuItem>,
}

/// A restaurant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Restaurant {
    /// Its id.
    pub id: String,
    /// For people.
    pub name: String,
}

/// A dish and how many of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DishOrder {
    /// Its name.
    pub dish: String,
    /// How many.
    pub quantity: u32,
}

/// The opening of an auction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpenAuction {
    /// What is wanted.
    pub dishes: Vec<DishOrder>,
    /// Where it is wanted.
    pub place: Place,
    /// The most that may be bid.
    pub ceiling_price: Money,
    /// By how much each bid must be lower; the service's own step when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_step: Option<Money>,
    /// For how long bids are taken.
    pub duration_ms: u32,
    /// A coupon; empty for none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub coupon_code: String,
    /// Points to use.
    pub points_to_use: i64,
    /// The payment provider's token.
    pub payment_method: String,
}

#[derive(Serialize)]
pub(super) struct PlaceBid {
    pub(super) price: Money,
}

/// A bid.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Bid {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub restaurant_id: String,
    /// What it asks.
    pub price: Money,
}

/// The award of an auction to a bid.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Award {
    /// Its id.
    pub id: String,
    /// The bid that won.
    pub bid: Bid,
    /// The award that this one replaces.
    #[serde(default)]
    pub replaces_award_id: Option<String>,
}

/// Where an auction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuctionState {
    /// It takes bids.
    Open,
    /// The lowest bid won.
    Awarded,
    /// There was no bid.
    Expired,
    /// An admin ended it.
    Closed,
    /// Every award was revoked.
    Failed,
}

/// An auction.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Auction {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub state: AuctionState,
    /// When it opened, Unix milliseconds.
    pub opened_at_ms: i64,
    /// When it closes, Unix milliseconds.
    pub deadline_ms: i64,
    /// The lowest bid so far.
    #[serde(default)]
    pub lowest_bid: Option<Bid>,
    /// How many bids were accepted.
    pub bid_count: u32,
    /// The award that stands.
    #[serde(default)]
    pub award: Option<Award>,
    /// How many restaurants may bid.
    pub eligible_restaurants: u32,
}

/// A change of an auction.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AuctionEvent {
    /// The auction after the change.
    #[serde(flatten)]
    pub auction: Auction,
    /// The W3C trace context of what caused it.
    #[serde(default)]
    pub traceparent: String,
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Being settled.
    Settling,
    /// Settled.
    Confirmed,
    /// Compensated.
    Failed,
}

/// One entry of a settlement's log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SagaStep {
    /// The step.
    pub step: String,
    /// What came of it.
    pub outcome: String,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// The award that it settles.
    pub award_id: String,
    /// What was bid.
    pub price: Money,
    /// Where it stands.
    pub state: OrderState,
    /// Why it failed.
    #[serde(default)]
    pub failure_code: Option<String>,
    /// Its log.
    #[serde(default)]
    pub saga: Vec<SagaStep>,
}

#[derive(Deserialize)]
pub(super) struct Orders {
    pub(super) orders: Vec<Order>,
}

/// A notification.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Notification {
    /// Its id.
    pub id: String,
    /// Such as `order.confirmed`.
    pub kind: String,
    /// The auction that it is about.
    #[serde(default)]
    pub auction_id: String,
    /// For people.
    pub text: String,
}

#[derive(Deserialize)]
pub(super) struct Notifications {
    pub(super) notifications: Vec<Notification>,
}

/// Points.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Balance {
    /// To use.
    pub points: i64,
    /// Set aside by settlements under way.
    pub points_reserved: i64,
    /// The newest entries of the ledger.
    #[serde(default)]
    pub recent: Vec<LedgerEntry>,
}

/// An entry of the points' ledger.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LedgerEntry {
    /// Its id.
    pub id: String,
    /// Added, or taken off when negative.
    pub points: i64,
    /// Why.
    pub reason: String,
}

// === impl Money ===

impl Money {
    /// An amount of won.
    pub fn won(amount: i64) -> Self {
        Self {
            amount_minor: amount,
            currency: chassis::money::DEFAULT_CURRENCY.to_owned(),
        }
    }
}

// === impl AuctionEvent ===

impl AuctionEvent {
    /// The trace of what caused the change; empty when it is not told.
    pub fn trace_id(&self) -> &str {
        self.traceparent.split('-').nth(1).unwrap_or_default()
    }
}
