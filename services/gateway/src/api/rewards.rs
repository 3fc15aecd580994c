//! Points.

use ::api::reward::GetBalanceRequest;
use axum::Json;
use axum::extract::State;

use crate::error_response::ErrorResponse;
use crate::extract::Reader;
use crate::gateway::Gateway;
use crate::json::reward::Balance;

/// Your points
#[utoipa::path(
    get, path = "/v1/rewards", tag = "rewards",
    responses((status = 200, description = "The balance", body = Balance)),
    security(("bearer" = [])),
)]
pub(crate) async fn get_rewards(
    State(mut gateway): State<Gateway>,
    Reader(caller): Reader,
) -> Result<Json<Balance>, ErrorResponse> {
    let request = GetBalanceRequest {
        caller: Some(caller),
    };
    let balance = gateway.upstreams.rewards.get_balance(request).await?;
    Ok(Json(balance.into_inner().into()))
}
