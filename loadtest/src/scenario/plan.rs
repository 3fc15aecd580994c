//! What an auction of the load test consists of: the opening request, and the bids with their times and prices.

use std::time::Duration;

use super::payment;
use crate::client::{DishOrder, Money, OpenAuction};
use crate::seed;
use crate::seed::city::{Cuisine, DELIVERY_ADDRESSES};

/// A bid to be placed.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedBid {
    /// The index of the restaurant in the accounts.
    pub restaurant: usize,
    /// When, relative to the opening.
    pub after: Duration,
    /// The price.
    pub price: Money,
}

/// An auction to be run.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedAuction {
    /// The index of the customer in the accounts.
    pub customer: usize,
    /// The request that opens it.
    pub request: OpenAuction,
    /// The bids in the order of their times, each lower than the one before.
    pub bids: Vec<PlannedBid>,
}

// === impl PlannedAuction ===

impl PlannedAuction {
    /// The auction with this index in a run. Customer, cuisine and address differ from index to index, and are always the
    /// same for one index.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "an index into a small table"
    )]
    pub fn new(index: u64, customers: usize, bidders: usize, duration: Duration) -> Self {
        let index = index as usize;
        let cuisine = Cuisine::ALL[index % Cuisine::ALL.len()];
        let address = DELIVERY_ADDRESSES[index / Cuisine::ALL.len() % DELIVERY_ADDRESSES.len()];
        let dishes = cuisine.dishes();
        let chosen = [
            dishes[index % dishes.len()],
            dishes[(index + 1) % dishes.len()],
        ];
        let quantity = 1 + u32::from(index.is_multiple_of(3));
        let usual_price: i64 = chosen
            .iter()
            .map(|(_, price)| price * i64::from(quantity))
            .sum();
        let ceiling = usual_price * 12 / 10 / 100 * 100;
        let serving = seed::restaurants_serving(cuisine, address.latitude, address.longitude);
        let bidders = u32::try_from(bidders).unwrap_or(u32::MAX).max(1);
        // The prices go from slightly below the ceiling down to 70 % of it, in hundreds.
        let step = (ceiling * 3 / 10 / i64::from(bidders)).max(100);
        // The bids are spread evenly from the opening to shortly before the deadline.
        let pause = duration.mul_f64(0.8) / (bidders + 1);
        let bids = (0..bidders)
            .map(|bid| PlannedBid {
                restaurant: serving[bid as usize % serving.len()],
                after: pause * (bid + 1),
                price: Money::won(ceiling - step * i64::from(bid + 1)),
            })
            .filter(|bid| bid.price.amount_minor > 0)
            .collect();
        Self {
            customer: index % customers.max(1),
            request: OpenAuction {
                dishes: chosen
                    .iter()
                    .map(|(dish, _)| DishOrder {
                        dish: (*dish).to_owned(),
                        quantity,
                    })
                    .collect(),
                place: address.place(),
                ceiling_price: Money::won(ceiling),
                minimum_step: Some(Money::won(100)),
                duration_ms: u32::try_from(duration.as_millis()).unwrap_or(u32::MAX),
                coupon_code: String::new(),
                points_to_use: 0,
                payment_method: payment::AUTHORISED.to_owned(),
            },
            bids,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::PlannedAuction;

    proptest! {
        #[test]
        fn every_planned_bid_is_lower_by_at_least_the_step_and_before_the_deadline(
            index in 0_u64..10_000, bidders in 1_usize..40, milliseconds in 500_u64..60_000,
        ) {
            let auction = PlannedAuction::new(index, 12, bidders, Duration::from_millis(milliseconds));
            prop_assert!(!auction.bids.is_empty());
            let mut ceiling = auction.request.ceiling_price.amount_minor + 100;
            let mut after = Duration::ZERO;
            for bid in &auction.bids {
                prop_assert!(bid.price.amount_minor <= ceiling - 100);
                prop_assert!(bid.after > after && bid.after < Duration::from_millis(milliseconds));
                ceiling = bid.price.amount_minor;
                after = bid.after;
            }
            prop_assert!(auction.customer < 12);
        }
    }

    #[test]
    fn up_to_five_bids_come_from_different_restaurants() {
        for index in 0..60 {
            let auction = PlannedAuction::new(index, 12, 5, Duration::from_secs(3));
            let bidders: HashSet<usize> = auction.bids.iter().map(|bid| bid.restaurant).collect();
            assert_eq!(bidders.len(), 5, "{auction:?}");
        }
    }

    #[test]
    fn auctions_differ_from_one_another() {
        let first = PlannedAuction::new(0, 12, 3, Duration::from_secs(3));
        let second = PlannedAuction::new(1, 12, 3, Duration::from_secs(3));
        assert_ne!(first.request.dishes, second.request.dishes);
        assert_ne!(first.customer, second.customer);
    }
}
