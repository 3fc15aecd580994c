use api::catalog::catalog_server::Catalog as _;
use api::catalog::{
    FindEligibleRequest, FindEligibleResponse, MenuItem, PutRestaurantRequest, Restaurant,
};
use api::common::{Caller, DishOrder, Money, Place, Role};
use catalog::MIGRATIONS;
use catalog::api::CatalogApi;
use chassis::Failure;
use chassis::clock::Clock;
use chassis::testing::TestDatabase;
use tonic::{Request, Response};

/// The service on each engine, with its database.
pub(crate) async fn services() -> Vec<(CatalogApi, TestDatabase)> {
    chassis::testing::databases("catalog", &MIGRATIONS)
        .await
        .into_iter()
        .map(|database| {
            let clock = Clock::manual(1_700_000_000_000);
            (CatalogApi::new((*database).clone(), clock), database)
        })
        .collect()
}

#[expect(clippy::unnecessary_wraps, reason = "so messages have it")]
pub(crate) fn caller(account_id: &str, role: Role) -> Option<Caller> {
    Some(Caller {
        account_id: account_id.to_owned(),
        role: role.into(),
    })
}

pub(crate) fn place(latitude: f64, longitude: f64) -> Place {
    Place {
        latitude,
        longitude,
        address: String::new(),
    }
}

pub(crate) fn profile(
    owner: &str,
    place: Place,
    delivery_radius_m: u32,
    dishes: &[&str],
) -> PutRestaurantRequest {
    PutRestaurantRequest {
        caller: caller(owner, Role::Restaurant),
        name: format!("식당 {owner}"),
        place: Some(place),
        delivery_radius_m,
        menu: dishes
            .iter()
            .map(|dish| MenuItem {
                dish: (*dish).to_owned(),
                list_price: Some(Money {
                    amount_minor: 9_000,
                    currency: "KRW".to_owned(),
                }),
            })
            .collect(),
    }
}

pub(crate) async fn put(
    service: &CatalogApi,
    request: PutRestaurantRequest,
) -> Result<Restaurant, Failure> {
    service
        .put_restaurant(Request::new(request))
        .await
        .map(Response::into_inner)
        .map_err(Failure::from)
}

pub(crate) fn search(place: Place, dishes: &[&str], limit: u32) -> FindEligibleRequest {
    FindEligibleRequest {
        place: Some(place),
        dishes: dishes
            .iter()
            .map(|dish| DishOrder {
                dish: (*dish).to_owned(),
                quantity: 1,
            })
            .collect(),
        limit,
    }
}

pub(crate) async fn find(
    service: &CatalogApi,
    request: FindEligibleRequest,
) -> Result<FindEligibleResponse, Failure> {
    service
        .find_eligible(Request::new(request))
        .await
        .map(Response::into_inner)
        .map_err(Failure::from)
}
