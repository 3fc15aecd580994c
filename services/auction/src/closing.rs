//! The deadline: one task sleeps until the earliest in the database, and ends what is due.
//!
//! What is due is asked of the database and not remembered here, so a restart needs nothing else: auctions that became
//! overdue meanwhile are ended at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chassis::Failure;
use chassis::failure::chain;
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::auctioneer::Auctioneer;
use crate::store;

/// How many auctions are ended at once.
const CONCURRENCY: usize = 8;
/// How many due auctions one look at the database takes up.
const BATCH: i64 = 256;
/// The longest sleep: the machine's clock may be set, and the sleep would not know.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);
/// How long to wait after a failure.
const RETRY: Duration = Duration::from_millis(250);

/// Ends auctions at their deadlines until `shutdown`.
pub async fn run(auctioneer: Arc<Auctioneer>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let pause = match round(&auctioneer).await {
            Ok(pause) => pause,
            Err(failure) => {
                tracing::warn!(error = %chain(&failure), "auctions cannot be ended; trying again");
                RETRY
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = auctioneer.opened.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Ends what is due, and returns how long there is nothing more to do.
async fn round(auctioneer: &Auctioneer) -> Result<Duration, Failure> {
    if end_due(auctioneer).await? > 0 {
        return Ok(RETRY);
    }
    let next = store::auctions::next_deadline(&auctioneer.database).await?;
    Ok(next.map_or(LONGEST_SLEEP, |deadline| {
        let left = u64::try_from(deadline - auctioneer.clock.now()).unwrap_or(0);
        Duration::from_millis(left).min(LONGEST_SLEEP)
    }))
}

/// Ends every auction whose deadline has come, and returns how many could not be ended: those are still due.
///
/// # Errors
/// When the database cannot say what is due.
pub async fn end_due(auctioneer: &Auctioneer) -> Result<usize, Failure> {
    loop {
        let due = store::auctions::due(&auctioneer.database, auctioneer.clock.now(), BATCH).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let failed = AtomicUsize::new(0);
        futures::stream::iter(due)
            .for_each_concurrent(CONCURRENCY, async |auction_id| {
                if let Err(failure) = auctioneer.end_at_deadline(&auction_id).await {
                    failed.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(
                        %auction_id, error = %chain(&failure), "an auction could not be ended; trying again"
                    );
                }
            })
            .await;
        let failed = failed.into_inner();
        if failed > 0 {
            return Ok(failed);
        }
    }
}
