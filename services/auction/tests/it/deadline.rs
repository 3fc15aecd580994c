//! The closing task on the machine's own clock.

use crate::house::{CUSTOMER, claim, opening, restaurant};
use auction::{
    auctioneer::Auctioneer,
    closing,
    domain::{State, opening::Opening},
    live::News,
    store::{self, MIGRATIONS},
};
use chassis::{clock::Clock, testing};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const LIMIT: Duration = Duration::from_secs(10);

async fn open(house: &Arc<Auctioneer>, duration_ms: i64) -> String {
    let opening = Opening {
        duration_ms,
        ..opening()
    };
    house
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

async fn ended(house: &Arc<Auctioneer>, auction: &str) -> auction::domain::Snapshot {
    let mut watching = house.live().subscribe(auction);
    let standing = store::snapshots::one(house.database(), auction)
        .await
        .expect("the database")
        .expect("the auction");
    if standing.auction.state != State::Open {
        return standing;
    }
    let News::Change(change) = tokio::time::timeout(LIMIT, watching.next())
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
        let house = Auctioneer::start(database.clone(), Clock::System)
            .await
            .expect("a house");
        open(&house, 3_600_000).await;
        let shutdown = CancellationToken::new();
        let closing = tokio::spawn(closing::run(house.clone(), shutdown.clone()));
        let soon = open(&house, 500).await;
        let snapshot = ended(&house, &soon).await;
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
            .expect("a house");
        let mut overdue = Vec::new();
        for _ in 0..20 {
            overdue.push(open(&before, 1_000).await);
        }
        let house = Auctioneer::start(database.clone(), Clock::System)
            .await
            .expect("a house");
        let shutdown = CancellationToken::new();
        let closing = tokio::spawn(closing::run(house.clone(), shutdown.clone()));
        for auction in overdue {
            let snapshot = ended(&house, &auction).await;
            assert_eq!(snapshot.auction.state, State::Expired);
        }
        shutdown.cancel();
        closing.await.expect("no panic");
    }
}
