use std::sync::Arc;

use api::catalog::catalog_server::Catalog as _;
use api::catalog::{GetRestaurantRequest, PutRestaurantRequest};
use api::common::Role;
use chassis::Failure;
use chassis::testing::with_key;
use tonic::{Request, Response};

use crate::support::{caller, place, profile, put, services};

const DISHES: [&str; 3] = ["김치찌개", "된장찌개", "제육볶음"];

fn own(account_id: &str) -> GetRestaurantRequest {
    GetRestaurantRequest {
        caller: caller(account_id, Role::Restaurant),
        restaurant_id: String::new(),
    }
}

#[tokio::test]
async fn an_account_has_one_restaurant_which_later_calls_replace() {
    for (service, _database) in services().await {
        let seoul = || place(37.5665, 126.9780);
        let first = put(&service, profile("a1", seoul(), 3_000, &DISHES))
            .await
            .expect("made");
        let second = put(
            &service,
            profile("a1", place(37.5, 127.0), 2_000, &DISHES[..1]),
        )
        .await
        .expect("replaced");
        assert_eq!(second.id, first.id);
        assert_eq!(second.menu.len(), 1);

        let get = async |request| {
            service
                .get_restaurant(Request::new(request))
                .await
                .map(Response::into_inner)
                .map_err(|status| Failure::from(status).code.into_owned())
        };
        assert_eq!(get(own("a1")).await, Ok(second.clone()));
        let by_id = GetRestaurantRequest {
            caller: None,
            restaurant_id: first.id,
        };
        assert_eq!(get(by_id).await, Ok(second));
        let unknown = Err("catalog.unknown_restaurant".to_owned());
        assert_eq!(get(own("a2")).await, unknown);
        let nobodys = GetRestaurantRequest {
            caller: None,
            restaurant_id: String::new(),
        };
        assert_eq!(get(nobodys).await, Err("caller.missing".to_owned()));
    }
}

#[tokio::test]
async fn a_menu_keeps_its_order_its_names_and_its_prices() {
    for (service, _database) in services().await {
        let mut request = profile("a1", place(37.5665, 126.9780), 3_000, &DISHES);
        for (item, price) in request.menu.iter_mut().zip([9_000, 8_500, 11_000]) {
            item.list_price.as_mut().expect("a price").amount_minor = price;
        }
        let menu = request.menu.clone();
        put(&service, request).await.expect("made");
        let stored = service.get_restaurant(Request::new(own("a1"))).await;
        assert_eq!(stored.expect("there").into_inner().menu, menu);
    }
}

#[tokio::test]
async fn the_largest_menu_fits() {
    for (service, _database) in services().await {
        let names: Vec<String> = (0..200).map(|n| format!("dish {n}")).collect();
        let dishes: Vec<&str> = names.iter().map(String::as_str).collect();
        let request = profile("a1", place(37.5665, 126.9780), 3_000, &dishes);
        put(&service, request).await.expect("made");
        let stored = service.get_restaurant(Request::new(own("a1"))).await;
        assert_eq!(stored.expect("there").into_inner().menu.len(), 200);
    }
}

#[tokio::test]
async fn only_restaurants_have_a_restaurant() {
    for (service, _database) in services().await {
        for role in [Role::Customer, Role::Admin] {
            let request = PutRestaurantRequest {
                caller: caller("a1", role),
                ..profile("a1", place(37.5665, 126.9780), 3_000, &DISHES)
            };
            let failure = put(&service, request).await.expect_err("another role");
            assert_eq!(failure.code, "caller.role");
        }
    }
}

#[tokio::test]
async fn of_many_first_calls_at_once_one_restaurant_comes() {
    for (service, _database) in services().await {
        let service = Arc::new(service);
        let calls: Vec<_> = (1..=20_usize)
            .map(|n| {
                let service = service.clone();
                tokio::spawn(async move {
                    let radius = u32::try_from(n * 100).expect("small");
                    let dishes = &DISHES[..=n % 3];
                    put(
                        &service,
                        profile("a1", place(37.5665, 126.9780), radius, dishes),
                    )
                    .await
                    .expect("put")
                })
            })
            .collect();
        let mut answers = Vec::new();
        for call in calls {
            answers.push(call.await.expect("ran"));
        }
        let stored = service
            .get_restaurant(Request::new(own("a1")))
            .await
            .expect("there")
            .into_inner();
        assert!(answers.iter().all(|answer| answer.id == stored.id));
        assert!(
            answers.contains(&stored),
            "what is stored is one call's restaurant, not a mixture: {stored:?}"
        );
    }
}

#[tokio::test]
async fn a_key_gives_the_same_answer_and_refuses_another_body() {
    for (service, _database) in services().await {
        let request = |radius| {
            let profile = profile("a1", place(37.5665, 126.9780), radius, &DISHES);
            with_key(profile, "key-1")
        };
        let first = service.put_restaurant(request(1_000)).await.expect("made");
        // Replaces the restaurant, so that a second write with the key would be noticed.
        put(
            &service,
            profile("a1", place(37.5665, 126.9780), 2_000, &DISHES),
        )
        .await
        .expect("replaced");
        let second = service.put_restaurant(request(1_000)).await;
        assert_eq!(
            second.expect("the same answer").into_inner(),
            first.into_inner()
        );
        let status = service
            .put_restaurant(request(3_000))
            .await
            .expect_err("another body");
        assert_eq!(Failure::from(status).code, "idempotency.key_reused");
        let stored = service.get_restaurant(Request::new(own("a1"))).await;
        assert_eq!(stored.expect("there").into_inner().delivery_radius_m, 2_000);
    }
}
