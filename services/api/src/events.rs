//! What the services tell each other over the broker, as JSON. An event is written to its service's outbox in
//! the transaction of the change that it reports, and consumers treat a second delivery as the first.

use serde::{Deserialize, Serialize};

/// The JetStream stream that holds every event.
pub const STREAM: &str = "EVENTS";

/// The subjects that [`STREAM`] captures.
pub const SUBJECTS: &str = "events.>";

/// An event: its subject on the broker and its JSON body.
pub trait Event: Serialize + for<'de> Deserialize<'de> + Send + Sync {
    /// Where it is published; one fixed subject per kind of event, so it also serves as a metric label.
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
    /// An auction takes bids from now on.
    AuctionOpened = "events.auction.opened" {
        /// The auction.
        auction_id: String,
        /// Who opened it.
        customer_account_id: String,
        /// The accounts of the restaurants that may bid.
        eligible_account_ids: Vec<String>,
        /// When it closes, Unix milliseconds by the auction service's clock.
        deadline_ms: i64,
    }

    /// The lowest valid bid won; an order is to be settled.
    AuctionAwarded = "events.auction.awarded" {
        /// The auction.
        auction_id: String,
        /// The award; at most one stands per auction.
        award_id: String,
        /// The award that this one replaces, after its payment declined.
        replaces_award_id: Option<String>,
        /// The bid that won.
        bid_id: String,
        /// The winner.
        restaurant_id: String,
        /// The winner's account.
        restaurant_account_id: String,
        /// The winner's name, for people.
        restaurant_name: String,
        /// Who pays.
        customer_account_id: String,
        /// What the winner bid.
        price: Amount,
        /// Empty when none was given.
        coupon_code: String,
        /// Points that the customer wants to use.
        points_to_use: i64,
        /// The payment provider's token.
        payment_method: String,
    }

    /// An award was taken back because its payment declined.
    AwardRevoked = "events.auction.award_revoked" {
        /// The auction.
        auction_id: String,
        /// The award that no longer stands.
        award_id: String,
        /// Who had won.
        restaurant_account_id: String,
        /// Who could not pay.
        customer_account_id: String,
        /// The stable code of the reason.
        reason: String,
    }

    /// The auction ended without an award that stands.
    AuctionEnded = "events.auction.ended" {
        /// The auction.
        auction_id: String,
        /// Who had opened it.
        customer_account_id: String,
        /// `expired` (no bid), `closed` (by an admin) or `failed` (every award revoked).
        outcome: String,
    }

    /// The settlement is complete.
    OrderConfirmed = "events.order.confirmed" {
        /// The order.
        order_id: String,
        /// Its auction.
        auction_id: String,
        /// The award that was settled.
        award_id: String,
        /// Who ordered.
        customer_account_id: String,
        /// The restaurant's account.
        restaurant_account_id: String,
        /// The restaurant's name, for people.
        restaurant_name: String,
        /// What was paid, after the discount.
        paid: Amount,
    }

    /// The settlement failed and was compensated.
    OrderFailed = "events.order.failed" {
        /// The order.
        order_id: String,
        /// Its auction.
        auction_id: String,
        /// The award that could not be settled.
        award_id: String,
        /// Who ordered.
        customer_account_id: String,
        /// The restaurant's account.
        restaurant_account_id: String,
        /// The stable code of the reason, such as `payment.declined`.
        reason: String,
    }
}
