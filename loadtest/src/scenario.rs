//! One whole auction: the customer opens it and follows it live, restaurants bid it down on schedule, the award is
//! settled, and the customer is told.

use crate::{
    client::{Auction, AuctionState, CallError, DishOrder, Money, OpenAuction, Order, OrderState},
    schedule::Lateness,
    seed::{
        self, Actor, Cast,
        city::{CORNERS, Cuisine},
    },
    transport::TransportError,
};
use std::{future::Future, time::Duration};
use tokio::{task::JoinSet, time::Instant};

/// The payment provider's token that authorises.
pub const PAYS: &str = "tok_ok";
/// The token whose first payment of an auction declines.
pub const DECLINES_ONCE: &str = "tok_declined_once";

/// How soon the customer looks again for what has no live stream (the order and the notification): soon at first, and
/// never more rarely than the last of these.
const LOOKS: [Duration; 4] = [
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_secs(1),
];

/// What the gateway's rate limit refuses with: the customer looks again later.
const RATE_LIMITED: &str = "rate_limited";

/// The step that begins an auction, in [`Unfinished::Refused`].
pub const OPENING: &str = "opening the auction";

/// The notification that ends a good auction.
const CONFIRMED_KIND: &str = "order.confirmed";

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Opening an auction.
    OpenAuction,
    /// Placing a bid.
    PlaceBid,
    /// From the award, as the customer sees it live, to the confirmed order.
    AwardToConfirmed,
}

/// A bid that is to be placed.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedBid {
    /// Who bids, by the index in the cast's restaurants.
    pub restaurant: usize,
    /// When, counted from the opening.
    pub after: Duration,
    /// What it asks.
    pub price: Money,
}

/// An auction that is to be held.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Who opens it, by the index in the cast's customers.
    pub customer: usize,
    /// What is asked for.
    pub request: OpenAuction,
    /// The bids, in the order of their times, each lower than the one before.
    pub bids: Vec<PlannedBid>,
}

/// Who is told of what happens, as it happens.
pub trait Observer: Send + Sync + 'static {
    /// An operation that was intended for `intended` has ended just now.
    fn ended(&self, operation: Operation, intended: Instant, outcome: Result<(), &CallError>);
    /// An auction opened.
    fn opened(&self) {}
    /// An award stands.
    fn awarded(&self) {}
}

/// An auction that went all the way.
#[derive(Debug, Clone)]
pub struct Held {
    /// Its id.
    pub auction_id: String,
    /// The trace of the opening, and of what it caused.
    pub trace_id: String,
    /// The traces of the accepted bids.
    pub bid_traces: Vec<String>,
    /// The order that was confirmed.
    pub order: Order,
}

/// Why an auction did not go all the way.
#[derive(Debug, thiserror::Error)]
pub enum Unfinished {
    /// A request failed.
    #[error("{step}: {error}")]
    Refused {
        /// Which.
        step: &'static str,
        /// How.
        error: CallError,
    },
    /// No bid was accepted.
    #[error("no bid was accepted")]
    NoBid,
    /// It ended without an award that stands.
    #[error("the auction ended as {0:?}")]
    Ended(AuctionState),
    /// Nothing happened any more.
    #[error("{0} did not come in time")]
    Overdue(&'static str),
}

// === impl Unfinished ===

impl Unfinished {
    /// A stable word for counting.
    pub fn code(&self) -> String {
        match self {
            Self::Refused { error, .. } => error.code().to_owned(),
            Self::NoBid => "auction.no_bid_accepted".to_owned(),
            Self::Ended(state) => format!("auction.ended_{state:?}").to_lowercase(),
            Self::Overdue(what) => format!("overdue.{}", what.replace(' ', "_")),
        }
    }
}

// === impl Operation ===

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 3] = [Self::OpenAuction, Self::PlaceBid, Self::AwardToConfirmed];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAuction => "open_auction",
            Self::PlaceBid => "place_bid",
            Self::AwardToConfirmed => "award_to_confirmed",
        }
    }
}

// === impl Script ===

