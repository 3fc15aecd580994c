//! The JSON types of the API: snake case, money in minor units, times in Unix milliseconds. They are separate from the
//! services' types, so that each can change without the other.

pub(crate) mod account;
pub(crate) mod auction;
pub(crate) mod notification;
pub(crate) mod order;
pub(crate) mod restaurant;
pub(crate) mod reward;

use ::api::common;
use chassis::Failure;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An amount of money.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount_minor": 18500, "currency": "KRW"}))]
pub(crate) struct Money {
    /// In the currency's minor unit; the won has none, so 1 is 1 won.
    amount_minor: i64,
    /// ISO 4217.
    #[schema(min_length = 3, max_length = 3)]
    currency: String,
}

/// A WGS 84 position.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"latitude": 37.5563, "longitude": 126.9236, "address": "서울 마포구 어울마당로 1"}))]
pub(crate) struct Place {
    /// Degrees north.
    #[schema(minimum = -90, maximum = 90)]
    latitude: f64,
    /// Degrees east.
    #[schema(minimum = -180, maximum = 180)]
    longitude: f64,
    /// For people; no rule reads it.
    #[serde(default)]
    address: String,
}

/// A dish by its menu name, and how many.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"dish": "김치찌개", "quantity": 2}))]
pub(crate) struct DishOrder {
    /// As menus name it.
    dish: String,
    /// At least one.
    #[schema(minimum = 1)]
    quantity: u32,
}

/// A field that a service's response must have. A response without it is a defect.
pub(crate) fn required<T>(value: Option<T>, field: &'static str) -> Result<T, Failure> {
    value.ok_or_else(|| Failure::internal(format!("a service's answer lacks {field}")))
}

/// A text field of a gRPC message, in which an empty string stands for no value.
fn present(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

impl From<Money> for common::Money {
    fn from(money: Money) -> Self {
        Self {
            amount_minor: money.amount_minor,
            currency: money.currency,
        }
    }
}

impl From<common::Money> for Money {
    fn from(money: common::Money) -> Self {
        Self {
            amount_minor: money.amount_minor,
            currency: money.currency,
        }
    }
}

impl From<Place> for common::Place {
    fn from(place: Place) -> Self {
        Self {
            latitude: place.latitude,
            longitude: place.longitude,
            address: place.address,
        }
    }
}

impl From<common::Place> for Place {
    fn from(place: common::Place) -> Self {
        Self {
            latitude: place.latitude,
            longitude: place.longitude,
            address: place.address,
        }
    }
}

impl From<DishOrder> for common::DishOrder {
    fn from(order: DishOrder) -> Self {
        Self {
            dish: order.dish,
            quantity: order.quantity,
        }
    }
}

impl From<common::DishOrder> for DishOrder {
    fn from(order: common::DishOrder) -> Self {
        Self {
            dish: order.dish,
            quantity: order.quantity,
        }
    }
}

/// The `after` of the next page: the id of the last item, when this page has as many items as requested.
pub(crate) fn next_after<T>(items: &[T], limit: u32, id: impl Fn(&T) -> &str) -> Option<String> {
    let full = u32::try_from(items.len()).is_ok_and(|length| length >= limit);
    items
        .last()
        .filter(|_| full)
        .map(|last| id(last).to_owned())
}
