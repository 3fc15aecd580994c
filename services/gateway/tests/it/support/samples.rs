//! Sample responses of the services.

use api::{account, auction, catalog, common, notification, order, reward};

pub(crate) fn won(amount_minor: i64) -> common::Money {
    common::Money {
        amount_minor,
        currency: "KRW".to_owned(),
    }
}

fn place() -> common::Place {
    common::Place {
        latitude: 37.5563,
        longitude: 126.9236,
        address: "서울 마포구".to_owned(),
    }
}

pub(crate) fn account(id: &str, state: account::AccountState) -> account::Account {
    account::Account {
        id: id.to_owned(),
        email: "minji@example.com".to_owned(),
        name: "김민지".to_owned(),
        role: common::Role::Customer.into(),
        state: state.into(),
        created_at_ms: 1,
    }
}

pub(crate) fn restaurant(id: &str) -> catalog::Restaurant {
    catalog::Restaurant {
        id: id.to_owned(),
        owner_account_id: "a1".to_owned(),
        name: "한강치킨".to_owned(),
        place: Some(place()),
        delivery_radius_m: 3000,
        menu: vec![catalog::MenuItem {
            dish: "후라이드치킨".to_owned(),
            list_price: Some(won(19_000)),
        }],
    }
}

pub(crate) fn bid(id: &str, auction_id: &str, price: common::Money) -> auction::Bid {
    auction::Bid {
        id: id.to_owned(),
        auction_id: auction_id.to_owned(),
        restaurant_id: "r1".to_owned(),
        restaurant_name: "한강치킨".to_owned(),
        price: Some(price),
        placed_at_ms: 2,
    }
}

pub(crate) fn auction(id: &str, state: auction::AuctionState) -> auction::Auction {
    auction::Auction {
        id: id.to_owned(),
        customer_account_id: "c1".to_owned(),
        dishes: vec![common::DishOrder {
            dish: "후라이드치킨".to_owned(),
            quantity: 1,
        }],
        place: Some(place()),
        ceiling_price: Some(won(21_000)),
        minimum_step: Some(won(500)),
        opened_at_ms: 1,
        deadline_ms: 30_001,
        state: state.into(),
        lowest_bid: Some(bid("b1", id, won(18_500))),
        bid_count: 1,
        award: None,
        coupon_code: String::new(),
        points_to_use: 0,
        eligible_restaurants: 3,
    }
}

pub(crate) fn order(id: &str) -> order::Order {
    order::Order {
        id: id.to_owned(),
        auction_id: "au1".to_owned(),
        award_id: "aw1".to_owned(),
        customer_account_id: "c1".to_owned(),
        restaurant_id: "r1".to_owned(),
        price: Some(won(18_500)),
        discount: Some(won(0)),
        state: order::OrderState::Confirmed.into(),
        failure_code: String::new(),
        saga: vec![order::SagaStep {
            step: "reserve".to_owned(),
            outcome: "done".to_owned(),
            at_ms: 3,
        }],
        created_at_ms: 3,
    }
}

pub(crate) fn notification(id: &str) -> notification::Notification {
    notification::Notification {
        id: id.to_owned(),
        account_id: "c1".to_owned(),
        kind: "order.confirmed".to_owned(),
        subject_id: "o1".to_owned(),
        text: "Order confirmed: 한강치킨, 18,500 KRW".to_owned(),
        at_ms: 4,
        auction_id: "au1".to_owned(),
    }
}

pub(crate) fn balance(points: i64) -> reward::Balance {
    reward::Balance {
        points,
        points_reserved: 0,
        recent: vec![reward::LedgerEntry {
            id: "l1".to_owned(),
            points,
            reason: "goodwill".to_owned(),
            at_ms: 5,
        }],
    }
}
