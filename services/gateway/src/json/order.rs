//! Orders and how they were settled.

use ::api::order;
use chassis::Failure;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Money, present, required};

/// Which orders are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrdersQuery {
    /// Only those of this auction.
    #[param(nullable = false)]
    pub(crate) auction_id: Option<String>,
    /// How many at most: 1 to 100, 50 when not given.
    #[param(minimum = 1, maximum = 100, default = 50, nullable = false)]
    pub(crate) limit: Option<u32>,
    /// The `next_after` of the page before; without it the list starts from its beginning.
    #[param(nullable = false)]
    pub(crate) after: Option<String>,
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Order {
    /// Its id.
    pub(crate) id: String,
    /// The auction that led to it.
    auction_id: String,
    /// The award that it settles.
    award_id: String,
    /// Who ordered.
    customer_account_id: String,
    /// Who cooks.
    restaurant_id: String,
    /// What the winner had bid.
    price: Money,
    /// What coupon and points take off; absent until they are reserved.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    discount: Option<Money>,
    /// Where it stands.
    state: OrderState,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    failure_code: Option<String>,
    /// What was done to settle it, in order.
    saga: Vec<SagaStep>,
    /// Unix milliseconds.
    created_at_ms: i64,
}

/// Where an order stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OrderState {
    /// It is being settled.
    Settling,
    /// It is settled.
    Confirmed,
    /// It could not be settled, and what had been done was undone.
    Failed,
}

/// A step of a settlement.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SagaStep {
    /// What was to be done.
    step: String,
    /// What came of it.
    outcome: String,
    /// Unix milliseconds.
    at_ms: i64,
}

/// A page of orders.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Orders {
    /// The page.
    pub(crate) orders: Vec<Order>,
    /// The `after` of the next page; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) next_after: Option<String>,
}

impl TryFrom<order::Order> for Order {
    type Error = Failure;

    fn try_from(order: order::Order) -> Result<Self, Failure> {
        let state = match order.state() {
            order::OrderState::Settling => Some(OrderState::Settling),
            order::OrderState::Confirmed => Some(OrderState::Confirmed),
            order::OrderState::Failed => Some(OrderState::Failed),
            order::OrderState::Unspecified => None,
        };
        Ok(Self {
            state: required(state, "order.state")?,
            id: order.id,
            auction_id: order.auction_id,
            award_id: order.award_id,
            customer_account_id: order.customer_account_id,
            restaurant_id: order.restaurant_id,
            price: required(order.price, "order.price")?.into(),
            discount: order.discount.map(Into::into),
            failure_code: present(order.failure_code),
            saga: order.saga.into_iter().map(Into::into).collect(),
            created_at_ms: order.created_at_ms,
        })
    }
}

impl From<order::SagaStep> for SagaStep {
    fn from(step: order::SagaStep) -> Self {
        Self {
            step: step.step,
            outcome: step.outcome,
            at_ms: step.at_ms,
        }
    }
}