impl Script {
    /// The `index`-th auction of a run: another customer, cuisine and place each time, the same for the same index.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "an index into a small table"
    )]
    pub fn of(index: u64, customers: usize, bidders: usize, duration: Duration) -> Self {
        let turn = index as usize;
        let cuisine = Cuisine::ALL[turn % Cuisine::ALL.len()];
        let corner = CORNERS[turn / Cuisine::ALL.len() % CORNERS.len()];
        let dishes = cuisine.dishes();
        let chosen = [
            dishes[turn % dishes.len()],
            dishes[(turn + 1) % dishes.len()],
        ];
        let quantity = 1 + u32::from(turn.is_multiple_of(3));
        let usual: i64 = chosen
            .iter()
            .map(|(_, price)| price * i64::from(quantity))
            .sum();
        let ceiling = usual * 12 / 10 / 100 * 100;
        let serving = seed::who_can_serve(cuisine, corner.latitude, corner.longitude);
        let bidders = u32::try_from(bidders).unwrap_or(u32::MAX).max(1);
        // From a little below the ceiling down to 70 % of it, in whole hundreds.
        let step = (ceiling * 3 / 10 / i64::from(bidders)).max(100);
        // The bids fill the time between the opening and shortly before the deadline.
        let pause = duration.mul_f64(0.8) / (bidders + 1);
        let bids = (0..bidders)
            .map(|turn| PlannedBid {
                restaurant: serving[turn as usize % serving.len()],
                after: pause * (turn + 1),
                price: Money::won(ceiling - step * i64::from(turn + 1)),
            })
            .filter(|bid| bid.price.amount_minor > 0)
            .collect();
        Self {
            customer: turn % customers.max(1),
            request: OpenAuction {
                dishes: chosen
                    .iter()
                    .map(|(dish, _)| DishOrder {
                        dish: (*dish).to_owned(),
                        quantity,
                    })
                    .collect(),
                place: corner.place(),
                ceiling_price: Money::won(ceiling),
                minimum_step: Some(Money::won(100)),
                duration_ms: u32::try_from(duration.as_millis()).unwrap_or(u32::MAX),
                coupon_code: String::new(),
                points_to_use: 0,
                payment_method: PAYS.to_owned(),
            },
            bids,
        }
    }

    /// Holds the auction, which was intended to open at `intended`.
    ///
    /// # Errors
    /// Why it did not go all the way within `patience` after its deadline.
    pub async fn hold<O: Observer + Clone>(
        self,
        cast: &Cast,
        intended: Instant,
        patience: Duration,
        lateness: &Lateness,
        observer: &O,
    ) -> Result<Held, Unfinished> {
        let customer = cast.customers[self.customer].clone();
        let opening = customer.open_auction(&self.request).await;
        observer.ended(
            Operation::OpenAuction,
            intended,
            opening.as_ref().map(|_| ()),
        );
        let opened = opening.map_err(|error| Unfinished::Refused {
            step: OPENING,
            error,
        })?;
        let opened_at = Instant::now();
        observer.opened();
        let auction = opened.value;
        let duration = Duration::from_millis(u64::from(self.request.duration_ms));
        let limit = opened_at + duration + patience;

        let mut bids = JoinSet::new();
        for bid in self.bids {
            let restaurant = cast.restaurants[bid.restaurant].clone();
            bids.spawn(place(
                restaurant,
                auction.id.clone(),
                opened_at,
                bid,
                lateness.clone(),
                observer.clone(),
            ));
        }
        let ended = within(limit, "the award", follow(&customer, &auction)).await?;
        let awarded_at = Instant::now();
        let mut bid_traces = Vec::new();
        while let Some(bid) = bids.join_next().await {
            bid_traces.extend(bid.unwrap_or_default());
        }
        match ended.state {
            AuctionState::Awarded => observer.awarded(),
            AuctionState::Expired if bid_traces.is_empty() => return Err(Unfinished::NoBid),
            other => return Err(Unfinished::Ended(other)),
        }
        let order = within(limit, "the order", confirmed(&customer, &auction.id)).await;
        let overdue = CallError::Transport(TransportError::TimedOut(patience));
        observer.ended(
            Operation::AwardToConfirmed,
            awarded_at,
            match &order {
                Ok(_) => Ok(()),
                Err(Unfinished::Refused { error, .. }) => Err(error),
                Err(_) => Err(&overdue),
            },
        );
        let order = order?;
        within(limit, "the notification", notified(&customer, &auction.id)).await?;
        Ok(Held {
            auction_id: auction.id,
            trace_id: opened.trace_id,
            bid_traces,
            order,
        })
    }
}

