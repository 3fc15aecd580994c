//! Auctions and bids. The live events of an auction are in [`crate::live`].

use ::api::auction::{GetAuctionRequest, ListAuctionsRequest, PlaceBidRequest};
use ::api::common::Role;
use axum::Json;
use axum::extract::State;
use axum::response::AppendHeaders;
use http::{HeaderName, StatusCode, header};

use crate::body::Body;
use crate::error_response::ErrorResponse;
use crate::extract::{Id, IdempotencyHeader, Page, Params, Reader, Writer};
use crate::gateway::Gateway;
use crate::json::auction::{Auction, Auctions, Bid, OpenAuction, PlaceBid};
use crate::json::next_after;

/// Open an auction
///
/// Restaurants near the place that cook all the dishes bid the price down until the deadline; then the lowest bid wins.
#[utoipa::path(
    post, path = "/v1/auctions", tag = "auctions", params(IdempotencyHeader), request_body = OpenAuction,
    responses((
        status = 201, description = "The auction", body = Auction,
        headers(("Location" = String, description = "Where the auction is"))
    )),
    security(("bearer" = [])),
)]
pub(crate) async fn open_auction(
    State(mut gateway): State<Gateway>,
    writer: Writer,
    Body(body): Body<OpenAuction>,
) -> Result<
    (
        StatusCode,
        AppendHeaders<[(HeaderName, String); 1]>,
        Json<Auction>,
    ),
    ErrorResponse,
> {
    let writer = writer.with_role(&[Role::Customer])?;
    let request = writer.request(body.of(writer.caller.clone()));
    let auction = gateway.upstreams.auctions.open_auction(request).await?;
    let auction = Auction::try_from(auction.into_inner())?;
    let location = format!("/v1/auctions/{}", auction.id);
    Ok((
        StatusCode::CREATED,
        AppendHeaders([(header::LOCATION, location)]),
        Json(auction),
    ))
}

/// Your auctions
///
/// An admin sees everybody's.
#[utoipa::path(
    get, path = "/v1/auctions", tag = "auctions", params(Page),
    responses((status = 200, description = "A page of auctions", body = Auctions)),
    security(("bearer" = [])),
)]
pub(crate) async fn list_auctions(
    State(mut gateway): State<Gateway>,
    Reader(caller): Reader,
    Params(page): Params<Page>,
) -> Result<Json<Auctions>, ErrorResponse> {
    let (limit, after) = page.bounds()?;
    let request = ListAuctionsRequest {
        caller: Some(caller),
        limit,
        after,
    };
    let answer = gateway.upstreams.auctions.list_auctions(request).await?;
    let auctions = answer
        .into_inner()
        .auctions
        .into_iter()
        .map(Auction::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    let next_after = next_after(&auctions, limit, |auction| &auction.id);
    Ok(Json(Auctions {
        auctions,
        next_after,
    }))
}

/// An auction
#[utoipa::path(
    get, path = "/v1/auctions/{id}", tag = "auctions",
    params(("id" = String, Path, description = "The auction")),
    responses((status = 200, description = "The auction", body = Auction)),
    security(("bearer" = [])),
)]
pub(crate) async fn get_auction(
    State(mut gateway): State<Gateway>,
    Reader(caller): Reader,
    Id(auction_id): Id,
) -> Result<Json<Auction>, ErrorResponse> {
    let request = GetAuctionRequest {
        caller: Some(caller),
        auction_id,
    };
    let auction = gateway.upstreams.auctions.get_auction(request).await?;
    Ok(Json(auction.into_inner().try_into()?))
}

/// Bid
///
/// A bid counts when it arrives before the deadline, is below the lowest one by at least the minimum step, and comes
/// from an eligible restaurant. One that the rules reject is answered with 409 and the rule's code.
#[utoipa::path(
    post, path = "/v1/auctions/{id}/bids", tag = "auctions",
    params(("id" = String, Path, description = "The auction"), IdempotencyHeader), request_body = PlaceBid,
    responses((status = 201, description = "The bid, which counts", body = Bid)),
    security(("bearer" = [])),
)]
pub(crate) async fn place_bid(
    State(mut gateway): State<Gateway>,
    writer: Writer,
    Id(auction_id): Id,
    Body(body): Body<PlaceBid>,
) -> Result<(StatusCode, Json<Bid>), ErrorResponse> {
    let writer = writer.with_role(&[Role::Restaurant])?;
    let request = writer.request(PlaceBidRequest {
        caller: Some(writer.caller.clone()),
        auction_id,
        price: Some(body.price.into()),
    });
    let bid = gateway.upstreams.auctions.place_bid(request).await?;
    // The auction service marks the trace too, but may die before it exports the mark.
    telemetry::context::keep();
    Ok((StatusCode::CREATED, Json(bid.into_inner().try_into()?)))
}
