//! The routes for admins.

use ::api::account::{CloseAccountRequest, ListAccountsRequest};
use ::api::auction::CloseAuctionRequest;
use ::api::common::Role;
use axum::Json;
use axum::extract::State;
use http::StatusCode;

use crate::body::Body;
use crate::error_response::ErrorResponse;
use crate::extract::{Id, IdempotencyHeader, Page, Params, Reader, Writer};
use crate::gateway::Gateway;
use crate::json::account::{Account, Accounts};
use crate::json::auction::Auction;
use crate::json::next_after;
use crate::json::reward::{Balance, Coupon, GrantPoints, IssueCoupon};

const ADMINS: &[Role] = &[Role::Admin];

/// All accounts
#[utoipa::path(
    get, path = "/v1/admin/accounts", tag = "admin", params(Page),
    responses((status = 200, description = "A page of accounts", body = Accounts)),
    security(("bearer" = [])),
)]
pub(crate) async fn list_accounts(
    State(mut gateway): State<Gateway>,
    reader: Reader,
    Params(page): Params<Page>,
) -> Result<Json<Accounts>, ErrorResponse> {
    let caller = reader.with_role(ADMINS)?;
    let (limit, after) = page.bounds()?;
    let request = ListAccountsRequest {
        caller: Some(caller),
        limit,
        after,
    };
    let answer = gateway.upstreams.accounts.list_accounts(request).await?;
    let accounts = answer
        .into_inner()
        .accounts
        .into_iter()
        .map(Account::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    let next_after = next_after(&accounts, limit, |account| &account.id);
    Ok(Json(Accounts {
        accounts,
        next_after,
    }))
}

/// Close an account
///
/// It can no longer log in, and what it still has tokens for is refused within seconds.
#[utoipa::path(
    post, path = "/v1/admin/accounts/{id}/close", tag = "admin",
    params(("id" = String, Path, description = "The account"), IdempotencyHeader),
    responses((status = 200, description = "The account", body = Account)),
    security(("bearer" = [])),
)]
pub(crate) async fn close_account(
    State(mut gateway): State<Gateway>,
    writer: Writer,
    Id(account_id): Id,
) -> Result<Json<Account>, ErrorResponse> {
    let writer = writer.with_role(ADMINS)?;
    let request = writer.request(CloseAccountRequest {
        caller: Some(writer.caller.clone()),
        account_id: account_id.clone(),
    });
    let account = gateway.upstreams.accounts.close_account(request).await?;
    gateway.account_states.set_closed(&account_id);
    Ok(Json(account.into_inner().try_into()?))
}

/// Close an auction
///
/// Ends an open auction without an award.
#[utoipa::path(
    post, path = "/v1/admin/auctions/{id}/close", tag = "admin",
    params(("id" = String, Path, description = "The auction"), IdempotencyHeader),
    responses((status = 200, description = "The auction", body = Auction)),
    security(("bearer" = [])),
)]
pub(crate) async fn close_auction(
    State(mut gateway): State<Gateway>,
    writer: Writer,
    Id(auction_id): Id,
) -> Result<Json<Auction>, ErrorResponse> {
    let writer = writer.with_role(ADMINS)?;
    let request = writer.request(CloseAuctionRequest {
        caller: Some(writer.caller.clone()),
        auction_id,
    });
    let auction = gateway.upstreams.auctions.close_auction(request).await?;
    Ok(Json(auction.into_inner().try_into()?))
}

/// Issue a coupon
#[utoipa::path(
    post, path = "/v1/admin/coupons", tag = "admin", params(IdempotencyHeader), request_body = IssueCoupon,
    responses((status = 201, description = "The coupon", body = Coupon)),
    security(("bearer" = [])),
)]
pub(crate) async fn issue_coupon(
    State(mut gateway): State<Gateway>,
    writer: Writer,
    Body(body): Body<IssueCoupon>,
) -> Result<(StatusCode, Json<Coupon>), ErrorResponse> {
    let writer = writer.with_role(ADMINS)?;
    let request = writer.request(body.of(writer.caller.clone()));
    let coupon = gateway.upstreams.rewards.issue_coupon(request).await?;
    Ok((StatusCode::CREATED, Json(coupon.into_inner().try_into()?)))
}

/// Grant points
///
/// The answer is the account's balance with them.
#[utoipa::path(
    post, path = "/v1/admin/points", tag = "admin", params(IdempotencyHeader), request_body = GrantPoints,
    responses((status = 200, description = "The balance", body = Balance)),
    security(("bearer" = [])),
)]
pub(crate) async fn grant_points(
    State(mut gateway): State<Gateway>,
    writer: Writer,
    Body(body): Body<GrantPoints>,
) -> Result<Json<Balance>, ErrorResponse> {
    let writer = writer.with_role(ADMINS)?;
    let request = writer.request(body.of(writer.caller.clone()));
    let balance = gateway.upstreams.rewards.grant_points(request).await?;
    Ok(Json(balance.into_inner().into()))
}
