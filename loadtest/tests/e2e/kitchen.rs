//! Restaurants of a test's own, which nobody else's auctions reach: only they cook the dish.

use crate::{play::newcomer, stack::Stack};
use loadtest::client::{
    DishOrder, MenuItem, Money, OpenAuction, Place, PutRestaurant, Role, Session,
};
use std::time::Duration;
use uuid::Uuid;

/// Between one bid and the next.
const PAUSE: Duration = Duration::from_millis(150);

/// The restaurants of one auction and the dish that only they cook.
pub(crate) struct Kitchen {
    dish: String,
    pub(crate) restaurants: Vec<Session>,
}

// === impl Kitchen ===

impl Kitchen {
    /// So many restaurants, each with an account of its own.
    pub(crate) async fn open(stack: &Stack, size: usize) -> Self {
        let dish = format!("접시 {}", Uuid::now_v7().simple());
        let mut restaurants = Vec::new();
        for turn in 0..size {
            let owner = newcomer(stack, Role::Restaurant).await;
            owner
                .put_restaurant(&PutRestaurant {
                    name: format!("시험 식당 {}", turn + 1),
                    place: place(),
                    delivery_radius_m: 2_000,
                    menu: vec![MenuItem {
                        dish: dish.clone(),
                        list_price: Money::won(20_000),
                    }],
                })
                .await
                .expect("a restaurant");
            restaurants.push(owner);
        }
        Self { dish, restaurants }
    }

    /// An auction of their dish.
    pub(crate) fn request(&self, payment_method: &str) -> OpenAuction {
        OpenAuction {
            dishes: vec![DishOrder {
                dish: self.dish.clone(),
                quantity: 1,
            }],
            place: place(),
            ceiling_price: Money::won(20_000),
            minimum_step: Some(Money::won(100)),
            duration_ms: 2_500,
            coupon_code: String::new(),
            points_to_use: 0,
            payment_method: payment_method.to_owned(),
        }
    }

    /// Each restaurant bids once, in turn. Returns the traces of the bids.
    pub(crate) async fn bid_down(&self, auction_id: &str, prices: &[i64]) -> Vec<String> {
        let mut traces = Vec::new();
        for (restaurant, price) in self.restaurants.iter().zip(prices) {
            let placed = restaurant.place_bid(auction_id, Money::won(*price)).await;
            traces.push(placed.expect("a good bid").trace_id);
            tokio::time::sleep(PAUSE).await;
        }
        traces
    }
}

fn place() -> Place {
    Place {
        latitude: 37.5636,
        longitude: 126.9976,
        address: "서울특별시 중구 충무로 2".to_owned(),
    }
}
