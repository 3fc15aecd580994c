use std::collections::BTreeSet;

use api::common::DishOrder;
use catalog::domain::geo::Position;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use unicode_normalization::UnicodeNormalization as _;

use crate::support::{find, place, profile, put, search, services};

const DISHES: [&str; 4] = ["김치찌개", "비빔밥", "떡볶이", "BBQ Chicken"];

#[tokio::test]
async fn a_restaurant_must_be_near_and_cook_every_dish() {
    for (service, _database) in services().await {
        // A hundredth of a degree of latitude is about 1.1 km.
        for (owner, latitude, radius, dishes) in [
            ("near", 37.57, 3_000, &DISHES[..]),
            ("nearer", 37.56, 3_000, &DISHES[..2]),
            ("too-far", 37.60, 3_000, &DISHES[..]),
            ("lacks-a-dish", 37.56, 3_000, &DISHES[1..]),
        ] {
            put(
                &service,
                profile(owner, place(latitude, 126.978), radius, dishes),
            )
            .await
            .expect("put");
        }
        let decomposed: String = "김치찌개".nfd().collect();
        let found = find(
            &service,
            search(
                place(37.55, 126.978),
                &[&decomposed, " 비빔밥 ", "비빔밥"],
                0,
            ),
        )
        .await
        .expect("found")
        .restaurants;
        let owners: Vec<_> = found.iter().map(|r| r.owner_account_id.as_str()).collect();
        assert_eq!(owners, ["nearer", "near"]);
        assert_eq!(found[0].distance_m, 1_112);
        assert_eq!(found[0].name, "식당 nearer");
    }
}

#[tokio::test]
async fn a_new_menu_counts_at_once_and_the_old_one_no_more() {
    for (service, _database) in services().await {
        let here = || place(37.5665, 126.9780);
        let count = async |dish: &str| {
            find(&service, search(here(), &[dish], 0))
                .await
                .expect("found")
                .restaurants
                .len()
        };
        put(&service, profile("a1", here(), 1_000, &["비빔밥"]))
            .await
            .expect("put");
        assert_eq!((count("비빔밥").await, count("떡볶이").await), (1, 0));
        put(&service, profile("a1", here(), 1_000, &["떡볶이"]))
            .await
            .expect("put");
        assert_eq!((count("비빔밥").await, count("떡볶이").await), (0, 1));
    }
}

#[tokio::test]
async fn hundreds_are_found_and_the_limit_keeps_the_nearest() {
    for (service, _database) in services().await {
        for n in 0..300_u32 {
            // Not in the order of their distances.
            let latitude = 37.5 + f64::from(n * 7 % 300) * 0.0001;
            put(
                &service,
                profile(
                    &format!("a{n}"),
                    place(latitude, 127.0),
                    5_000,
                    &DISHES[..1],
                ),
            )
            .await
            .expect("put");
        }
        let find = async |limit| {
            let request = search(place(37.5, 127.0), &DISHES[..1], limit);
            find(&service, request).await.map(|found| found.restaurants)
        };
        let all = find(1_000).await.expect("found");
        assert_eq!(all.len(), 300);
        assert!(all.is_sorted_by_key(|restaurant| restaurant.distance_m));
        assert_eq!(find(0).await.expect("found"), all[..100]);
        assert_eq!(find(3).await.expect("found"), all[..3]);
        assert_eq!(
            find(1_001).await.expect_err("limit").code,
            "catalog.bad_limit"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_searched_is_refused_at_its_field() {
    for (service, _database) in services().await {
        let good = || search(place(37.5, 127.0), &["비빔밥"], 0);
        let refusal = async |change: fn(&mut api::catalog::FindEligibleRequest)| {
            let mut request = good();
            change(&mut request);
            let failure = find(&service, request).await.expect_err("refused");
            (
                failure.code.into_owned(),
                failure.field.expect("a field").into_owned(),
            )
        };
        let expected = |code: &str, field: &str| (code.to_owned(), field.to_owned());
        assert_eq!(
            refusal(|r| r.place = None).await,
            expected("catalog.missing_place", "place")
        );
        assert_eq!(
            refusal(|r| r.place = Some(place(f64::NAN, 0.0))).await,
            expected("catalog.bad_place", "place.latitude")
        );
        assert_eq!(
            refusal(|r| r.dishes.clear()).await,
            expected("catalog.dish_count", "dishes")
        );
        assert_eq!(
            refusal(|r| r.dishes = vec![DishOrder::default(); 51]).await,
            expected("catalog.dish_count", "dishes")
        );
        assert_eq!(
            refusal(|r| r.dishes[0].dish = "\u{0}".to_owned()).await,
            expected("catalog.bad_dish", "dishes[0].dish")
        );
    }
}

/// A position near the antimeridian, near a pole, or in Seoul.
fn somewhere() -> impl Strategy<Value = (f64, f64)> {
    prop_oneof![
        (-0.3..0.3, 179.7..=180.0),
        (-0.3..0.3, -180.0..=-179.7),
        (89.7..=90.0, -180.0..=180.0),
        (37.4..37.7, 126.8..127.2),
    ]
}

#[tokio::test]
async fn the_search_finds_exactly_whom_the_rule_finds() {
    // A fixed seed, so that a failure can be reproduced.
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut point = || {
        let tree = somewhere().new_tree(&mut runner);
        tree.expect("a point").current()
    };
    let restaurants: Vec<(String, (f64, f64), u32)> = (0..250_u32)
        .map(|n| (format!("a{n}"), point(), 100 + n * 7_919 % 29_900))
        .collect();
    let searches: Vec<(f64, f64)> = (0..80).map(|_| point()).collect();
    let mut found_in_all = 0;
    for (service, _database) in services().await {
        for (owner, (latitude, longitude), radius) in &restaurants {
            let at = place(*latitude, *longitude);
            put(&service, profile(owner, at, *radius, &["비빔밥"]))
                .await
                .expect("put");
        }
        for (latitude, longitude) in &searches {
            let here = Position::parse(*latitude, *longitude).expect("in range");
            let expected: BTreeSet<&str> = restaurants
                .iter()
                .filter(|(_, (latitude, longitude), radius)| {
                    let there = Position::parse(*latitude, *longitude).expect("in range");
                    here.distance_m(there) <= f64::from(*radius)
                })
                .map(|(owner, ..)| owner.as_str())
                .collect();
            let request = search(place(*latitude, *longitude), &["비빔밥"], 1_000);
            let found = find(&service, request).await.expect("found").restaurants;
            let found: BTreeSet<&str> = found
                .iter()
                .map(|restaurant| restaurant.owner_account_id.as_str())
                .collect();
            assert_eq!(found, expected, "at {latitude}, {longitude}");
            found_in_all += found.len();
        }
    }
    assert!(found_in_all > 1_000, "only {found_in_all}: too few to tell");
}
