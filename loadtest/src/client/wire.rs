//! The request and response bodies of the gateway's API. Fields that nothing here needs are left out.

use serde::{Deserialize, Serialize};

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// In minor units of the currency.
    pub amount_minor: i64,
    /// The ISO 4217 code.
    pub currency: String,
}

/// A position in degrees, with its address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// North is positive.
    pub latitude: f64,
    /// East is positive.
    pub longitude: f64,
    /// The postal address; no rule uses it.
    #[serde(default)]
    pub address: String,
}

/// The role of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Opens auctions.
    Customer,
    /// Places bids.
    Restaurant,
    /// Lists and closes accounts and auctions.
    Admin,
}

/// The request to create an account.
#[derive(Debug, Clone, Serialize)]
pub struct SignUp {
    /// The e-mail address to log in with.
    pub email: String,
    /// 8 to 128 characters.
    pub password: String,
    /// The display name.
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
    /// Its e-mail address.
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
    /// Its price without an auction.
    pub list_price: Money,
}

/// The request to create or replace a restaurant.
#[derive(Debug, Clone, Serialize)]
pub struct PutRestaurant {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub place: Place,
    /// How far it delivers.
    pub delivery_radius_m: u32,
    /// Its dishes.
    pub menu: Vec<MenuItem>,
}

/// A restaurant.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Restaurant {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A dish and its quantity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DishOrder {
    /// Its name.
    pub dish: String,
    /// The quantity.
    pub quantity: u32,
}

/// The request to open an auction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpenAuction {
    /// The dishes.
    pub dishes: Vec<DishOrder>,
    /// Where they are to be delivered.
    pub place: Place,
    /// The maximum price of a bid.
    pub ceiling_price: Money,
    /// The minimum difference to the lowest bid; the service's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_step: Option<Money>,
    /// The duration of the auction.
    pub duration_ms: u32,
    /// The code of a coupon; empty for none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub coupon_code: String,
    /// Points to use.
    pub points_to_use: i64,
    /// The token of the payment provider.
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
    /// The restaurant that placed it.
    pub restaurant_id: String,
    /// Its price.
    pub price: Money,
}

/// The award of an auction to a bid.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Award {
    /// Its id.
    pub id: String,
    /// The winning bid.
    pub bid: Bid,
    /// The award that this one replaces.
    #[serde(default)]
    pub replaces_award_id: Option<String>,
}

/// The state of an auction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuctionState {
    /// Bids are accepted.
    Open,
    /// The lowest bid has won.
    Awarded,
    /// It ended without a bid.
    Expired,
    /// An admin closed it.
    Closed,
    /// Every award was revoked.
    Failed,
}

/// An auction.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Auction {
    /// Its id.
    pub id: String,
    /// Its state.
    pub state: AuctionState,
    /// When it opened, Unix milliseconds.
    pub opened_at_ms: i64,
    /// Its deadline, Unix milliseconds.
    pub deadline_ms: i64,
    /// The lowest bid so far.
    #[serde(default)]
    pub lowest_bid: Option<Bid>,
    /// How many bids were accepted.
    pub bid_count: u32,
    /// The current award.
    #[serde(default)]
    pub award: Option<Award>,
    /// How many restaurants may bid.
    pub eligible_restaurants: u32,
}

/// An event of an auction's stream.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AuctionEvent {
    /// The auction after the change.
    #[serde(flatten)]
    pub auction: Auction,
    /// The W3C `traceparent` of the request or job that changed the auction; empty if it has none.
    #[serde(default)]
    pub traceparent: String,
}

/// The state of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// The settlement is in progress.
    Settling,
    /// The settlement has succeeded.
    Confirmed,
    /// The settlement has failed and was compensated.
    Failed,
}

/// An entry of the saga log of a settlement.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SagaStep {
    /// The step of the saga.
    pub step: String,
    /// Its outcome.
    pub outcome: String,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// The award that it settles.
    pub award_id: String,
    /// The price of the winning bid.
    pub price: Money,
    /// Its state.
    pub state: OrderState,
    /// Why it failed.
    #[serde(default)]
    pub failure_code: Option<String>,
    /// Its saga log.
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
    /// Its kind, such as `order.confirmed`.
    pub kind: String,
    /// The auction that it is about.
    #[serde(default)]
    pub auction_id: String,
    /// Its text.
    pub text: String,
}

#[derive(Deserialize)]
pub(super) struct Notifications {
    pub(super) notifications: Vec<Notification>,
}

/// The points of an account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Balance {
    /// Points that can be used.
    pub points: i64,
    /// Points that running settlements have reserved.
    pub points_reserved: i64,
    /// The newest entries of the ledger.
    #[serde(default)]
    pub recent: Vec<LedgerEntry>,
}

/// An entry of the points ledger.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct LedgerEntry {
    /// Its id.
    pub id: String,
    /// The change; negative for points that were used.
    pub points: i64,
    /// The reason.
    pub reason: String,
}

// === impl Money ===

impl Money {
    /// An amount in the default currency, won.
    pub fn won(amount: i64) -> Self {
        Self {
            amount_minor: amount,
            currency: chassis::money::DEFAULT_CURRENCY.to_owned(),
        }
    }
}

// === impl AuctionEvent ===

impl AuctionEvent {
    /// The trace id of the request or job that changed the auction, if the event has one.
    pub fn trace_id(&self) -> Option<&str> {
        self.traceparent.split('-').nth(1)
    }
}
