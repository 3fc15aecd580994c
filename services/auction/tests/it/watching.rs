//! The stream of an auction's changes, without a connection.

use std::time::Duration;

use api::auction::auctions_server::Auctions as _;
use api::auction::{AuctionEvent, AuctionState, WatchAuctionRequest};
use api::common::Role;
use auction::closing;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use tonic::{Request, Status};

use crate::support::grpc::{AuctionsUnderTest, caller};
use crate::support::{CUSTOMER, DURATION};

type Events = BoxStream<'static, Result<AuctionEvent, Status>>;

async fn watch(under_test: &AuctionsUnderTest, account: &str, role: Role, id: &str) -> Events {
    let request = WatchAuctionRequest {
        caller: Some(caller(account, role)),
        auction_id: id.to_owned(),
    };
    under_test
        .service
        .watch_auction(Request::new(request))
        .await
        .expect("a stream")
        .into_inner()
}

async fn next(events: &mut Events) -> Option<AuctionEvent> {
    tokio::time::timeout(Duration::from_secs(10), events.next())
        .await
        .expect("in time")
        .map(|event| event.expect("an event"))
}

fn lowest(event: &AuctionEvent) -> Option<i64> {
    let lowest = event.auction.as_ref()?.lowest_bid.as_ref()?;
    Some(lowest.price.as_ref()?.amount_minor)
}

#[tokio::test]
async fn the_standing_state_comes_first_then_every_change_then_the_end() {
    let under_test = AuctionsUnderTest::start(2).await;
    let (fixture, id) = (&under_test.fixture, under_test.open().await);
    fixture.bid(&id, 0, 19_000).await.expect("accepted");
    let mut customer = watch(&under_test, CUSTOMER, Role::Customer, &id).await;
    let mut restaurant = watch(&under_test, "account-1", Role::Restaurant, &id).await;
    for events in [&mut customer, &mut restaurant] {
        let standing = next(events).await.expect("the standing state");
        assert_eq!((standing.sequence, lowest(&standing)), (2, Some(19_000)));
    }
    fixture.bid(&id, 1, 18_000).await.expect("accepted");
    fixture.clock.advance(DURATION);
    closing::end_due(&fixture.auctioneer).await.expect("ended");
    for events in [&mut customer, &mut restaurant] {
        let change = next(events).await.expect("the bid");
        assert_eq!((change.sequence, lowest(&change)), (3, Some(18_000)));
        let end = next(events).await.expect("the award");
        assert_eq!(end.sequence, 4);
        let auction = end.auction.expect("an auction");
        assert_eq!(auction.state(), AuctionState::Awarded);
        assert!(auction.award.is_some());
        assert!(next(events).await.is_none(), "the auction has ended");
    }
    drop((customer, restaurant));
    assert_eq!(
        fixture.auctioneer.live().watched_count(),
        0,
        "nothing is left over"
    );
}

#[tokio::test]
async fn an_ended_auction_is_one_event() {
    let under_test = AuctionsUnderTest::start(1).await;
    let id = under_test.open().await;
    under_test.fixture.end().await;
    let mut events = watch(&under_test, CUSTOMER, Role::Customer, &id).await;
    let end = next(&mut events).await.expect("the end");
    assert_eq!(
        end.auction.expect("an auction").state(),
        AuctionState::Expired
    );
    assert!(next(&mut events).await.is_none());
}

#[tokio::test]
async fn a_watcher_that_lags_is_given_the_newest_state_and_never_an_older_one() {
    let under_test = AuctionsUnderTest::start(1).await;
    let (fixture, id) = (&under_test.fixture, under_test.open().await);
    let mut events = watch(&under_test, CUSTOMER, Role::Customer, &id).await;
    for bid in 0..100 {
        fixture
            .bid(&id, 0, 19_900 - 100 * bid)
            .await
            .expect("accepted");
    }
    let standing = next(&mut events).await.expect("what stood at the start");
    assert_eq!(standing.sequence, 1);
    let newest = next(&mut events).await.expect("the newest state");
    assert_eq!((newest.sequence, lowest(&newest)), (101, Some(10_000)));
    fixture.bid(&id, 0, 5_000).await.expect("accepted");
    let change = next(&mut events).await.expect("the next change");
    assert_eq!(change.sequence, 102);
}

#[tokio::test]
async fn a_shutdown_ends_the_stream_and_a_watcher_that_leaves_is_forgotten() {
    let under_test = AuctionsUnderTest::start(1).await;
    let id = under_test.open().await;
    let mut events = watch(&under_test, CUSTOMER, Role::Customer, &id).await;
    let leaves = watch(&under_test, CUSTOMER, Role::Customer, &id).await;
    next(&mut events).await.expect("the standing state");
    drop(leaves);
    let live = under_test.fixture.auctioneer.live();
    assert_eq!(live.watched_count(), 1);
    under_test.shutdown.cancel();
    assert!(next(&mut events).await.is_none());
    drop(events);
    assert_eq!(live.watched_count(), 0);
}

#[tokio::test]
async fn whoever_may_not_see_an_auction_may_not_watch_it() {
    let under_test = AuctionsUnderTest::start(1).await;
    let id = under_test.open().await;
    for (account, role) in [("stranger", Role::Customer), ("stranger", Role::Restaurant)] {
        let request = WatchAuctionRequest {
            caller: Some(caller(account, role)),
            auction_id: id.clone(),
        };
        let status = under_test
            .service
            .watch_auction(Request::new(request))
            .await
            .err()
            .expect("refused");
        assert_eq!(status.code(), tonic::Code::NotFound);
    }
    assert_eq!(under_test.fixture.auctioneer.live().watched_count(), 0);
}
