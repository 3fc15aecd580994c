//! The service over its gRPC contract, with a stand-in for the catalog.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use api::auction::auctions_client::AuctionsClient;
use api::auction::auctions_server::AuctionsServer;
use api::auction::{GetAuctionRequest, OpenAuctionRequest, PlaceBidRequest};
use api::catalog::catalog_client::CatalogClient;
use api::catalog::catalog_server::{Catalog, CatalogServer};
use api::catalog::{
    EligibleRestaurant, FindEligibleRequest, FindEligibleResponse, GetRestaurantRequest,
    PutRestaurantRequest, Restaurant,
};
use api::common::{Caller, DishOrder, Money, Place, Role};
use auction::api::{AuctionsApi, MAX_ELIGIBLE};
use chassis::grpc;

use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::support::{CEILING, CUSTOMER, DURATION, Fixture, fixture, restaurant};

/// The service with a fixture, and a stand-in for the catalog that finds a given number of restaurants.
pub(crate) struct AuctionsUnderTest {
    pub(crate) fixture: Fixture,
    pub(crate) service: AuctionsApi,
    pub(crate) client: AuctionsClient<grpc::Channel>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) found: Arc<AtomicUsize>,
}

struct FoundCatalog {
    pub(crate) found: Arc<AtomicUsize>,
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
        let (fixture, shutdown) = (fixture().await, CancellationToken::new());
        let service = AuctionsApi::new(
            fixture.auctioneer.clone(),
            CatalogClient::new(grpc::channel_to(catalog).expect("an address")),
            shutdown.clone(),
        );
        let address = serve(Routes::new(AuctionsServer::new(service.clone()))).await;
        Self {
            fixture,
            service,
            client: AuctionsClient::new(grpc::channel_to(address).expect("an address")),
            shutdown,
            found,
        }
    }

    /// Opens an auction with a gRPC call.
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

/// Serves a stand-in for the catalog that finds `found` restaurants, and returns its URL.
pub(crate) async fn serve_catalog(found: Arc<AtomicUsize>) -> String {
    serve(Routes::new(CatalogServer::new(FoundCatalog { found }))).await
}

pub(crate) async fn serve(routes: Routes) -> String {
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
pub(crate) fn won(amount_minor: i64) -> Option<Money> {
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
