//! Orders: the award that an order settles, its price and its state.

use api::common::Role;
use api::events::AuctionAwarded;
use chassis::Failure;
use chassis::clock::Millis;
use chassis::money::{MAX_MINOR, Money};
use telemetry::context::SavedContext;

use crate::saga::Log;

/// The paid amount, in minor units, for which a customer earns one point.
const PAID_PER_POINT: i64 = 100;

/// The maximum length of a text field of an award, in bytes.
const MAX_TEXT: usize = 256;

/// The state of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its settlement is in progress.
    Settling,
    /// It is paid.
    Confirmed,
    /// Its settlement failed.
    Failed,
}

/// An award of the auction service, which an order settles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Award {
    /// The award's id. It has at most one order.
    pub id: String,
    /// Its auction.
    pub auction_id: String,
    /// The account of the customer, who pays.
    pub customer_account_id: String,
    /// The restaurant, which delivers.
    pub restaurant_id: String,
    /// The account of the restaurant.
    pub restaurant_account_id: String,
    /// The name of the restaurant, for people.
    pub restaurant_name: String,
    /// The price of the awarded bid.
    pub price: Money,
    /// The coupon to use, if any.
    pub coupon_code: Option<String>,
    /// The points to use.
    pub points_to_use: i64,
    /// The payment provider's token.
    pub payment_method: String,
}

/// An order and the log of its settlement.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its id, which is also the id of its reservation and the idempotency key of its payment.
    pub id: String,
    /// The award that it settles.
    pub award: Award,
    /// The discount of coupon and points, in the currency of the price.
    pub discount_minor: i64,
    /// The state.
    pub state: State,
    /// The stable code of the reason for which it failed.
    pub failure_code: Option<String>,
    /// When it was created.
    pub created_at_ms: Millis,
    /// When its settlement ended, in success or failure.
    pub settled_at_ms: Option<Millis>,
    /// The trace context that the settlement continues.
    pub context: SavedContext,
    /// The log of its settlement.
    pub log: Log,
}

// === impl State ===

impl State {
    const ALL: [Self; 3] = [Self::Settling, Self::Confirmed, Self::Failed];

    /// Its name in the table and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Settling => "settling",
            Self::Confirmed => "confirmed",
            Self::Failed => "failed",
        }
    }

    /// The state with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

// === impl Award ===

impl TryFrom<AuctionAwarded> for Award {
    type Error = Failure;

    fn try_from(event: AuctionAwarded) -> Result<Self, Failure> {
        for (field, text) in [
            ("award_id", &event.award_id),
            ("auction_id", &event.auction_id),
            ("customer_account_id", &event.customer_account_id),
            ("restaurant_account_id", &event.restaurant_account_id),
            ("payment_method", &event.payment_method),
        ] {
            if text.is_empty() || text.len() > MAX_TEXT {
                return Err(Failure::invalid(
                    "order.bad_award",
                    field,
                    format!("an award's {field} has 1 to {MAX_TEXT} bytes"),
                ));
            }
        }
        if !(0..=MAX_MINOR).contains(&event.points_to_use) {
            return Err(Failure::invalid(
                "order.bad_award",
                "points_to_use",
                format!("an award uses 0 to {MAX_MINOR} points"),
            ));
        }
        Ok(Self {
            id: event.award_id,
            auction_id: event.auction_id,
            customer_account_id: event.customer_account_id,
            restaurant_id: event.restaurant_id,
            restaurant_account_id: event.restaurant_account_id,
            restaurant_name: event.restaurant_name,
            price: Money::positive("price", Some(Money::from(event.price).into()))?,
            coupon_code: Some(event.coupon_code).filter(|code| !code.is_empty()),
            points_to_use: event.points_to_use,
            payment_method: event.payment_method,
        })
    }
}

// === impl Order ===

impl Order {
    /// The amount that the customer pays.
    pub fn paid(&self) -> Money {
        Money {
            minor: self.award.price.minor - self.discount_minor,
            currency: self.award.price.currency.clone(),
        }
    }

    /// The points that the customer earns.
    pub fn points_earned(&self) -> i64 {
        self.paid().minor / PAID_PER_POINT
    }

    /// Whether this account with this role may see the order: its customer, its restaurant and admins may.
    pub fn is_visible_to(&self, account_id: &str, role: Role) -> bool {
        match role {
            Role::Admin => true,
            Role::Customer => self.award.customer_account_id == account_id,
            Role::Restaurant => self.award.restaurant_account_id == account_id,
            Role::Unspecified => false,
        }
    }

    /// Whether a discount is valid: in the currency of the price, and not more than the price.
    pub fn is_valid_discount(&self, discount: Option<&api::common::Money>) -> bool {
        discount.is_none_or(|discount| {
            (0..=self.award.price.minor).contains(&discount.amount_minor)
                && (discount.amount_minor == 0 || discount.currency == self.award.price.currency)
        })
    }
}

#[cfg(test)]
mod tests {
    use api::events::{Amount, AuctionAwarded};

    use super::Award;

    fn event() -> AuctionAwarded {
        AuctionAwarded {
            auction_id: "auction".to_owned(),
            award_id: "award".to_owned(),
            replaces_award_id: None,
            bid_id: "bid".to_owned(),
            restaurant_id: "restaurant".to_owned(),
            restaurant_account_id: "account".to_owned(),
            restaurant_name: "한강치킨".to_owned(),
            customer_account_id: "customer".to_owned(),
            price: Amount {
                amount_minor: 18_500,
                currency: "KRW".to_owned(),
            },
            coupon_code: String::new(),
            points_to_use: 0,
            payment_method: "tok_ok".to_owned(),
        }
    }

    #[test]
    fn an_award_without_an_id_is_refused_and_the_field_named() {
        let event = AuctionAwarded {
            award_id: String::new(),
            ..event()
        };
        let failure = Award::try_from(event).expect_err("no id");
        assert_eq!(failure.field.as_deref(), Some("award_id"));
    }

    #[test]
    fn negative_points_are_refused() {
        let event = AuctionAwarded {
            points_to_use: -1,
            ..event()
        };
        assert!(Award::try_from(event).is_err());
        assert!(Award::try_from(self::event()).is_ok());
    }
}
