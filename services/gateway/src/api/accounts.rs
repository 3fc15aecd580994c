//! Sign-up, login, and the caller's account.

use ::api::account::{GetAccountRequest, LogInRequest, SignUpRequest};
use axum::Json;
use axum::extract::State;
use http::StatusCode;

use crate::body::Body;
use crate::error_response::ErrorResponse;
use crate::extract::{IdempotencyHeader, IdempotencyKey, Reader};
use crate::gateway::Gateway;
use crate::json::account::{Account, LogIn, Session, SignUp};

/// Sign up
///
/// Makes an account for a customer or a restaurant. Admins cannot be made here.
#[utoipa::path(
    post, path = "/v1/accounts", tag = "accounts", params(IdempotencyHeader), request_body = SignUp,
    responses((status = 201, description = "The account", body = Account)),
)]
pub(crate) async fn sign_up(
    State(mut gateway): State<Gateway>,
    key: IdempotencyKey,
    Body(body): Body<SignUp>,
) -> Result<(StatusCode, Json<Account>), ErrorResponse> {
    let request = key.request(SignUpRequest::from(body));
    let account = gateway.upstreams.accounts.sign_up(request).await?;
    Ok((StatusCode::CREATED, Json(account.into_inner().try_into()?)))
}

/// Log in
///
/// Makes a token. Every login makes another one, with an `Idempotency-Key` too: tokens are not kept.
#[utoipa::path(
    post, path = "/v1/sessions", tag = "accounts", request_body = LogIn,
    responses((status = 201, description = "The token", body = Session)),
)]
pub(crate) async fn log_in(
    State(mut gateway): State<Gateway>,
    key: IdempotencyKey,
    Body(body): Body<LogIn>,
) -> Result<(StatusCode, Json<Session>), ErrorResponse> {
    let request = key.request(LogInRequest::from(body));
    let session = gateway.upstreams.accounts.log_in(request).await?;
    Ok((StatusCode::CREATED, Json(session.into_inner().try_into()?)))
}

/// Your own account
#[utoipa::path(
    get, path = "/v1/me", tag = "accounts",
    responses((status = 200, description = "The account", body = Account)),
    security(("bearer" = [])),
)]
pub(crate) async fn me(
    State(mut gateway): State<Gateway>,
    Reader(caller): Reader,
) -> Result<Json<Account>, ErrorResponse> {
    let request = GetAccountRequest {
        account_id: caller.account_id.clone(),
        caller: Some(caller),
    };
    let account = gateway.upstreams.accounts.get_account(request).await?;
    Ok(Json(account.into_inner().try_into()?))
}
