//! Orders.

use ::api::order::{GetOrderRequest, ListOrdersRequest};
use axum::Json;
use axum::extract::State;

use crate::error_response::ErrorResponse;
use crate::extract::{Id, Page, Params, Reader};
use crate::gateway::Gateway;
use crate::json::next_after;
use crate::json::order::{Order, Orders, OrdersQuery};

/// Your orders
///
/// A restaurant sees those that it won, an admin everybody's.
#[utoipa::path(
    get, path = "/v1/orders", tag = "orders", params(OrdersQuery),
    responses((status = 200, description = "A page of orders", body = Orders)),
    security(("bearer" = [])),
)]
pub(crate) async fn list_orders(
    State(mut gateway): State<Gateway>,
    Reader(caller): Reader,
    Params(query): Params<OrdersQuery>,
) -> Result<Json<Orders>, ErrorResponse> {
    let auction_id = match query.auction_id {
        Some(id) => Id::parse("auction_id", id)?.0,
        None => String::new(),
    };
    let page = Page {
        limit: query.limit,
        after: query.after,
    };
    let (limit, after) = page.bounds()?;
    let request = ListOrdersRequest {
        caller: Some(caller),
        limit,
        after,
        auction_id,
    };
    let answer = gateway.upstreams.orders.list_orders(request).await?;
    let orders = answer
        .into_inner()
        .orders
        .into_iter()
        .map(Order::try_from)
        .collect::<Result<Vec<_>, _>>()?;
    let next_after = next_after(&orders, limit, |order| &order.id);
    Ok(Json(Orders { orders, next_after }))
}

/// An order
#[utoipa::path(
    get, path = "/v1/orders/{id}", tag = "orders",
    params(("id" = String, Path, description = "The order")),
    responses((status = 200, description = "The order", body = Order)),
    security(("bearer" = [])),
)]
pub(crate) async fn get_order(
    State(mut gateway): State<Gateway>,
    Reader(caller): Reader,
    Id(order_id): Id,
) -> Result<Json<Order>, ErrorResponse> {
    let request = GetOrderRequest {
        caller: Some(caller),
        order_id,
    };
    let order = gateway.upstreams.orders.get_order(request).await?;
    Ok(Json(order.into_inner().try_into()?))
}
