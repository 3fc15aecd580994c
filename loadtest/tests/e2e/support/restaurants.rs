//! Restaurants of a test's own. No other restaurant serves their dish, so no other can bid in the test's auctions.

use std::time::Duration;

use loadtest::client::{
    DishOrder, MenuItem, Money, OpenAuction, Place, PutRestaurant, Role, Session,
};
use uuid::Uuid;

use super::auctions::new_account;
use super::stack::Stack;

/// The pause between two bids.
const PAUSE: Duration = Duration::from_millis(150);

/// Restaurants that serve a dish which no other restaurant serves.
pub(crate) struct RestaurantGroup {
    dish: String,
    /// Their accounts, logged in.
    pub(crate) sessions: Vec<Session>,
}

// === impl RestaurantGroup ===

impl RestaurantGroup {
    /// Creates so many restaurants, each with its own account.
    pub(crate) async fn create(stack: &Stack, size: usize) -> Self {
        let dish = format!("접시 {}", Uuid::now_v7().simple());
        let mut sessions = Vec::new();
        for index in 0..size {
            let owner = new_account(stack, Role::Restaurant).await;
            owner
                .put_restaurant(&PutRestaurant {
                    name: format!("시험 식당 {}", index + 1),
                    place: place(),
                    delivery_radius_m: 2_000,
                    menu: vec![MenuItem {
                        dish: dish.clone(),
                        list_price: Money::won(20_000),
                    }],
                })
                .await
                .expect("a restaurant");
            sessions.push(owner);
        }
        Self { dish, sessions }
    }

    /// A request that opens an auction for their dish.
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

    /// Each restaurant places one bid, one after the other. Returns the traces of the bids.
    pub(crate) async fn bid_down(&self, auction_id: &str, prices: &[i64]) -> Vec<String> {
        let mut traces = Vec::new();
        for (restaurant, price) in self.sessions.iter().zip(prices) {
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
