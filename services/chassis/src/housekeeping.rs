//! What keeps a service's database from growing for ever.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::database::Database;
use crate::failure::chain;
use crate::{idempotency, outbox};

const EVERY: Duration = Duration::from_mins(10);

/// Forgets old idempotency keys, published events and inbox entries, until `shutdown`.
pub(crate) async fn run(database: Database, clock: Clock, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let now = clock.now();
        let pruned = async {
            idempotency::prune(&database, now).await?;
            outbox::prune(&database, now).await
        };
        if let Err(failure) = pruned.await {
            tracing::warn!(error = %chain(&failure), "housekeeping failed; it comes again");
        }
    }
}
