//! The rules of bidding.
//!
//! A bid is accepted when it arrives before the deadline, comes from an eligible restaurant, and undercuts the lowest bid
//! by at least the minimum step. The first bid may be as high as the ceiling. So no two accepted bids have the same price.

use chassis::Failure;
use chassis::clock::Millis;
use registry::AuctionBidsOutcome;

use super::State;

/// The properties of an auction that decide whether a bid is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BidRules {
    /// The auction's state: only an open auction accepts bids.
    pub state: State,
    /// The deadline. A bid that arrives at this time is too late.
    pub deadline_ms: Millis,
    /// The highest price of the first bid.
    pub ceiling_minor: i64,
    /// The least amount by which a bid must undercut the lowest bid.
    pub step_minor: i64,
    /// The price of the lowest bid.
    pub lowest_minor: Option<i64>,
}

/// Why a bid is rejected. A rejection is an expected outcome and does not count as an error of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// The auction is not open, for another reason than its deadline.
    NotOpen(State),
    /// The bid arrived at the deadline or after it.
    DeadlinePassed,
    /// The restaurant is not one of those that the catalog found for the auction.
    NotEligible,
    /// The bid's currency is not the auction's.
    WrongCurrency,
    /// The price is too high. The value is the highest acceptable price, if there is one.
    TooHigh(Option<i64>),
}

// === impl BidRules ===

impl BidRules {
    /// The highest acceptable price, or `None` when no price above zero is low enough.
    pub fn highest_acceptable(&self) -> Option<i64> {
        let highest = match self.lowest_minor {
            None => self.ceiling_minor,
            Some(lowest) => lowest.checked_sub(self.step_minor)?,
        };
        (highest > 0).then_some(highest)
    }

    /// Accepts or rejects a bid of `price_minor` that arrived at `arrived_at`.
    ///
    /// # Errors
    /// Why the bid is rejected.
    pub fn admit(&self, price_minor: i64, arrived_at: Millis) -> Result<(), Rejection> {
        if self.state == State::Closed {
            return Err(Rejection::NotOpen(self.state));
        }
        if arrived_at >= self.deadline_ms {
            return Err(Rejection::DeadlinePassed);
        }
        if self.state != State::Open {
            return Err(Rejection::NotOpen(self.state));
        }
        let highest = self.highest_acceptable();
        match highest {
            Some(highest) if (1..=highest).contains(&price_minor) => Ok(()),
            _ => Err(Rejection::TooHigh(highest)),
        }
    }
}

// === impl Rejection ===

impl Rejection {
    /// Its stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotOpen(_) => "auction.not_open",
            Self::DeadlinePassed => "auction.deadline_passed",
            Self::NotEligible => "auction.not_eligible",
            Self::WrongCurrency => "auction.wrong_currency",
            Self::TooHigh(_) => "auction.bid_too_high",
        }
    }
}