async fn place<O: Observer>(
    restaurant: Actor,
    auction_id: String,
    opened_at: Instant,
    bid: PlannedBid,
    lateness: Lateness,
    observer: O,
) -> Option<String> {
    let intended = opened_at + bid.after;
    lateness.wait_until(intended).await;
    let placed = restaurant.place_bid(&auction_id, bid.price).await;
    observer.ended(Operation::PlaceBid, intended, placed.as_ref().map(|_| ()));
    placed.ok().map(|reply| reply.trace_id)
}

/// Follows the auction live until it has ended. A stream that breaks is taken up again.
async fn follow(customer: &Actor, auction: &Auction) -> Result<Auction, CallError> {
    look(|| async {
        let mut watch = customer.watch(&auction.id).await?;
        while let Ok(Some(event)) = watch.next().await {
            if event.auction.state != AuctionState::Open {
                return Ok(Some(event.auction));
            }
        }
        let now = customer.auction(&auction.id).await?.value;
        Ok((now.state != AuctionState::Open).then_some(now))
    })
    .await
}

/// Waits until one of the auction's orders is confirmed.
async fn confirmed(customer: &Actor, auction_id: &str) -> Result<Order, CallError> {
    look(|| async {
        let orders = customer.orders(auction_id).await?;
        Ok(orders
            .into_iter()
            .find(|order| order.state == OrderState::Confirmed))
    })
    .await
}

/// Waits until the customer is told of the confirmed order.
async fn notified(customer: &Actor, auction_id: &str) -> Result<(), CallError> {
    look(|| async {
        let told = customer.notifications().await?;
        let confirmed = told
            .iter()
            .any(|told| told.kind == CONFIRMED_KIND && told.auction_id == auction_id);
        Ok(confirmed.then_some(()))
    })
    .await
}

/// Looks until it is there.
async fn look<T, F>(mut see: impl FnMut() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<Option<T>, CallError>>,
{
    let mut looks = 0;
    loop {
        match see().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            Err(error) if error.code() == RATE_LIMITED => looks = LOOKS.len(),
            Err(error) => return Err(error),
        }
        tokio::time::sleep(LOOKS[looks.min(LOOKS.len() - 1)]).await;
        looks += 1;
    }
}

async fn within<T>(
    limit: Instant,
    what: &'static str,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, Unfinished> {
    tokio::time::timeout_at(limit, work)
        .await
        .map_err(|_| Unfinished::Overdue(what))?
        .map_err(|error| Unfinished::Refused { step: what, error })
}

#[cfg(test)]
mod tests {
    use super::Script;
    use proptest::prelude::*;
    use std::{collections::HashSet, time::Duration};

    proptest! {
        #[test]
        fn every_script_bids_down_by_at_least_the_step_and_before_the_deadline(
            index in 0_u64..10_000, bidders in 1_usize..40, milliseconds in 500_u64..60_000,
        ) {
            let script = Script::of(index, 12, bidders, Duration::from_millis(milliseconds));
            prop_assert!(!script.bids.is_empty());
            let mut ceiling = script.request.ceiling_price.amount_minor + 100;
            let mut after = Duration::ZERO;
            for bid in &script.bids {
                prop_assert!(bid.price.amount_minor <= ceiling - 100);
                prop_assert!(bid.after > after && bid.after < Duration::from_millis(milliseconds));
                ceiling = bid.price.amount_minor;
                after = bid.after;
            }
            prop_assert!(script.customer < 12);
        }
    }

    #[test]
    fn up_to_five_bids_come_from_different_restaurants() {
        for index in 0..60 {
            let script = Script::of(index, 12, 5, Duration::from_secs(3));
            let bidders: HashSet<usize> = script.bids.iter().map(|bid| bid.restaurant).collect();
            assert_eq!(bidders.len(), 5, "{script:?}");
        }
    }

    #[test]
    fn auctions_differ_from_one_another() {
        let first = Script::of(0, 12, 3, Duration::from_secs(3));
        let second = Script::of(1, 12, 3, Duration::from_secs(3));
        assert_ne!(first.request.dishes, second.request.dishes);
        assert_ne!(first.customer, second.customer);
    }
}
