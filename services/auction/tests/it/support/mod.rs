//! The fixture of the tests: an auctioneer with a database and a manual clock.

pub(crate) mod grpc;

use std::sync::Arc;

use auction::auctioneer::{Auctioneer, Offer};
use auction::domain::opening::{Opening, Request as Asked};
use auction::domain::{Dish, EligibleRestaurant, Place};
use auction::store::{self, MIGRATIONS};
use chassis::Failure;
use chassis::clock::Clock;
use chassis::database::Database;
use chassis::idempotency::Claim;
use chassis::money::Money;
use chassis::testing::{self, TestDatabase};
use sqlx::Row as _;

pub(crate) const CUSTOMER: &str = "customer";
pub(crate) const CEILING: i64 = 20_000;
pub(crate) const STEP: i64 = 50;
pub(crate) const DURATION: i64 = 60_000;

/// An auctioneer, its database and its clock.
pub(crate) struct Fixture {
    pub(crate) auctioneer: Arc<Auctioneer>,
    pub(crate) database: TestDatabase,
    pub(crate) clock: Clock,
}

/// A fixture on each engine.
pub(crate) async fn fixtures() -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    for database in testing::databases("auction", &MIGRATIONS).await {
        fixtures.push(Fixture::over(database).await);
    }
    fixtures
}

/// A fixture on SQLite, for tests that do not depend on the engine.
pub(crate) async fn fixture() -> Fixture {
    Fixture::over(testing::sqlite("auction", &MIGRATIONS).await).await
}

/// A fixture on PostgreSQL, for tests that capture spans. The capture is per thread, and SQLite's driver closes spans on a
/// thread of its own.
pub(crate) async fn traced_fixture() -> Fixture {
    Fixture::over(testing::postgres("auction", &MIGRATIONS).await).await
}

impl Fixture {
    async fn over(database: TestDatabase) -> Self {
        let clock = Clock::manual(1_000_000);
        let auctioneer = Auctioneer::start(database.clone(), clock.clone())
            .await
            .expect("an auctioneer");
        Self {
            auctioneer,
            database,
            clock,
        }
    }

    /// A new auctioneer with the same database, as after a restart.
    pub(crate) async fn restarted(&self) -> Arc<Auctioneer> {
        let database = Database::open(&self.database.url, "auction", &MIGRATIONS)
            .await
            .expect("the same database");
        Auctioneer::start(database, self.clock.clone())
            .await
            .expect("an auctioneer")
    }

    /// Opens an auction for this number of restaurants.
    pub(crate) async fn open(&self, restaurants: usize) -> String {
        let eligible = (0..restaurants).map(restaurant).collect();
        self.auctioneer
            .open(
                CUSTOMER.to_owned(),
                opening(),
                Ok(eligible),
                claim(CUSTOMER, None),
            )
            .await
            .expect("opened")
            .id
    }

    /// Places a bid of a restaurant.
    pub(crate) async fn bid(
        &self,
        auction_id: &str,
        number: usize,
        price: i64,
    ) -> Result<api::auction::Bid, Failure> {
        let account = restaurant(number).account_id;
        self.auctioneer
            .bid(offer(auction_id, &account, price), claim(&account, None))
            .await
    }

    /// Advances the clock to the deadline and ends the auctions that are due.
    pub(crate) async fn end(&self) {
        self.clock.advance(DURATION);
        let failed = auction::closing::end_due(&self.auctioneer).await;
        assert_eq!(failed.expect("ended"), 0);
    }

    /// The prices of the accepted bids, in their order.
    pub(crate) async fn prices(&self, auction_id: &str) -> Vec<i64> {
        sqlx::query("SELECT price_minor FROM bids WHERE auction_id = $1 ORDER BY id")
            .bind(auction_id)
            .fetch_all(self.database.reads())
            .await
            .expect("bids")
            .iter()
            .map(|row| row.get("price_minor"))
            .collect()
    }

    /// The events in the outbox except openings: subject and body, in their order.
    pub(crate) async fn events(&self) -> Vec<(String, serde_json::Value)> {
        sqlx::query(
            "SELECT subject, body FROM outbox WHERE subject <> 'events.auction.opened' ORDER BY id",
        )
        .fetch_all(self.database.reads())
        .await
        .expect("the outbox")
        .iter()
        .map(|row| {
            let body: String = row.get("body");
            (
                row.get("subject"),
                serde_json::from_str(&body).expect("JSON"),
            )
        })
        .collect()
    }

    /// The subjects of [`Fixture::events`].
    pub(crate) async fn subjects(&self) -> Vec<String> {
        self.events()
            .await
            .into_iter()
            .map(|(subject, _)| subject)
            .collect()
    }

    /// The number of awards of an auction, and the number of those that are not revoked.
    pub(crate) async fn awards(&self, auction_id: &str) -> (usize, usize) {
        let rows = sqlx::query("SELECT revoked_at_ms FROM awards WHERE auction_id = $1")
            .bind(auction_id)
            .fetch_all(self.database.reads())
            .await
            .expect("awards");
        let standing = rows
            .iter()
            .filter(|row| row.get::<Option<i64>, _>("revoked_at_ms").is_none())
            .count();
        (rows.len(), standing)
    }

    /// The auction in its current state.
    pub(crate) async fn snapshot(&self, auction_id: &str) -> auction::domain::Snapshot {
        store::snapshots::one(&self.database, auction_id)
            .await
            .expect("the database")
            .expect("the auction")
    }
}

pub(crate) fn restaurant(number: usize) -> EligibleRestaurant {
    EligibleRestaurant {
        account_id: format!("account-{number}"),
        restaurant_id: format!("restaurant-{number}"),
        restaurant_name: format!("한강치킨 {number}호점"),
    }
}

pub(crate) fn opening() -> Opening {
    Asked {
        dishes: vec![Dish {
            dish: "후라이드치킨".to_owned(),
            quantity: 2,
        }],
        place: Some(Place {
            latitude: 37.5663,
            longitude: 126.9779,
            address: "서울 중구 세종대로 110".to_owned(),
        }),
        ceiling: Money::won(CEILING),
        step: Some(Money::won(STEP)),
        duration_ms: u32::try_from(DURATION).expect("in range"),
        coupon_code: "WELCOME".to_owned(),
        points_to_use: 500,
        payment_method: "tok_ok".to_owned(),
    }
    .check()
    .expect("valid")
}

pub(crate) fn offer(auction_id: &str, account_id: &str, price: i64) -> Offer {
    Offer {
        auction_id: auction_id.to_owned(),
        account_id: account_id.to_owned(),
        price: Money::won(price),
    }
}

/// A claim with this idempotency key, if any.
pub(crate) fn claim(account_id: &str, key: Option<&str>) -> Claim {
    let request = match key {
        Some(key) => testing::with_key((), key),
        None => tonic::Request::new(()),
    };
    Claim::new(account_id, "test", &request).expect("a claim")
}
