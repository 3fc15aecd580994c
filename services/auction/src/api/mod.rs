//! `bidtrace.auction.v1.Auctions`.

use std::sync::Arc;

use api::auction::auctions_server::Auctions;
use api::auction::{
    Auction, AuctionEvent, Bid, CloseAuctionRequest, GetAuctionRequest, ListAuctionsRequest,
    ListAuctionsResponse, OpenAuctionRequest, PlaceBidRequest, RevokeAwardRequest,
    WatchAuctionRequest,
};
use api::catalog::FindEligibleRequest;
use api::catalog::catalog_client::CatalogClient;
use api::common::{Caller, DishOrder, Role};
use chassis::grpc::Channel;
use chassis::idempotency::Claim;
use chassis::money::Money;
use chassis::page::{self, PageSize};
use chassis::{Failure, caller};
use futures::stream::BoxStream;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::auctioneer::{Auctioneer, Offer};
use crate::awarding::Revocation;
use crate::domain::{Dish, EligibleRestaurant, Place, Snapshot, opening};
use crate::store;
use crate::store::snapshots::Listing;
use crate::wire::{self, Viewer};

mod watching;

/// The maximum number of restaurants that may bid in one auction: the nearest ones.
pub const MAX_ELIGIBLE: u32 = PageSize::ELIGIBLE_RESTAURANTS.max;
/// The maximum length of a revocation's reason, in characters.
pub const MAX_REASON: usize = 100;

/// The service over gRPC.
#[derive(Clone)]
pub struct AuctionsApi {
    auctioneer: Arc<Auctioneer>,
    catalog: CatalogClient<Channel>,
    shutdown: CancellationToken,
}

impl AuctionsApi {
    /// A service for the auctions of `auctioneer`. Its streams end at `shutdown`.
    pub fn new(
        auctioneer: Arc<Auctioneer>,
        catalog: CatalogClient<Channel>,
        shutdown: CancellationToken,
    ) -> Self {
        Self {
            auctioneer,
            catalog,
            shutdown,
        }
    }

    async fn open(&self, request: Request<OpenAuctionRequest>) -> Result<Auction, Failure> {
        let customer = caller::require_role(request.get_ref().caller.clone(), &[Role::Customer])?;
        let claim = Claim::new(&customer.account_id, "auction.OpenAuction", &request)?;
        let opening = opening_request(request.into_inner())?.check()?;
        let eligible = self.find_eligible(&opening.terms).await;
        self.auctioneer
            .open(customer.account_id, opening, eligible, claim)
            .await
    }

    async fn find_eligible(
        &self,
        terms: &crate::domain::Terms,
    ) -> Result<Vec<EligibleRestaurant>, Failure> {
        let request = FindEligibleRequest {
            place: Some(api::common::Place {
                latitude: terms.place.latitude,
                longitude: terms.place.longitude,
                address: String::new(),
            }),
            dishes: terms
                .dishes
                .iter()
                .map(|dish| DishOrder {
                    dish: dish.dish.clone(),
                    quantity: dish.quantity,
                })
                .collect(),
            limit: MAX_ELIGIBLE,
        };
        let found = self.catalog.clone().find_eligible(request).await?;
        let restaurants = found.into_inner().restaurants.into_iter();
        Ok(restaurants
            .map(|restaurant| EligibleRestaurant {
                account_id: restaurant.owner_account_id,
                restaurant_id: restaurant.restaurant_id,
                restaurant_name: restaurant.name,
            })
            .collect())
    }

    async fn bid(&self, request: Request<PlaceBidRequest>) -> Result<Bid, Failure> {
        let bidder = caller::require_role(request.get_ref().caller.clone(), &[Role::Restaurant])?;
        let claim = Claim::new(&bidder.account_id, "auction.PlaceBid", &request)?;
        let request = request.into_inner();
        let offer = Offer {
            auction_id: known_id(request.auction_id)?,
            account_id: bidder.account_id,
            price: Money::positive("price", request.price)?,
        };
        self.auctioneer.bid(offer, claim).await
    }

    async fn get(&self, request: GetAuctionRequest) -> Result<Auction, Failure> {
        let caller = caller::require(request.caller)?;
        let auction_id = known_id(request.auction_id)?;
        let (snapshot, viewer) = self.visible_to(&caller, &auction_id).await?;
        Ok(wire::auction(&snapshot, &viewer))
    }

    async fn list(&self, request: ListAuctionsRequest) -> Result<ListAuctionsResponse, Failure> {
        let caller = caller::require(request.caller)?;
        let after = Some(request.after.as_str()).filter(|after| !after.is_empty());
        if after.is_some_and(|after| Uuid::parse_str(after).is_err()) {
            return Err(Failure::invalid(
                "auction.bad_after",
                "after",
                "expected the id of the last auction of the page before",
            ));
        }
        let limit = PageSize::GRPC.clamped(page::requested(request.limit));
        let account = caller.account_id.as_str();
        let (listing, viewer) = match caller.role() {
            Role::Admin => (Listing::All, Viewer::Full),
            Role::Restaurant => (
                Listing::OpenFor(account, self.auctioneer.clock().now()),
                Viewer::Restaurant(account.to_owned()),
            ),
            Role::Customer | Role::Unspecified => (Listing::OpenedBy(account), Viewer::Full),
        };
        let database = self.auctioneer.database();
        let snapshots = store::snapshots::list(database, listing, after, limit).await?;
        Ok(ListAuctionsResponse {
            auctions: snapshots
                .iter()
                .map(|snapshot| wire::auction(snapshot, &viewer))
                .collect(),
        })
    }

