//! Locks of this process: changes of an auction are made one at a time, in the order of arrival.
//!
//! The database's row lock already serialises the changes. This lock adds three things: watchers receive the changes in
//! their order; hundreds of bidders on one auction do not each hold a database connection while they wait for one row;
//! and the closing queues behind every bid that arrived before the deadline, so no such bid is lost to it.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use chassis::clock::{Clock, Millis};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The number of mutexes. Two auctions with the same mutex wait for each other, which costs little; memory is bounded.
const SHARDS: usize = 64;

/// The locks of all auctions, sharded by the auction's id.
#[derive(Debug)]
pub struct AuctionLocks {
    shards: [Arc<Mutex<()>>; SHARDS],
}

/// An acquired lock. It is released when it is dropped.
#[derive(Debug)]
pub struct AuctionLock {
    /// When its holder started to wait for it.
    pub arrived_at: Millis,
    _guard: OwnedMutexGuard<()>,
}

impl AuctionLocks {
    /// Waits for the lock of this auction.
    pub async fn acquire(&self, auction_id: &str, clock: &Clock) -> AuctionLock {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(auction_id);
        let index = usize::try_from(hash % SHARDS as u64).unwrap_or_default();
        let mut waiting = Box::pin(self.shards[index].clone().lock_owned());
        // The first poll enters the mutex's queue, which is fair, and only then is the clock read. So a holder whose
        // arrival is before the deadline is queued before the closing, which starts when the deadline has passed.
        let first = futures::poll!(&mut waiting);
        let arrived_at = clock.now();
        let guard = match first {
            std::task::Poll::Ready(guard) => guard,
            std::task::Poll::Pending => waiting.await,
        };
        AuctionLock {
            arrived_at,
            _guard: guard,
        }
    }
}

impl Default for AuctionLocks {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Arc::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use chassis::clock::Clock;
    use futures::FutureExt as _;

    use super::AuctionLocks;

    #[tokio::test]
    async fn the_closing_waits_for_a_bid_that_arrived_before_the_deadline() {
        let (locks, clock) = (AuctionLocks::default(), Clock::manual(0));
        let earlier = locks.acquire("a", &clock).await;
        let mut bid = Box::pin(locks.acquire("a", &clock));
        assert!(bid.as_mut().now_or_never().is_none());
        clock.advance(1_000);
        let mut closing = Box::pin(locks.acquire("a", &clock));
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
    async fn a_waiter_that_gives_up_does_not_block_the_next_one() {
        let (locks, clock) = (AuctionLocks::default(), Clock::manual(0));
        let first = locks.acquire("a", &clock).await;
        let mut gone = Box::pin(locks.acquire("a", &clock));
        assert!(gone.as_mut().now_or_never().is_none());
        let mut next = Box::pin(locks.acquire("a", &clock));
        assert!(next.as_mut().now_or_never().is_none());
        drop(gone);
        drop(first);
        next.await;
    }
}
