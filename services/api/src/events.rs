//! The events that services publish to the broker, as JSON. An event is written to the service's outbox in the transaction
//! of the change that it reports, and consumers are idempotent.

use serde::{Deserialize, Serialize};

/// The JetStream stream that holds every event.
pub const STREAM: &str = "EVENTS";

/// The subjects of [`STREAM`].
pub const SUBJECTS: &str = "events.>";

/// An event: its subject on the broker and its JSON body.
pub trait Event: Serialize + for<'de> Deserialize<'de> + Send + Sync {
    /// The subject of every event of this type. There are few, so it is also a metric label.
    const SUBJECT: &'static str;
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $subject:literal { $($(#[$field_doc:meta])* $field:ident: $ty:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
            pub struct $name { $($(#[$field_doc])* pub $field: $ty),* }

            impl Event for $name {
                const SUBJECT: &'static str = $subject;
            }
        )*
    };
}

/// An amount in minor units with its ISO 4217 currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amount {
    /// In the currency's minor unit.
    pub amount_minor: i64,
    /// ISO 4217.
    pub currency: String,
}

events! {
    /// An auction was opened.
    AuctionOpened = "events.auction.opened" {
        /// The auction.
        auction_id: String,
        /// The account of its customer.
        customer_account_id: String,
        /// The accounts of the restaurants that may bid.
        eligible_account_ids: Vec<String>,
        /// The deadline, Unix milliseconds of the auction service's clock.
        deadline_ms: i64,
    }

    /// An auction was awarded to its lowest bid. The order service settles the award.
    AuctionAwarded = "events.auction.awarded" {
        /// The auction.
        auction_id: String,
        /// The award. At most one award of an auction is not revoked.
        award_id: String,
        /// The revoked award that this one replaces.
        replaces_award_id: Option<String>,
        /// The awarded bid.
        bid_id: String,
        /// The restaurant of the bid.
        restaurant_id: String,
        /// The account of the restaurant.
        restaurant_account_id: String,
        /// The name of the restaurant, for people.
        restaurant_name: String,
        /// The account of the customer, who pays.
        customer_account_id: String,
        /// The price of the bid.
        price: Amount,
        /// The coupon to use, or an empty string.
        coupon_code: String,
        /// The points to use.
        points_to_use: i64,
        /// The payment provider's token.
        payment_method: String,
    }

    /// An award was revoked, because its payment was declined.
    AwardRevoked = "events.auction.award_revoked" {
        /// The auction.
        auction_id: String,
        /// The revoked award.
        award_id: String,
        /// The account of the restaurant.
        restaurant_account_id: String,
        /// The account of the customer.
        customer_account_id: String,
        /// The stable code of the reason.
        reason: String,
    }

    /// An auction ended without an award.
    AuctionEnded = "events.auction.ended" {
        /// The auction.
        auction_id: String,
        /// The account of the customer.
        customer_account_id: String,
        /// `expired` (no bid), `closed` (by an admin) or `failed` (every award was revoked).
        outcome: String,
    }

    /// An order was confirmed.
    OrderConfirmed = "events.order.confirmed" {
        /// The order.
        order_id: String,
        /// Its auction.
        auction_id: String,
        /// The settled award.
        award_id: String,
        /// The account of the customer.
        customer_account_id: String,
        /// The account of the restaurant.
        restaurant_account_id: String,
        /// The name of the restaurant, for people.
        restaurant_name: String,
        /// The paid amount, after the discount.
        paid: Amount,
    }

    /// The settlement of an order failed.
    OrderFailed = "events.order.failed" {
        /// The order.
        order_id: String,
        /// Its auction.
        auction_id: String,
        /// The award that could not be settled.
        award_id: String,
        /// The account of the customer.
        customer_account_id: String,
        /// The account of the restaurant.
        restaurant_account_id: String,
        /// The stable code of the reason, such as `payment.declined`.
        reason: String,
    }
}
