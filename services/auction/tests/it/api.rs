//! The gRPC contract, with a stand-in for the catalog, over real connections.

use std::sync::atomic::Ordering;

use api::auction::auctions_client::AuctionsClient;
use api::auction::auctions_server::AuctionsServer;
use api::auction::{
    AuctionState, CloseAuctionRequest, GetAuctionRequest, ListAuctionsRequest, RevokeAwardRequest,
    WatchAuctionRequest,
};
use api::catalog::catalog_client::CatalogClient;
use api::common::Role;
use auction::api::AuctionsApi;
use chassis::testing::with_key;
use chassis::{Failure, Kind, grpc};
use tonic::service::Routes;

use crate::support::grpc::{AuctionsUnderTest, bid, caller, get, opening, serve, won};
use crate::support::{CUSTOMER, DURATION};

#[tokio::test]
async fn one_auction_from_its_opening_to_a_second_award() {
    let under_test = AuctionsUnderTest::start(2).await;
    let mut client = under_test.client.clone();
    let opened = client
        .open_auction(opening(CUSTOMER, Role::Customer))
        .await
        .expect("opened")
        .into_inner();
    assert_eq!(opened.state(), AuctionState::Open);
    assert_eq!(opened.deadline_ms - opened.opened_at_ms, DURATION);
    assert_eq!(opened.minimum_step, won(100));
    assert_eq!(opened.eligible_restaurants, 2);
    for (account, price) in [("account-0", 19_000), ("account-1", 18_000)] {
        let placed = client
            .place_bid(bid(account, Role::Restaurant, &opened.id, price))
            .await
            .expect("accepted")
            .into_inner();
        assert_eq!(placed.price, won(price));
    }
    let status = client
        .place_bid(bid("account-0", Role::Restaurant, &opened.id, 17_950))
        .await
        .expect_err("not lower by the step");
    assert_eq!(status.code(), tonic::Code::FailedPrecondition);
    let failure = Failure::from(status);
    assert_eq!(failure.code, "auction.bid_too_high");
    assert_eq!(failure.field.as_deref(), Some("price"));
    assert_eq!(failure.message, "bid at most 17900 to count now");
    under_test.fixture.end().await;
    let awarded = client
        .get_auction(get(CUSTOMER, Role::Customer, &opened.id))
        .await
        .expect("seen")
        .into_inner();
    let award = awarded.award.expect("an award");
    assert_eq!(award.bid.expect("a bid").price, won(18_000));
    let revoked = client
        .revoke_award(RevokeAwardRequest {
            auction_id: opened.id,
            award_id: award.id.clone(),
            reason: "payment.declined".to_owned(),
        })
        .await
        .expect("revoked")
        .into_inner();
    assert_eq!(revoked.state(), AuctionState::Awarded);
    let next = revoked.award.expect("the next award");
    assert_eq!(next.replaces_award_id, award.id);
    assert_eq!(next.bid.expect("a bid").restaurant_id, "restaurant-0");
}

#[tokio::test]
async fn an_auction_that_nobody_can_serve_is_refused() {
    let under_test = AuctionsUnderTest::start(0).await;
    let status = under_test
        .client
        .clone()
        .open_auction(opening(CUSTOMER, Role::Customer))
        .await
        .expect_err("nobody is near");
    assert_eq!(
        Failure::from(status).code,
        "auction.no_eligible_restaurants"
    );
}

#[tokio::test]
async fn the_same_key_opens_one_auction_also_when_the_catalog_finds_nobody_any_more() {
    let under_test = AuctionsUnderTest::start(1).await;
    let mut client = under_test.client.clone();
    let request = || with_key(opening(CUSTOMER, Role::Customer), "key-1");
    let first = client.open_auction(request()).await.expect("opened");
    under_test.found.store(0, Ordering::SeqCst);
    let again = client
        .open_auction(request())
        .await
        .expect("the same answer");
    assert_eq!(first.into_inner(), again.into_inner());
    let mut other = opening(CUSTOMER, Role::Customer);
    other.points_to_use += 1;
    let status = client
        .open_auction(with_key(other, "key-1"))
        .await
        .expect_err("another body");
    assert_eq!(Failure::from(status).kind, Kind::KeyReused);
}

#[tokio::test]
async fn a_catalog_that_cannot_be_reached_is_an_accident_that_may_be_tried_again() {
    let under_test = AuctionsUnderTest::start(1).await;
    let service = AuctionsApi::new(
        under_test.fixture.auctioneer.clone(),
        CatalogClient::new(grpc::channel_to("http://127.0.0.1:1".to_owned()).expect("an address")),
        under_test.shutdown.clone(),
    );
    let address = serve(Routes::new(AuctionsServer::new(service))).await;
    let mut cut_off = AuctionsClient::new(grpc::channel_to(address).expect("an address"));
    let request = || with_key(opening(CUSTOMER, Role::Customer), "key-1");
    let status = cut_off.open_auction(request()).await.expect_err("cut off");
    assert_eq!(status.code(), tonic::Code::Unavailable);
    under_test
        .client
        .clone()
        .open_auction(request())
        .await
        .expect("the accident was not kept under the key");
}

