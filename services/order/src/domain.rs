//! An order: what an award promises to whom, and what is paid for it.

use api::common::Role;
use api::events::AuctionAwarded;
use chassis::Failure;
use chassis::clock::Millis;
use chassis::money::{MAX_MINOR, Money};
use telemetry::context::SavedContext;

use crate::saga::Log;

/// The share of what is paid that comes back as points: one in a hundred.
const PAID_PER_POINT: i64 = 100;

const MAX_TEXT: usize = 256;

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its settlement is under way.
    Settling,
    /// Paid and promised.
    Confirmed,
    /// Not to be.
    Failed,
}

/// What is settled: the award as the auction service told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Award {
    /// The award's id; it has at most one order.
    pub id: String,
    /// Its auction.
    pub auction_id: String,
    /// Who pays.
    pub customer_account_id: String,
    /// Who delivers.
    pub restaurant_id: String,
    /// The account of who delivers.
    pub restaurant_account_id: String,
    /// The name of who delivers, for people.
    pub restaurant_name: String,
    /// What was bid.
    pub price: Money,
    /// The coupon to use; empty for none.
    pub coupon_code: String,
    /// The points to use.
    pub points_to_use: i64,
    /// The payment provider's token.
    pub payment_method: String,
}

/// An order with the log of its settlement.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its id, which is also that of its reservation and the key of its payment.
    pub id: String,
    /// What it settles.
    pub award: Award,
    /// What coupon and points take off the price, in its currency.
    pub discount_minor: i64,
    /// Where it stands.
    pub state: State,
    /// The stable code of why it failed; empty when it did not.
    pub failure_code: String,
    /// When it was made.
    pub created_at_ms: Millis,
    /// When its settlement was over, whichever way.
    pub settled_at_ms: Option<Millis>,
    /// The trace that goes on in the settlement.
    pub context: SavedContext,
    /// What the settlement has done.
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

    /// The state of that name.
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
            coupon_code: event.coupon_code,
            points_to_use: event.points_to_use,
            payment_method: event.payment_method,
        })
    }
}

// === impl Order ===

impl Order {
    /// What the customer pays.
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

    /// Whether `role` of this account may see it: who ordered, who delivers, and admins.
    pub fn is_visible_to(&self, account_id: &str, role: Role) -> bool {
        match role {
            Role::Admin => true,
            Role::Customer => self.award.customer_account_id == account_id,
            Role::Restaurant => self.award.restaurant_account_id == account_id,
            Role::Unspecified => false,
        }
    }

    /// Whether a discount is one that the price can bear.
    pub fn bears(&self, discount: Option<&api::common::Money>) -> bool {
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
