//! The rules of bidding, with the database.

use std::sync::Arc;

use chassis::Kind;
use chassis::money::Money;
use tokio::sync::Barrier;

use crate::support::{CEILING, DURATION, STEP, claim, fixture, fixtures, offer, restaurant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_bidders_at_the_same_instant_leave_a_strictly_falling_sequence() {
    const BIDDERS: usize = 300;
    for fixture in fixtures().await {
        // Every second bidder uses another auctioneer, as a second process would: only the database is shared.
        let processes = [fixture.auctioneer.clone(), fixture.restarted().await];
        let auction = fixture.open(BIDDERS).await;
        let start = Arc::new(Barrier::new(BIDDERS));
        let bidders: Vec<_> = (0..BIDDERS)
            .map(|number| {
                let (process, start) = (processes[number % 2].clone(), start.clone());
                // Prices that differ by less than the step, in an order that is independent of the price.
                let scattered = i64::try_from(number * 7919 % BIDDERS).expect("small");
                let price = CEILING - scattered * 30;
                let account = restaurant(number).account_id;
                let offer = offer(&auction, &account, price);
                tokio::spawn(async move {
                    start.wait().await;
                    (price, process.bid(offer, claim(&account, None)).await)
                })
            })
            .collect();
        let (mut offered, mut accepted) = (Vec::new(), Vec::new());
        for bidder in bidders {
            let (price, outcome) = bidder.await.expect("no panic");
            offered.push(price);
            match outcome {
                Ok(bid) => accepted.push((bid.id, price)),
                Err(failure) => {
                    assert_eq!(failure.code, "auction.bid_too_high", "{failure:?}");
                    assert_eq!(failure.kind, Kind::Conflict);
                }
            }
        }
        let engine = fixture.database.engine();
        accepted.sort();
        let accepted: Vec<i64> = accepted.into_iter().map(|(_, price)| price).collect();
        let stored = fixture.prices(&auction).await;
        assert_eq!(
            stored, accepted,
            "{engine:?}: what was answered is what is stored"
        );
        assert!(
            stored.windows(2).all(|pair| pair[0] - pair[1] >= STEP),
            "{engine:?}: {stored:?}"
        );
        let snapshot = fixture.snapshot(&auction).await;
        let minimum = stored.iter().min().copied();
        assert_eq!(snapshot.auction.lowest_minor, minimum);
        assert_eq!(snapshot.lowest.map(|bid| bid.price_minor), minimum);
        assert_eq!(
            snapshot.auction.bid_count,
            i64::try_from(stored.len()).expect("small")
        );
        assert_eq!(snapshot.auction.sequence, 1 + snapshot.auction.bid_count);
        // In any order, the lowest accepted price is within a step of the lowest offer.
        let lowest_offer = offered.into_iter().min().expect("offers");
        let lowest = minimum.expect("accepted bids");
        assert!(lowest - lowest_offer < STEP, "{lowest} {lowest_offer}");
    }
}

#[tokio::test]
async fn a_bid_before_the_deadline_counts_and_one_at_it_does_not() {
    for fixture in fixtures().await {
        let auction = fixture.open(2).await;
        fixture.clock.advance(DURATION - 1);
        let bid = fixture.bid(&auction, 0, 19_000).await.expect("in time");
        assert_eq!(bid.placed_at_ms, fixture.clock.now());
        fixture.clock.advance(1);
        let failure = fixture
            .bid(&auction, 1, 18_000)
            .await
            .expect_err("too late");
        assert_eq!(failure.code, "auction.deadline_passed");
        assert_eq!(fixture.prices(&auction).await, [19_000]);
    }
}

#[tokio::test]
async fn a_rejected_bid_changes_nothing() {
    for fixture in fixtures().await {
        let auction = fixture.open(1).await;
        fixture.bid(&auction, 0, 19_000).await.expect("accepted");
        for (number, price, code) in [
            (0, 18_951, "auction.bid_too_high"),
            (0, CEILING, "auction.bid_too_high"),
            (7, 15_000, "auction.not_eligible"),
        ] {
            let failure = fixture.bid(&auction, number, price).await.expect_err(code);
            assert_eq!(
                (failure.code.as_ref(), failure.kind),
                (code, Kind::Conflict)
            );
        }
        let mut in_dollars = offer(&auction, &restaurant(0).account_id, 1);
        in_dollars.price = Money {
            minor: 100,
            currency: "USD".to_owned(),
        };
        let failure = fixture
            .auctioneer
            .bid(in_dollars, claim("account-0", None))
            .await
            .expect_err("another currency");
        assert_eq!(failure.code, "auction.wrong_currency");
        assert_eq!(fixture.prices(&auction).await, [19_000]);
        assert_eq!(fixture.snapshot(&auction).await.auction.sequence, 2);
    }
}

#[tokio::test]
async fn a_bid_in_an_unknown_auction_is_not_found() {
    let fixture = fixture().await;
    let failure = fixture
        .bid("0190d3c1-0000-7000-8000-000000000000", 0, 1_000)
        .await
        .expect_err("unknown");
    assert_eq!(failure.code, "auction.unknown_auction");
    assert_eq!(failure.kind, Kind::NotFound);
}

#[tokio::test]
async fn the_same_key_gives_the_same_bid_and_the_same_rejection() {
    for fixture in fixtures().await {
        let auction = fixture.open(1).await;
        let place = |key: &'static str, price| {
            fixture.auctioneer.bid(
                offer(&auction, "account-0", price),
                claim("account-0", Some(key)),
            )
        };
        let first = place("k1", 19_000).await.expect("accepted");
        let again = place("k1", 19_000).await.expect("the same answer");
        assert_eq!(first, again);
        for _ in 0..2 {
            let failure = place("k2", 19_000).await.expect_err("too high");
            assert_eq!(failure.code, "auction.bid_too_high");
        }
        assert_eq!(fixture.prices(&auction).await, [19_000]);
    }
}

#[tokio::test]
async fn a_bidder_who_leaves_in_the_middle_leaves_a_whole_bid_or_none() {
    use futures::FutureExt as _;
    for fixture in fixtures().await {
        let auction = fixture.open(1).await;
        let mut watching = fixture.auctioneer.live().subscribe(&auction);
        // Polled once and dropped: the work has started and continues in a task.
        drop(fixture.bid(&auction, 0, 19_000).now_or_never());
        let auction::live::Update::Changed(told) = watching.next().await else {
            panic!("the change is told");
        };
        assert_eq!(told.auction.lowest_minor, Some(19_000));
        assert_eq!(fixture.prices(&auction).await, [19_000]);
    }
}
