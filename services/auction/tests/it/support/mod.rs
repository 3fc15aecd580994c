//! A fixture with one auction, as most tests need it.

pub(crate) mod grpc;

use std::sync::Arc;

use auction::auctioneer::{Auctioneer, Offer};
use auction::domain::opening::{Opening, Request as Asked};
use auction::domain::{Dish, Eligible, Place};
use auction::store::{self, MIGRATIONS};
use chassis::Failure;
use chassis::clock::Clock;
use chassis::database::Database;
use chassis::idempotency::{Claim, METADATA_KEY};
use chassis::money::Money;
use chassis::testing::{self, TestDatabase};
use sqlx::Row as _;

pub(crate) const CUSTOMER: &str = "customer";
pub(crate) const CEILING: i64 = 20_000;
pub(crate) const STEP: i64 = 50;
pub(crate) const DURATION: i64 = 60_000;

/// A fixture over a database of its own, and the clock that it goes by.
pub(crate) struct Fixture {
    pub(crate) auctioneer: Arc<Auctioneer>,
    pub(crate) database: TestDatabase,
    pub(crate) clock: Clock,
}

/// One fixture on each engine.
pub(crate) async fn fixtures() -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    for database in testing::databases("auction", &MIGRATIONS).await {
        fixtures.push(Fixture::over(database).await);
    }
    fixtures
}

/// One fixture on SQLite, for what does not depend on the engine.
pub(crate) async fn fixture() -> Fixture {
    Fixture::over(testing::sqlite("auction", &MIGRATIONS).await).await
}

/// One fixture on PostgreSQL, for tests that capture spans: those belong to the test's thread, and SQLite's driver lets go
/// of them on a thread of its own, where their parents are not found.
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

    /// The fixture again, as after a restart of its process.
    pub(crate) async fn restarted(&self) -> Arc<Auctioneer> {
        let database = Database::open(&self.database.url, "auction", &MIGRATIONS)
            .await
            .expect("the same database");
        Auctioneer::start(database, self.clock.clone())
            .await
            .expect("an auctioneer")
    }

    /// Opens an auction in which the restaurants 0 to `restaurants` may bid.
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

    /// Has a restaurant bid.
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

    /// Lets the deadline come and ends what is due.
    pub(crate) async fn end(&self) {
        self.clock.advance(DURATION);
        let failed = auction::closing::end_due(&self.auctioneer).await;
        assert_eq!(failed.expect("ended"), 0);
    }

    /// The prices of the accepted bids, in the order of their acceptance.
    pub(crate) async fn prices(&self, auction_id: &str) -> Vec<i64> {
        sqlx::query("SELECT price_minor FROM bids WHERE auction_id = $1 ORDER BY id")
            .bind(auction_id)
            .fetch_all(self.database.pool())
            .await
            .expect("bids")
            .iter()
            .map(|row| row.get("price_minor"))
            .collect()
    }

    /// The events in the outbox after the opening: subject and body, in their order.
    pub(crate) async fn events(&self) -> Vec<(String, serde_json::Value)> {
        sqlx::query(
            "SELECT subject, body FROM outbox WHERE subject <> 'events.auction.opened' ORDER BY id",
        )
        .fetch_all(self.database.pool())
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

    /// How many awards were ever made in an auction, and how many of them stand.
    pub(crate) async fn awards(&self, auction_id: &str) -> (usize, usize) {
        let rows = sqlx::query("SELECT revoked_at_ms FROM awards WHERE auction_id = $1")
            .bind(auction_id)
            .fetch_all(self.database.pool())
            .await
            .expect("awards");
        let standing = rows
            .iter()
            .filter(|row| row.get::<Option<i64>, _>("revoked_at_ms").is_none())
            .count();
        (rows.len(), standing)
    }

    /// The auction as it stands.
    pub(crate) async fn snapshot(&self, auction_id: &str) -> auction::domain::Snapshot {
        store::snapshots::one(&self.database, auction_id)
            .await
            .expect("the database")
            .expect("the auction")
    }
}

pub(crate) fn restaurant(number: usize) -> Eligible {
    Eligible {
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

/// The claim of a request with this idempotency key, if any.
pub(crate) fn claim(account_id: &str, key: Option<&str>) -> Claim {
    let mut request = tonic::Request::new(());
    if let Some(key) = key {
        request
            .metadata_mut()
            .insert(METADATA_KEY, key.parse().expect("ASCII"));
    }
    Claim::new(account_id, "test", &request).expect("a claim")
}
