//! The closing task with the system clock.

use std::sync::Arc;
use std::time::Duration;

use auction::auctioneer::Auctioneer;
use auction::closing;
use auction::domain::State;
use auction::domain::opening::Opening;
use auction::live::Update;
use auction::store::{self, MIGRATIONS};
use chassis::clock::Clock;
use chassis::testing;
use tokio_util::sync::CancellationToken;

use crate::support::{CUSTOMER, claim, opening, restaurant};

const LIMIT: Duration = Duration::from_secs(10);

async fn open(auctioneer: &Arc<Auctioneer>, duration_ms: i64) -> String {
    let opening = Opening {
        duration_ms,
        ..opening()
    };
    auctioneer
        .open(
            CUSTOMER.to_owned(),
            opening,
            Ok(vec![restaurant(0)]),
            claim(CUSTOMER, None),
        )
        .await
        .expect("opened")
        .id
}

async fn ended(auctioneer: &Arc<Auctioneer>, auction: &str) -> auction::domain::Snapshot {
    let mut watching = auctioneer.live().subscribe(auction);
    let standing = store::snapshots::one(auctioneer.database(), auction)
        .await
        .expect("the database")
        .expect("the auction");
    if standing.auction.state != State::Open {
        return standing;
    }
    let Update::Changed(change) = tokio::time::timeout(LIMIT, watching.next())
        .await
        .expect("in time")
    else {
        panic!("a change is told");
    };
    change.as_ref().clone()
}

#[tokio::test]
async fn a_new_auction_with_an_earlier_deadline_wakes_the_closing() {
    for database in testing::databases("auction", &MIGRATIONS).await {
        let auctioneer = Auctioneer::start(database.clone(), Clock::System)
            .await
            .expect("an auctioneer");
        open(&auctioneer, 3_600_000).await;
        let shutdown = CancellationToken::new();
        let closing = tokio::spawn(closing::run(auctioneer.clone(), shutdown.clone()));
        let soon = open(&auctioneer, 500).await;
        let snapshot = ended(&auctioneer, &soon).await;
        assert_eq!(snapshot.auction.state, State::Expired);
        shutdown.cancel();
        tokio::time::timeout(LIMIT, closing)
            .await
            .expect("it stops")
            .expect("no panic");
    }
}

#[tokio::test]
async fn auctions_that_became_overdue_while_the_service_was_down_are_ended_at_once() {
    for database in testing::databases("auction", &MIGRATIONS).await {
        let clock = Clock::manual(Clock::System.now() - 3_600_000);
        let before = Auctioneer::start(database.clone(), clock)
            .await
            .expect("an auctioneer");
        let mut overdue = Vec::new();
        for _ in 0..20 {
            overdue.push(open(&before, 1_000).await);
        }
        let auctioneer = Auctioneer::start(database.clone(), Clock::System)
            .await
            .expect("an auctioneer");
        let shutdown = CancellationToken::new();
        let closing = tokio::spawn(closing::run(auctioneer.clone(), shutdown.clone()));
        for auction in overdue {
            let snapshot = ended(&auctioneer, &auction).await;
            assert_eq!(snapshot.auction.state, State::Expired);
        }
        shutdown.cancel();
        closing.await.expect("no panic");
    }
}
