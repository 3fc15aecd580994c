//! `bidtrace.catalog.v1.Catalog`.

use ::api::catalog as wire;
use ::api::catalog::catalog_server::Catalog;
use ::api::common::Role;
use chassis::clock::Clock;
use chassis::database::Database;
use chassis::idempotency::Claim;
use chassis::page::{self, PageSize};
use chassis::{Failure, caller, fault};
use tonic::{Request, Response, Status};
use tracing::Instrument as _;
use uuid::Uuid;

use crate::domain::{Place, Profile, Restaurant, menu};
use crate::store::{self, RestaurantKey};

pub(crate) const PUT_BEFORE_COMMIT: &str = "catalog.put.before_commit";
pub(crate) const PUT_COMMITTED: &str = "catalog.put.committed";

/// The service over gRPC.
pub struct CatalogApi {
    database: Database,
    clock: Clock,
}

impl CatalogApi {
    /// A service over a migrated database.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    async fn put(
        &self,
        request: Request<wire::PutRestaurantRequest>,
    ) -> Result<wire::Restaurant, Failure> {
        let caller = caller::require_role(request.get_ref().caller.clone(), &[Role::Restaurant])?;
        let claim = Claim::new(&caller.account_id, "PutRestaurant", &request)?;
        let restaurant = Restaurant {
            id: Uuid::now_v7().to_string(),
            owner_account_id: caller.account_id,
            profile: Profile::parse(request.into_inner())?,
        };
        let now = self.clock.now();
        let execution = claim
            .execute(&self.database, &self.clock, move |write| {
                Box::pin(async move {
                    let restaurant = store::put(write, restaurant, now).await?;
                    fault::point(PUT_BEFORE_COMMIT);
                    Ok((restaurant.into(), ()))
                })
            })
            .await?;
        fault::point(PUT_COMMITTED);
        Ok(execution.into_response())
    }

    async fn show(&self, body: wire::GetRestaurantRequest) -> Result<wire::Restaurant, Failure> {
        let found = if body.restaurant_id.is_empty() {
            let caller = caller::require(body.caller)?;
            store::find(&self.database, RestaurantKey::Owner(&caller.account_id)).await?
        } else {
            store::find(&self.database, RestaurantKey::Id(&body.restaurant_id)).await?
        };
        found.map(Into::into).ok_or_else(|| {
            Failure::not_found(
                "catalog.unknown_restaurant",
                "there is no such restaurant; an account's own is made by putting it",
            )
            .at("restaurant_id")
        })
    }

    async fn search(
        &self,
        body: wire::FindEligibleRequest,
    ) -> Result<wire::FindEligibleResponse, Failure> {
        let limit = PageSize::ELIGIBLE_RESTAURANTS
            .checked("catalog.bad_limit", page::requested(body.limit))?;
        let place = Place::parse(body.place)?;
        let dishes = menu::searched(&body.dishes)?;
        let limit = usize::try_from(limit).map_err(Failure::internal)?;
        let span = tracing::info_span!(
            "catalog.find_eligible",
            catalog.dishes = count(dishes.len()),
            catalog.restaurants = tracing::field::Empty
        );
        let found = store::eligible(&self.database, place.position, &dishes, limit)
            .instrument(span.clone())
            .await?;
        span.record("catalog.restaurants", count(found.len()));
        // At most the maximum page size.
        #[allow(clippy::cast_precision_loss)]
        registry::CatalogEligible.record(found.len() as f64);
        Ok(wire::FindEligibleResponse {
            restaurants: found.into_iter().map(Into::into).collect(),
        })
    }
}

#[tonic::async_trait]
impl Catalog for CatalogApi {
    async fn put_restaurant(
        &self,
        request: Request<wire::PutRestaurantRequest>,
    ) -> Result<Response<wire::Restaurant>, Status> {
        Ok(Response::new(self.put(request).await?))
    }

    async fn get_restaurant(
        &self,
        request: Request<wire::GetRestaurantRequest>,
    ) -> Result<Response<wire::Restaurant>, Status> {
        Ok(Response::new(self.show(request.into_inner()).await?))
    }

    async fn find_eligible(
        &self,
        request: Request<wire::FindEligibleRequest>,
    ) -> Result<Response<wire::FindEligibleResponse>, Status> {
        Ok(Response::new(self.search(request.into_inner()).await?))
    }
}

/// A count as the type that the registry declares: an attribute is a signed number.
fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
