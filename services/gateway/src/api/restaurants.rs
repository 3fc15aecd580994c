//! Restaurants.

use ::api::catalog::GetRestaurantRequest;
use ::api::common::{Caller, Role};
use axum::Json;
use axum::extract::State;

use crate::body::Body;
use crate::error_response::ErrorResponse;
use crate::extract::{Id, IdempotencyHeader, Reader, Writer};
use crate::gateway::Gateway;
use crate::json::restaurant::{PutRestaurant, Restaurant};

/// Make or replace your restaurant
#[utoipa::path(
    put, path = "/v1/restaurant", tag = "restaurants", params(IdempotencyHeader), request_body = PutRestaurant,
    responses((status = 200, description = "The restaurant", body = Restaurant)),
    security(("bearer" = [])),
)]
pub(crate) async fn put_restaurant(
    State(mut gateway): State<Gateway>,
    writer: Writer,
    Body(body): Body<PutRestaurant>,
) -> Result<Json<Restaurant>, ErrorResponse> {
    let writer = writer.with_role(&[Role::Restaurant])?;
    let request = writer.request(body.of(writer.caller.clone()));
    let restaurant = gateway.upstreams.catalog.put_restaurant(request).await?;
    Ok(Json(restaurant.into_inner().try_into()?))
}

/// Your own restaurant
#[utoipa::path(
    get, path = "/v1/restaurant", tag = "restaurants",
    responses((status = 200, description = "The restaurant", body = Restaurant)),
    security(("bearer" = [])),
)]
pub(crate) async fn own_restaurant(
    State(gateway): State<Gateway>,
    reader: Reader,
) -> Result<Json<Restaurant>, ErrorResponse> {
    let caller = reader.with_role(&[Role::Restaurant])?;
    restaurant(gateway, caller, String::new()).await
}

/// A restaurant
#[utoipa::path(
    get, path = "/v1/restaurants/{id}", tag = "restaurants",
    params(("id" = String, Path, description = "The restaurant")),
    responses((status = 200, description = "The restaurant", body = Restaurant)),
    security(("bearer" = [])),
)]
pub(crate) async fn get_restaurant(
    State(gateway): State<Gateway>,
    Reader(caller): Reader,
    Id(id): Id,
) -> Result<Json<Restaurant>, ErrorResponse> {
    restaurant(gateway, caller, id).await
}

async fn restaurant(
    mut gateway: Gateway,
    caller: Caller,
    restaurant_id: String,
) -> Result<Json<Restaurant>, ErrorResponse> {
    let request = GetRestaurantRequest {
        caller: Some(caller),
        restaurant_id,
    };
    let restaurant = gateway.upstreams.catalog.get_restaurant(request).await?;
    Ok(Json(restaurant.into_inner().try_into()?))
}
