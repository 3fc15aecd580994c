//! Turns: within this process, whoever changes an auction does so one at a time, in the order of arrival.
//!
//! The database's row lock already makes the changes one after another. A turn adds three things: watchers hear of
//! the changes in their order; hundreds of bidders on one auction do not hold every connection while they wait for
//! one row; and the closing queues behind every bid that arrived before the deadline, so none of those is lost to it.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use chassis::clock::{Clock, Millis};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// How many queues there are. Two auctions of one queue wait for each other, which costs little; memory is bounded.
const QUEUES: usize = 64;

/// The queues.
#[derive(Debug)]
pub struct Turns {
    queues: [Arc<Mutex<()>>; QUEUES],
}

/// The right to change an auction, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    /// When its holder arrived in the queue.
    pub arrived_at: Millis,
    _guard: OwnedMutexGuard<()>,
}

impl Turns {
    /// Waits for the turn of this auction.
    pub async fn take(&self, auction_id: &str, clock: &Clock) -> Turn {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(auction_id);
        let index = usize::try_from(hash % QUEUES as u64).unwrap_or_default();
        let mut waiting = Box::pin(self.queues[index].clone().lock_owned());
        // The first poll takes the place in the queue, which is fair. The clock is read after that: so whoever has
        // a time before the deadline also has a place before the closing, which comes when the deadline has passed.
        let first = futures::poll!(&mut waiting);
        let arrived_at = clock.now();
        let guard = match first {
            std::task::Poll::Ready(guard) => guard,
            std::task::Poll::Pending => waiting.await,
        };
        Turn {
            arrived_at,
            _guard: guard,
        }
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            queues: std::array::from_fn(|_| Arc::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use chassis::clock::Clock;
    use futures::FutureExt as _;

    use super::Turns;

    #[tokio::test]
    async fn the_closing_waits_for_a_bid_that_arrived_before_the_deadline() {
        let (turns, clock) = (Turns::default(), Clock::manual(0));
        let earlier = turns.take("a", &clock).await;
        let mut bid = Box::pin(turns.take("a", &clock));
        assert!(bid.as_mut().now_or_never().is_none());
        clock.advance(1_000);
        let mut closing = Box::pin(turns.take("a", &clock));
        assert!(closing.as_mut().now_or_never().is_none());
        drop(earlier);
        assert!(
            closing.as_mut().now_or_never().is_none(),
            "the bid is first"
        );
        let bid = bid.await;
        assert_eq!(bid.arrived_at, 0);
        drop(bid);
        assert_eq!(closing.await.arrived_at, 1_000);
    }

    #[tokio::test]
    async fn whoever_leaves_the_queue_holds_up_nobody() {
        let (turns, clock) = (Turns::default(), Clock::manual(0));
        let first = turns.take("a", &clock).await;
        let mut gone = Box::pin(turns.take("a", &clock));
        assert!(gone.as_mut().now_or_never().is_none());
        let mut next = Box::pin(turns.take("a", &clock));
        assert!(next.as_mut().now_or_never().is_none());
        drop(gone);
        drop(first);
        next.await;
    }
}
