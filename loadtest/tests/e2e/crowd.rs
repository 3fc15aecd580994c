//! Two hundred auctions at once, each with a whole trace of its own.

use crate::stack;
use futures::{StreamExt as _, stream::iter};
use loadtest::{
    client::CallError,
    jaeger::ARRIVAL,
    run::findings_of,
    scenario::{Held, Observer, Operation, Script},
    schedule::Lateness,
};
use std::time::Duration;
use tokio::time::Instant;

const AUCTIONS: u64 = 200;
const BIDDERS: usize = 3;
/// Long enough for all of them to be open at the same time.
const DURATION: Duration = Duration::from_secs(12);
const PATIENCE: Duration = Duration::from_secs(90);
/// Openings under way at the same moment.
const OPENING: u32 = 25;

#[derive(Clone)]
struct Silent;

impl Observer for Silent {
    fn ended(&self, _: Operation, _: Instant, _: Result<(), &CallError>) {}
}

#[test]
fn two_hundred_auctions_at_once_each_have_a_whole_trace() {
    stack::run(async |stack| {
        let cast = stack.cast().await;
        let held: Vec<Held> = iter(0..AUCTIONS)
            .map(|index| async move {
                // The first is still open when the last opens.
                let turn = u32::try_from(index).expect("small");
                tokio::time::sleep(Duration::from_secs(1) * turn / OPENING).await;
                Script::of(index, cast.customers.len(), BIDDERS, DURATION)
                    .hold(
                        cast,
                        Instant::now(),
                        PATIENCE,
                        &Lateness::default(),
                        &Silent,
                    )
                    .await
                    .unwrap_or_else(|error| panic!("auction {index}: {error}"))
            })
            .buffer_unordered(usize::try_from(AUCTIONS).expect("small"))
            .collect()
            .await;
        assert_eq!(held.len(), 200);
        for auction in &held {
            assert_eq!(auction.bid_traces.len(), BIDDERS, "{}", auction.auction_id);
            let findings = findings_of(&stack.jaeger, auction, 0, ARRIVAL)
                .await
                .expect("Jaeger answers");
            assert!(findings.is_empty(), "{findings:?}");
        }
    });
}