    async fn close(&self, request: Request<CloseAuctionRequest>) -> Result<Auction, Failure> {
        let admin = caller::require_role(request.get_ref().caller.clone(), &[Role::Admin])?;
        let claim = Claim::new(&admin.account_id, "auction.CloseAuction", &request)?;
        let auction_id = known_id(request.into_inner().auction_id)?;
        self.auctioneer.close(auction_id, claim).await
    }

    async fn revoke(&self, request: RevokeAwardRequest) -> Result<Auction, Failure> {
        let reason = request.reason;
        if reason.is_empty() || reason.chars().count() > MAX_REASON {
            return Err(Failure::invalid(
                "auction.bad_reason",
                "reason",
                format!("expected 1 to {MAX_REASON} characters"),
            ));
        }
        let revocation = Revocation {
            auction_id: known_id(request.auction_id)?,
            award_id: request.award_id,
            reason,
        };
        self.auctioneer.revoke(revocation).await
    }

    /// The auction, and which parts of it the caller may see.
    ///
    /// # Errors
    /// `auction.unknown_auction`, also when the caller may not see the auction.
    async fn visible_to(
        &self,
        caller: &Caller,
        auction_id: &str,
    ) -> Result<(Snapshot, Viewer), Failure> {
        let database = self.auctioneer.database();
        let snapshot = store::snapshots::one(database, auction_id)
            .await?
            .ok_or_else(store::auctions::unknown)?;
        let account = &caller.account_id;
        let viewer = match caller.role() {
            Role::Admin => Viewer::Full,
            Role::Restaurant
                if store::auctions::is_eligible(database, auction_id, account).await? =>
            {
                Viewer::Restaurant(account.clone())
            }
            Role::Customer if snapshot.auction.customer_account_id == *account => Viewer::Full,
            _ => return Err(store::auctions::unknown()),
        };
        Ok((snapshot, viewer))
    }
}

#[tonic::async_trait]
impl Auctions for AuctionsApi {
    type WatchAuctionStream = BoxStream<'static, Result<AuctionEvent, Status>>;

    async fn open_auction(
        &self,
        request: Request<OpenAuctionRequest>,
    ) -> Result<Response<Auction>, Status> {
        Ok(Response::new(self.open(request).await?))
    }

    async fn get_auction(
        &self,
        request: Request<GetAuctionRequest>,
    ) -> Result<Response<Auction>, Status> {
        Ok(Response::new(self.get(request.into_inner()).await?))
    }

    async fn list_auctions(
        &self,
        request: Request<ListAuctionsRequest>,
    ) -> Result<Response<ListAuctionsResponse>, Status> {
        Ok(Response::new(self.list(request.into_inner()).await?))
    }

    async fn place_bid(&self, request: Request<PlaceBidRequest>) -> Result<Response<Bid>, Status> {
        Ok(Response::new(self.bid(request).await?))
    }

    async fn watch_auction(
        &self,
        request: Request<WatchAuctionRequest>,
    ) -> Result<Response<Self::WatchAuctionStream>, Status> {
        Ok(Response::new(self.watch(request.into_inner()).await?))
    }

    async fn close_auction(
        &self,
        request: Request<CloseAuctionRequest>,
    ) -> Result<Response<Auction>, Status> {
        Ok(Response::new(self.close(request).await?))
    }

    async fn revoke_award(
        &self,
        request: Request<RevokeAwardRequest>,
    ) -> Result<Response<Auction>, Status> {
        Ok(Response::new(self.revoke(request.into_inner()).await?))
    }
}

/// Validates an auction's id.
fn known_id(id: String) -> Result<String, Failure> {
    match Uuid::parse_str(&id) {
        Ok(_) => Ok(id),
        Err(_) => Err(store::auctions::unknown()),
    }
}

fn opening_request(request: OpenAuctionRequest) -> Result<opening::Request, Failure> {
    Ok(opening::Request {
        dishes: request
            .dishes
            .into_iter()
            .map(|DishOrder { dish, quantity }| Dish { dish, quantity })
            .collect(),
        place: request.place.map(|place| Place {
            latitude: place.latitude,
            longitude: place.longitude,
            address: place.address,
        }),
        ceiling: Money::positive("ceiling_price", request.ceiling_price)?,
        step: request
            .minimum_step
            .map(|step| Money::positive("minimum_step", Some(step)))
            .transpose()?,
        duration_ms: request.duration_ms,
        coupon_code: request.coupon_code,
        points_to_use: request.points_to_use,
        payment_method: request.payment_method,
    })
}