#[tokio::test]
async fn each_role_may_do_its_own_and_no_more() {
    let under_test = AuctionsUnderTest::start(1).await;
    let mut client = under_test.client.clone();
    let id = under_test.open().await;
    for role in [Role::Restaurant, Role::Admin, Role::Unspecified] {
        let status = client
            .open_auction(opening(CUSTOMER, role))
            .await
            .expect_err("not a customer");
        assert_eq!(status.code(), tonic::Code::PermissionDenied);
    }
    for role in [Role::Customer, Role::Admin] {
        let status = client
            .place_bid(bid("account-0", role, &id, 10_000))
            .await
            .expect_err("not a restaurant");
        assert_eq!(status.code(), tonic::Code::PermissionDenied);
    }
    for role in [Role::Customer, Role::Restaurant] {
        let request = CloseAuctionRequest {
            caller: Some(caller(CUSTOMER, role)),
            auction_id: id.clone(),
        };
        let status = client.close_auction(request).await.expect_err("no admin");
        assert_eq!(status.code(), tonic::Code::PermissionDenied);
    }
    let nobody = GetAuctionRequest {
        caller: None,
        auction_id: id,
    };
    let status = client.get_auction(nobody).await.expect_err("no caller");
    assert_eq!(status.code(), tonic::Code::Unauthenticated);
}

#[tokio::test]
async fn an_auction_is_seen_by_its_customer_its_restaurants_and_admins() {
    let under_test = AuctionsUnderTest::start(1).await;
    let mut client = under_test.client.clone();
    let id = under_test.open().await;
    client
        .place_bid(bid("account-0", Role::Restaurant, &id, 19_000))
        .await
        .expect("accepted");
    for (account, role) in [(CUSTOMER, Role::Customer), ("any", Role::Admin)] {
        let seen = client.get_auction(get(account, role, &id)).await;
        let seen = seen.expect("seen").into_inner();
        assert_eq!(seen.coupon_code, "WELCOME");
        assert!(seen.lowest_bid.is_some());
    }
    let seen = client
        .get_auction(get("account-0", Role::Restaurant, &id))
        .await;
    let seen = seen.expect("seen").into_inner();
    assert!(seen.lowest_bid.is_some());
    assert_eq!((seen.coupon_code.as_str(), seen.points_to_use), ("", 0));
    assert_eq!(seen.place.expect("a place").address, "");
    for (account, role) in [("other", Role::Customer), ("other", Role::Restaurant)] {
        let status = client
            .get_auction(get(account, role, &id))
            .await
            .expect_err("not theirs");
        assert_eq!(Failure::from(status).code, "auction.unknown_auction");
    }
    under_test.fixture.end().await;
    let seen = client
        .get_auction(get("account-0", Role::Restaurant, &id))
        .await;
    let place = seen.expect("seen").into_inner().place.expect("a place");
    assert_eq!(
        place.address, "서울 중구 세종대로 110",
        "the winner delivers"
    );
}

#[tokio::test]
async fn lists_are_newest_first_in_pages_and_show_each_role_its_own() {
    let under_test = AuctionsUnderTest::start(1).await;
    let mut client = under_test.client.clone();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, under_test.open().await);
    }
    let list = |account: &str, role, limit, after: &str| ListAuctionsRequest {
        caller: Some(caller(account, role)),
        limit,
        after: after.to_owned(),
    };
    let mut paged = Vec::new();
    loop {
        let after = paged.last().map_or("", String::as_str);
        let page = client
            .list_auctions(list(CUSTOMER, Role::Customer, 2, after))
            .await
            .expect("a page")
            .into_inner();
        if page.auctions.is_empty() {
            break;
        }
        paged.extend(page.auctions.into_iter().map(|auction| auction.id));
    }
    assert_eq!(paged, ids);
    let request = CloseAuctionRequest {
        caller: Some(caller("admin", Role::Admin)),
        auction_id: ids[0].clone(),
    };
    client.close_auction(request).await.expect("closed");
    for (account, role, expected) in [
        ("account-0", Role::Restaurant, 4),
        ("other", Role::Restaurant, 0),
        ("other", Role::Customer, 0),
        ("admin", Role::Admin, 5),
    ] {
        let page = client.list_auctions(list(account, role, 0, "")).await;
        assert_eq!(page.expect("a page").into_inner().auctions.len(), expected);
    }
    let status = client
        .list_auctions(list(CUSTOMER, Role::Customer, 0, "yesterday"))
        .await
        .expect_err("no id");
    assert_eq!(Failure::from(status).field.as_deref(), Some("after"));
}

#[tokio::test]
async fn an_admin_closes_an_open_auction_once_and_it_takes_no_more_bids() {
    let under_test = AuctionsUnderTest::start(1).await;
    let mut client = under_test.client.clone();
    let id = under_test.open().await;
    let close = || CloseAuctionRequest {
        caller: Some(caller("admin", Role::Admin)),
        auction_id: id.clone(),
    };
    let closed = client.close_auction(close()).await.expect("closed");
    assert_eq!(closed.into_inner().state(), AuctionState::Closed);
    let status = client.close_auction(close()).await.expect_err("closed");
    assert_eq!(Failure::from(status).code, "auction.not_open");
    let status = client
        .place_bid(bid("account-0", Role::Restaurant, &id, 10_000))
        .await
        .expect_err("closed");
    assert_eq!(Failure::from(status).code, "auction.not_open");
    under_test.fixture.end().await;
    assert_eq!(
        under_test.fixture.subjects().await,
        ["events.auction.ended"]
    );
    assert_eq!(under_test.fixture.events().await[0].1["outcome"], "closed");
}

#[tokio::test]
async fn live_changes_cross_the_wire_until_the_auction_has_ended() {
    let under_test = AuctionsUnderTest::start(1).await;
    let mut client = under_test.client.clone();
    let id = under_test.open().await;
    let mut events = client
        .watch_auction(WatchAuctionRequest {
            caller: Some(caller(CUSTOMER, Role::Customer)),
            auction_id: id.clone(),
        })
        .await
        .expect("a stream")
        .into_inner();
    let standing = events.message().await.expect("an event").expect("standing");
    assert_eq!(standing.sequence, 1);
    under_test.fixture.end().await;
    let end = events.message().await.expect("an event").expect("the end");
    assert_eq!(end.sequence, 2);
    assert!(events.message().await.expect("an end").is_none());
}
