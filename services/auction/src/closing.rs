//! Closing: one task sleeps until the earliest deadline and ends the auctions that are due.
//!
//! The deadlines are read from the database, so nothing has to be restored after a restart: auctions that became overdue
//! while the service was down are ended at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chassis::Failure;
use chassis::failure::chain;
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use crate::auctioneer::Auctioneer;
use crate::store;

/// The maximum number of auctions that are ended at the same time.
const CONCURRENCY: usize = 8;
/// The maximum number of due auctions that one query returns.
const BATCH: i64 = 256;
/// The longest sleep, since a sleep does not notice that the system clock is set.
const MAX_SLEEP: Duration = Duration::from_secs(5);
/// The delay after a failure.
const RETRY: Duration = Duration::from_millis(250);

/// Ends auctions at their deadlines until `shutdown`.
pub async fn run(auctioneer: Arc<Auctioneer>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let pause = match round(&auctioneer).await {
            Ok(pause) => pause,
            Err(failure) => {
                tracing::warn!(error = %chain(&failure), "ending auctions failed; retrying");
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

/// Ends the auctions that are due, and returns the time until the next deadline.
async fn round(auctioneer: &Auctioneer) -> Result<Duration, Failure> {
    if end_due(auctioneer).await? > 0 {
        return Ok(RETRY);
    }
    let next = store::auctions::next_deadline(&auctioneer.database).await?;
    Ok(next.map_or(MAX_SLEEP, |deadline| {
        let left = u64::try_from(deadline - auctioneer.clock.now()).unwrap_or(0);
        Duration::from_millis(left).min(MAX_SLEEP)
    }))
}

/// Ends every auction whose deadline has passed, and returns the number of those that could not be ended. They are still
/// due.
///
/// # Errors
/// When the due auctions cannot be read from the database.
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
                        %auction_id, error = %chain(&failure), "ending an auction failed; retrying"
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
