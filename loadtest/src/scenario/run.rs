//! Running a planned auction against the gateway.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::error::{AuctionError, Step};
use super::observer::{Observer, Operation};
use super::plan::{PlannedAuction, PlannedBid};
use crate::client::{Auction, AuctionState, CallError, Order, OrderState, Session};
use crate::schedule::Lateness;
use crate::seed::Accounts;
use crate::transport::TransportError;

/// The pauses between polls of the order and the notifications, which have no event stream. The last one repeats.
const POLL_INTERVALS: [Duration; 4] = [
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_secs(1),
];

/// The kind of the notification of a confirmed order.
const ORDER_CONFIRMED: &str = "order.confirmed";

/// An auction whose order was confirmed and notified.
#[derive(Debug, Clone)]
pub struct CompletedAuction {
    /// Its id.
    pub auction_id: String,
    /// The trace of the opening and of everything that followed from it.
    pub trace_id: String,
    /// The traces of the accepted bids.
    pub bid_traces: Vec<String>,
    /// The confirmed order.
    pub order: Order,
}

// === impl PlannedAuction ===

impl PlannedAuction {
    /// Runs the auction, whose intended start is `intended`.
    ///
    /// # Errors
    /// Why the order was not confirmed and notified within `settle_limit` after the deadline.
    pub async fn run<O: Observer + Clone>(
        self,
        accounts: &Accounts,
        intended: Instant,
        settle_limit: Duration,
        lateness: &Lateness,
        observer: &O,
    ) -> Result<CompletedAuction, AuctionError> {
        let customer = accounts.customers[self.customer].clone();
        let opening = customer.open_auction(&self.request).await;
        observer.operation_ended(
            Operation::OpenAuction,
            intended,
            opening.as_ref().map(|_| ()),
        );
        let opened = opening.map_err(|error| AuctionError::Call {
            step: Step::Opening,
            error,
        })?;
        let opened_at = Instant::now();
        observer.auction_opened();
        let auction = opened.value;
        let duration = Duration::from_millis(u64::from(self.request.duration_ms));
        let limit = opened_at + duration + settle_limit;

        let mut bids = JoinSet::new();
        for bid in self.bids {
            let restaurant = accounts.restaurants[bid.restaurant].clone();
            bids.spawn(place(
                restaurant,
                auction.id.clone(),
                opened_at,
                bid,
                lateness.clone(),
                observer.clone(),
            ));
        }
        let auction_at_end = within(limit, Step::Award, ended(&customer, &auction)).await?;
        let awarded_at = Instant::now();
        let mut bid_traces = Vec::new();
        while let Some(bid) = bids.join_next().await {
            bid_traces.extend(bid.unwrap_or_default());
        }
        match auction_at_end.state {
            AuctionState::Awarded => observer.auction_awarded(),
            AuctionState::Expired if bid_traces.is_empty() => return Err(AuctionError::NoBid),
            other => return Err(AuctionError::Ended(other)),
        }
        let order = within(limit, Step::Order, confirmed_order(&customer, &auction.id)).await;
        let timed_out = CallError::Transport(TransportError::TimedOut(settle_limit));
        observer.operation_ended(
            Operation::AwardToConfirmed,
            awarded_at,
            match &order {
                Ok(_) => Ok(()),
                Err(AuctionError::Call { error, .. }) => Err(error),
                Err(_) => Err(&timed_out),
            },
        );
        let order = order?;
        within(limit, Step::Notification, notified(&customer, &auction.id)).await?;
        Ok(CompletedAuction {
            auction_id: auction.id,
            trace_id: opened.trace_id,
            bid_traces,
            order,
        })
    }
}

/// Places a bid at its time. Returns its trace if it was accepted.
async fn place<O: Observer>(
    restaurant: Arc<Session>,
    auction_id: String,
    opened_at: Instant,
    bid: PlannedBid,
    lateness: Lateness,
    observer: O,
) -> Option<String> {
    let intended = opened_at + bid.after;
    lateness.wait_until(intended).await;
    let placed = restaurant.place_bid(&auction_id, bid.price).await;
    observer.operation_ended(Operation::PlaceBid, intended, placed.as_ref().map(|_| ()));
    placed.ok().map(|reply| reply.trace_id)
}

/// Reads the auction's event stream until the auction has ended. A stream that breaks is opened again.
async fn ended(customer: &Session, auction: &Auction) -> Result<Auction, CallError> {
    poll(|| async {
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

/// Waits until an order of the auction is confirmed.
async fn confirmed_order(customer: &Session, auction_id: &str) -> Result<Order, CallError> {
    poll(|| async {
        let orders = customer.orders(auction_id).await?;
        Ok(orders
            .into_iter()
            .find(|order| order.state == OrderState::Confirmed))
    })
    .await
}

/// Waits until the customer is notified of the confirmed order.
async fn notified(customer: &Session, auction_id: &str) -> Result<(), CallError> {
    poll(|| async {
        let notifications = customer.notifications().await?;
        let notified = notifications.iter().any(|notification| {
            notification.kind == ORDER_CONFIRMED && notification.auction_id == auction_id
        });
        Ok(notified.then_some(()))
    })
    .await
}

/// Asks repeatedly until there is a value.
async fn poll<T, F>(mut ask: impl FnMut() -> F) -> Result<T, CallError>
where
    F: Future<Output = Result<Option<T>, CallError>>,
{
    let mut attempt = 0;
    loop {
        match ask().await {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => {}
            Err(error) if error.is_rate_limited() => attempt = POLL_INTERVALS.len(),
            Err(error) => return Err(error),
        }
        tokio::time::sleep(POLL_INTERVALS[attempt.min(POLL_INTERVALS.len() - 1)]).await;
        attempt += 1;
    }
}

/// Waits for a step until `limit`.
async fn within<T>(
    limit: Instant,
    step: Step,
    work: impl Future<Output = Result<T, CallError>>,
) -> Result<T, AuctionError> {
    tokio::time::timeout_at(limit, work)
        .await
        .map_err(|_| AuctionError::TimedOut(step))?
        .map_err(|error| AuctionError::Call { step, error })
}
