//! Deletes the rows of the chassis's own tables that are older than their retention.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::database::Database;
use crate::failure::chain;
use crate::{idempotency, inbox, outbox};

const INTERVAL: Duration = Duration::from_mins(10);

/// Deletes expired idempotency keys, outbox rows and inbox rows at intervals until `shutdown`.
pub(crate) async fn run(database: Database, clock: Clock, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        let now = clock.now();
        let pruned = async {
            idempotency::prune(&database, now).await?;
            outbox::prune(&database, now).await?;
            inbox::prune(&database, now).await
        };
        if let Err(failure) = pruned.await {
            tracing::warn!(
                error = %chain(&failure),
                "pruning failed; retrying in {} min", INTERVAL.as_secs() / 60
            );
        }
    }
}