impl From<Rejection> for AuctionBidsOutcome {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::NotOpen(_) => Self::AuctionNotOpen,
            Rejection::DeadlinePassed => Self::AuctionDeadlinePassed,
            Rejection::NotEligible => Self::AuctionNotEligible,
            Rejection::WrongCurrency => Self::AuctionWrongCurrency,
            Rejection::TooHigh(_) => Self::AuctionBidTooHigh,
        }
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let code = rejection.code();
        match rejection {
            Rejection::NotOpen(state) => Self::conflict(
                code,
                format!("the auction takes no more bids: it is {}", state.name()),
            ),
            Rejection::DeadlinePassed => {
                Self::conflict(code, "the bid came after the auction's deadline")
            }
            Rejection::NotEligible => Self::conflict(
                code,
                "this restaurant was not found for the dishes and the place of the auction",
            ),
            Rejection::WrongCurrency => {
                Self::conflict(code, "bid in the currency of the auction's ceiling price")
                    .at("price.currency")
            }
            Rejection::TooHigh(Some(highest)) => {
                Self::conflict(code, format!("bid at most {highest} to count now")).at("price")
            }
            Rejection::TooHigh(None) => Self::conflict(
                code,
                "no lower bid is possible: the lowest one is within a step of zero",
            )
            .at("price"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use registry::AuctionBidsOutcome;

    use super::{BidRules, Rejection, State};

    const DEADLINE: i64 = 1_000;

    fn bid_rules(ceiling_minor: i64, step_minor: i64, lowest_minor: Option<i64>) -> BidRules {
        BidRules {
            state: State::Open,
            deadline_ms: DEADLINE,
            ceiling_minor,
            step_minor,
            lowest_minor,
        }
    }

    #[test]
    fn a_rejection_is_counted_by_its_code() {
        for rejection in [
            Rejection::NotOpen(State::Closed),
            Rejection::DeadlinePassed,
            Rejection::NotEligible,
            Rejection::WrongCurrency,
            Rejection::TooHigh(None),
        ] {
            let outcome = AuctionBidsOutcome::from(rejection);
            assert_eq!(outcome.as_str(), rejection.code());
        }
    }

    #[test]
    fn the_first_bid_may_be_the_ceiling_and_no_more() {
        let rules = bid_rules(20_000, 100, None);
        assert_eq!(rules.admit(20_000, 0), Ok(()));
        assert_eq!(
            rules.admit(20_001, 0),
            Err(Rejection::TooHigh(Some(20_000)))
        );
    }

    #[test]
    fn a_bid_at_the_deadline_is_too_late_and_one_just_before_is_not() {
        let rules = bid_rules(20_000, 100, None);
        assert_eq!(rules.admit(1, DEADLINE - 1), Ok(()));
        assert_eq!(rules.admit(1, DEADLINE), Err(Rejection::DeadlinePassed));
    }

    #[test]
    fn an_ended_auction_takes_no_bid_whatever_the_time() {
        for state in State::ALL.into_iter().filter(|state| *state != State::Open) {
            let ended = BidRules {
                state,
                ..bid_rules(20_000, 100, None)
            };
            assert_eq!(ended.admit(1, 0), Err(Rejection::NotOpen(state)));
        }
    }

    #[test]
    fn nothing_is_left_to_bid_within_a_step_of_zero() {
        let rules = bid_rules(20_000, 100, Some(100));
        assert_eq!(rules.admit(1, 0), Err(Rejection::TooHigh(None)));
    }

    proptest! {
        #[test]
        fn accepted_bids_fall_by_at_least_the_step_and_stay_above_zero(
            ceiling in 1_i64..1_000_000,
            step in 1_i64..5_000,
            offers in prop::collection::vec((any::<i32>(), 0_i64..2 * DEADLINE), 0..200),
        ) {
            let mut rules = bid_rules(ceiling, step, None);
            for (offer, arrived_at) in offers {
                let price = i64::from(offer).rem_euclid(ceiling + 10) - 5;
                let before = rules.lowest_minor;
                match rules.admit(price, arrived_at) {
                    Ok(()) => {
                        prop_assert!(arrived_at < DEADLINE);
                        prop_assert!(price > 0);
                        match before {
                            None => prop_assert!(price <= ceiling),
                            Some(lowest) => prop_assert!(lowest - price >= step),
                        }
                        rules.lowest_minor = Some(price);
                    }
                    Err(Rejection::DeadlinePassed) => prop_assert!(arrived_at >= DEADLINE),
                    Err(Rejection::TooHigh(highest)) => {
                        prop_assert!(price <= 0 || highest.is_none_or(|highest| price > highest));
                    }
                    Err(other) => prop_assert!(false, "{other:?}"),
                }
            }
        }

        #[test]
        fn no_arithmetic_overflows(
            ceiling in any::<i64>(), step in any::<i64>(), lowest in any::<Option<i64>>(), price in any::<i64>(),
        ) {
            let _ = bid_rules(ceiling, step, lowest).admit(price, 0);
        }

        #[test]
        fn the_highest_acceptable_price_is_acceptable_and_one_more_is_not(
            ceiling in 1_i64..1_000_000, step in 1_i64..5_000, lowest in prop::option::of(1_i64..1_000_000),
        ) {
            let rules = bid_rules(ceiling, step, lowest);
            if let Some(highest) = rules.highest_acceptable() {
                prop_assert_eq!(rules.admit(highest, 0), Ok(()));
                prop_assert_eq!(rules.admit(highest + 1, 0), Err(Rejection::TooHigh(Some(highest))));
            }
        }
    }
}
