//! Restaurants and their menus.

use ::api::catalog;
use ::api::common::Caller;
use chassis::Failure;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Money, Place, required};

/// What a restaurant says of itself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "한강치킨",
    "place": {"latitude": 37.5271, "longitude": 126.9328, "address": "서울 영등포구 여의동로 330"},
    "delivery_radius_m": 3000,
    "menu": [{"dish": "후라이드치킨", "list_price": {"amount_minor": 19000, "currency": "KRW"}}]
}))]
pub(crate) struct PutRestaurant {
    /// For people.
    name: String,
    /// Where it cooks.
    place: Place,
    /// How far it delivers, in metres.
    #[schema(minimum = 100, maximum = 30_000)]
    delivery_radius_m: u32,
    /// What it cooks: 1 to 200 dishes.
    menu: Vec<MenuItem>,
}

/// A dish and its price.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MenuItem {
    /// Its name, unique on the menu.
    dish: String,
    /// What it costs without an auction.
    list_price: Money,
}

/// A restaurant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Restaurant {
    /// Its id.
    id: String,
    /// The account that it belongs to.
    owner_account_id: String,
    /// For people.
    name: String,
    /// Where it cooks.
    place: Place,
    /// How far it delivers, in metres.
    delivery_radius_m: u32,
    /// What it cooks.
    menu: Vec<MenuItem>,
}

impl PutRestaurant {
    pub(crate) fn of(self, caller: Caller) -> catalog::PutRestaurantRequest {
        catalog::PutRestaurantRequest {
            caller: Some(caller),
            name: self.name,
            place: Some(self.place.into()),
            delivery_radius_m: self.delivery_radius_m,
            menu: self.menu.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<MenuItem> for catalog::MenuItem {
    fn from(item: MenuItem) -> Self {
        Self {
            dish: item.dish,
            list_price: Some(item.list_price.into()),
        }
    }
}

impl TryFrom<catalog::MenuItem> for MenuItem {
    type Error = Failure;

    fn try_from(item: catalog::MenuItem) -> Result<Self, Failure> {
        Ok(Self {
            dish: item.dish,
            list_price: required(item.list_price, "menu_item.list_price")?.into(),
        })
    }
}

impl TryFrom<catalog::Restaurant> for Restaurant {
    type Error = Failure;

    fn try_from(restaurant: catalog::Restaurant) -> Result<Self, Failure> {
        Ok(Self {
            id: restaurant.id,
            owner_account_id: restaurant.owner_account_id,
            name: restaurant.name,
            place: required(restaurant.place, "restaurant.place")?.into(),
            delivery_radius_m: restaurant.delivery_radius_m,
            menu: restaurant
                .menu
                .into_iter()
                .map(MenuItem::try_from)
                .collect::<Result<_, _>>()?,
        })
    }
}
