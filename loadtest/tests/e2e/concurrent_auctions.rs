//! Two hundred auctions at the same time, each with its own complete trace.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::iter;
use loadtest::client::CallError;
use loadtest::jaeger::ARRIVAL_LIMIT;
use loadtest::run::auction_findings;
use loadtest::scenario::{CompletedAuction, Observer, Operation, PlannedAuction};
use loadtest::schedule::Lateness;
use tokio::time::Instant;

use crate::support::stack;

const AUCTIONS: u64 = 200;
const BIDDERS: usize = 3;
/// Long enough that all of them are open at the same time.
const DURATION: Duration = Duration::from_secs(12);
/// Maximum time from the deadline to the notification.
const SETTLE_LIMIT: Duration = Duration::from_secs(90);
/// Openings per second.
const OPENINGS_PER_SECOND: u32 = 25;

/// Ignores all events.
#[derive(Clone)]
struct Ignore;

impl Observer for Ignore {
    fn operation_ended(&self, _: Operation, _: Instant, _: Result<(), &CallError>) {}
}

#[test]
fn two_hundred_concurrent_auctions_each_have_a_complete_trace() {
    stack::run(async |stack| {
        let accounts = stack.accounts().await;
        let completed: Vec<CompletedAuction> = iter(0..AUCTIONS)
            .map(|index| async move {
                // The first is still open when the last opens.
                let number = u32::try_from(index).expect("small");
                tokio::time::sleep(Duration::from_secs(1) * number / OPENINGS_PER_SECOND).await;
                PlannedAuction::new(index, accounts.customers.len(), BIDDERS, DURATION)
                    .run(
                        accounts,
                        Instant::now(),
                        SETTLE_LIMIT,
                        &Lateness::default(),
                        &Ignore,
                    )
                    .await
                    .unwrap_or_else(|error| panic!("auction {index}: {error}"))
            })
            .buffer_unordered(usize::try_from(AUCTIONS).expect("small"))
            .collect()
            .await;
        assert_eq!(completed.len(), 200);
        for auction in &completed {
            assert_eq!(auction.bid_traces.len(), BIDDERS, "{}", auction.auction_id);
            let findings = auction_findings(&stack.jaeger, auction, 0, ARRIVAL_LIMIT)
                .await
                .expect("Jaeger responds");
            assert!(findings.is_empty(), "{findings:?}");
        }
    });
}
