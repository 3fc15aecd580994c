//! `bidtrace.order.v1.Orders`.

use api::order::orders_server::Orders;
use api::order::{GetOrderRequest, ListOrdersRequest, ListOrdersResponse, OrderState, SagaStep};
use chassis::money::Money;
use chassis::page::{self, PageSize};
use chassis::{Failure, caller};
use tonic::{Request, Response, Status};

use crate::domain::{Order, State};
use crate::store::{Page, Store};

/// The maximum length of an id.
const MAX_ID: usize = 64;

/// The service over gRPC.
pub struct OrdersApi {
    /// The orders.
    pub store: Store,
}

impl OrdersApi {
    async fn get(&self, request: GetOrderRequest) -> Result<api::order::Order, Failure> {
        let caller = caller::require(request.caller)?;
        id("order_id", &request.order_id, 1)?;
        Ok(self.store.get(&caller, &request.order_id).await?.into())
    }

    async fn list(&self, request: ListOrdersRequest) -> Result<ListOrdersResponse, Failure> {
        let caller = caller::require(request.caller)?;
        id("after", &request.after, 0)?;
        id("auction_id", &request.auction_id, 0)?;
        let limit = PageSize::GRPC.checked("order.bad_limit", page::requested(request.limit))?;
        let page = Page {
            auction_id: present(request.auction_id),
            after: present(request.after),
            limit,
        };
        let orders = self.store.list(&caller, &page).await?;
        Ok(ListOrdersResponse {
            orders: orders.into_iter().map(Into::into).collect(),
        })
    }
}

/// A field of a gRPC message, in which an empty string stands for no value.
fn present(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn id(field: &'static str, value: &str, least: usize) -> Result<(), Failure> {
    if (least..=MAX_ID).contains(&value.len()) {
        return Ok(());
    }
    Err(Failure::invalid(
        "order.bad_id",
        field,
        format!("expected an id of {least} to {MAX_ID} characters"),
    ))
}

#[tonic::async_trait]
impl Orders for OrdersApi {
    async fn get_order(
        &self,
        request: Request<GetOrderRequest>,
    ) -> Result<Response<api::order::Order>, Status> {
        let order = self.get(request.into_inner()).await;
        order.map(Response::new).map_err(Status::from)
    }

    async fn list_orders(
        &self,
        request: Request<ListOrdersRequest>,
    ) -> Result<Response<ListOrdersResponse>, Status> {
        let orders = self.list(request.into_inner()).await;
        orders.map(Response::new).map_err(Status::from)
    }
}

impl From<Order> for api::order::Order {
    fn from(order: Order) -> Self {
        let state = match order.state {
            State::Settling => OrderState::Settling,
            State::Confirmed => OrderState::Confirmed,
            State::Failed => OrderState::Failed,
        };
        let saga = order
            .log
            .entries()
            .map(|(step, entry)| SagaStep {
                step: step.name().to_owned(),
                outcome: entry.outcome.name().to_owned(),
                at_ms: entry.at_ms,
            })
            .collect();
        let discount = Money {
            minor: order.discount_minor,
            currency: order.award.price.currency.clone(),
        };
        Self {
            id: order.id,
            auction_id: order.award.auction_id,
            award_id: order.award.id,
            customer_account_id: order.award.customer_account_id,
            restaurant_id: order.award.restaurant_id,
            price: Some(order.award.price.into()),
            discount: Some(discount.into()),
            state: state.into(),
            failure_code: order.failure_code.unwrap_or_default(),
            saga,
            created_at_ms: order.created_at_ms,
        }
    }
}
