//! The gRPC contract, with a catalog of the test's own behind it and real connections on both sides.

use crate::house::{CEILING, CUSTOMER, DURATION, House, house, restaurant};
use api::{
    auction::{
        AuctionState, CloseAuctionRequest, GetAuctionRequest, ListAuctionsRequest,
        OpenAuctionRequest, PlaceBidRequest, RevokeAwardRequest, WatchAuctionRequest,
        auctions_client::AuctionsClient, auctions_server::AuctionsServer,
    },
    catalog::{
        EligibleRestaurant, FindEligibleRequest, FindEligibleResponse, GetRestaurantRequest,
        PutRestaurantRequest, Restaurant,
        catalog_client::CatalogClient,
        catalog_server::{Catalog, CatalogServer},
    },
    common::{Caller, DishOrder, Money, Place, Role},
};
use auction::api::{AuctionsApi, MAX_ELIGIBLE};
use chassis::{Failure, Kind, grpc, idempotency::METADATA_KEY};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, service::Routes};

/// The service over a house of its own, and a catalog that finds as many restaurants as it is told.
pub(crate) struct AuctionsUnderTest {
    pub(crate) house: House,
    pub(crate) service: AuctionsApi,
    pub(crate) client: AuctionsClient<grpc::Channel>,
    pub(crate) shutdown: CancellationToken,
    found: Arc<AtomicUsize>,
}

struct FoundCatalog {
    found: Arc<AtomicUsize>,
}

#[tonic::async_trait]
impl Catalog for FoundCatalog {
    async fn put_restaurant(
        &self,
        _: Request<PutRestaurantRequest>,
    ) -> Result<Response<Restaurant>, Status> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn get_restaurant(
        &self,
        _: Request<GetRestaurantRequest>,
    ) -> Result<Response<Restaurant>, Status> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn find_eligible(
        &self,
        request: Request<FindEligibleRequest>,
    ) -> Result<Response<FindEligibleResponse>, Status> {
        let request = request.into_inner();
        assert_eq!(request.limit, MAX_ELIGIBLE);
        assert!(request.place.is_some_and(|place| place.address.is_empty()));
        let restaurants = (0..self.found.load(Ordering::SeqCst))
            .map(restaurant)
            .map(|it| EligibleRestaurant {
                restaurant_id: it.restaurant_id,
                owner_account_id: it.account_id,
                name: it.restaurant_name,
                distance_m: 100,
            })
            .collect();
        Ok(Response::new(FindEligibleResponse { restaurants }))
    }
}

impl AuctionsUnderTest {
    pub(crate) async fn start(restaurants: usize) -> Self {
        let found = Arc::new(AtomicUsize::new(restaurants));
        let catalog = serve_catalog(found.clone()).await;
        let (house, shutdown) = (house().await, CancellationToken::new());
        let service = AuctionsApi::new(
            house.auctioneer.clone(),
            CatalogClient::new(grpc::channel_to(catalog).expect("an address")),
            shutdown.clone(),
        );
        let address = serve(Routes::new(AuctionsServer::new(service.clone()))).await;
        Self {
            house,
            service,
            client: AuctionsClient::new(grpc::channel_to(address).expect("an address")),
            shutdown,
            found,
        }
    }

    /// Opens an auction over the contract.
    pub(crate) async fn open(&self) -> String {
        self.client
            .clone()
            .open_auction(opening(CUSTOMER, Role::Customer))
            .await
            .expect("opened")
            .into_inner()
            .id
    }
}

/// A catalog that finds as many restaurants as `found` says, and its address.
pub(crate) async fn serve_catalog(found: Arc<AtomicUsize>) -> String {
    serve(Routes::new(CatalogServer::new(FoundCatalog { found }))).await
}

async fn serve(routes: Routes) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(
        tonic::transport::Server::builder()
            .layer(
                telemetry::grpc::ServerLayer::new()
                    .methods(api::METHODS)
                    .streams(api::STREAMING_METHODS),
            )
            .add_routes(routes)
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    format!("http://{address}")
}

pub(crate) fn caller(account_id: &str, role: Role) -> Caller {
    Caller {
        account_id: account_id.to_owned(),
        role: role.into(),
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the contract's fields are optional"
)]
fn won(amount_minor: i64) -> Option<Money> {
    Some(Money {
        amount_minor,
        currency: "KRW".to_owned(),
    })
}

pub(crate) fn opening(account_id: &str, role: Role) -> OpenAuctionRequest {
    OpenAuctionRequest {
        caller: Some(caller(account_id, role)),
        dishes: vec![DishOrder {
            dish: "김치찌개".to_owned(),
            quantity: 1,
        }],
        place: Some(Place {
            latitude: 37.5663,
            longitude: 126.9779,
            address: "서울 중구 세종대로 110".to_owned(),
        }),
        ceiling_price: won(CEILING),
        minimum_step: None,
        duration_ms: u32::try_from(DURATION).expect("in range"),
        coupon_code: "WELCOME".to_owned(),
        points_to_use: 10,
        payment_method: "tok_ok".to_owned(),
    }
}

pub(crate) fn bid(account_id: &str, role: Role, auction_id: &str, price: i64) -> PlaceBidRequest {
    PlaceBidRequest {
        caller: Some(caller(account_id, role)),
        auction_id: auction_id.to_owned(),
        price: won(price),
    }
}

pub(crate) fn get(account_id: &str, role: Role, auction_id: &str) -> GetAuctionRequest {
    GetAuctionRequest {
        caller: Some(caller(account_id, role)),
        auction_id: auction_id.to_owned(),
    }
}

pub(crate) fn with_key<T>(message: T, key: &str) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert(METADATA_KEY, key.parse().expect("ASCII"));
    request
}

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
    under_test.house.end().await;
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
        under_test.house.auctioneer.clone(),
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
    under_test.house.end().await;
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
    under_test.house.end().await;
    assert_eq!(under_test.house.subjects().await, ["events.auction.ended"]);
    assert_eq!(under_test.house.events().await[0].1["outcome"], "closed");
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
    under_test.house.end().await;
    let end = events.message().await.expect("an event").expect("the end");
    assert_eq!(end.sequence, 2);
    assert!(events.message().await.expect("an end").is_none());
}
