//! The fixture of the tests: settlements with a database, a real payment provider and stand-ins for reward and auction.

pub(crate) mod partners;

use std::net::SocketAddr;
use std::time::Duration;

use ::api::events::{Amount, AuctionAwarded, Event as _};
use chassis::broker::{Handler as _, Received};
use chassis::clock::Clock;
use chassis::database::Database;
use chassis::testing::{self, TestDatabase};
use order::MIGRATIONS;
use order::domain::Order;
use order::events::AwardHandler;
use order::partners::{Partners, PaymentProvider};
use order::settlement::Settlements;
use order::store::Store;
use payment::api::Provider;
use sqlx::Row as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::partners::StandIn;

/// The time-out of the tests.
pub(crate) const TIME_OUT: Duration = Duration::from_secs(20);

/// Shorter than in production, so that tests with a stalling provider are fast.
const PAYMENT_TIME_OUT: Duration = Duration::from_millis(300);

pub(crate) struct Fixture {
    pub(crate) database: TestDatabase,
    pub(crate) store: Store,
    pub(crate) stand_in: StandIn,
    pub(crate) settlements: Settlements,
    payments: TestDatabase,
    addresses: Addresses,
}

/// The addresses of the other services.
#[derive(Clone, Copy)]
pub(crate) struct Addresses {
    grpc: SocketAddr,
    payment: SocketAddr,
}

/// A fixture on each engine.
pub(crate) async fn fixtures() -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    for database in testing::databases("order", &MIGRATIONS).await {
        fixtures.push(Fixture::over(database).await);
    }
    fixtures
}

/// A fixture on SQLite, for tests that do not depend on the engine.
pub(crate) async fn fixture() -> Fixture {
    Fixture::over(testing::sqlite("order", &MIGRATIONS).await).await
}

/// A fixture on PostgreSQL, for tests that capture spans. The capture is per thread, and SQLite's driver closes spans on a
/// thread of its own.
pub(crate) async fn traced_fixture() -> Fixture {
    Fixture::over(testing::postgres("order", &MIGRATIONS).await).await
}

/// An award whose price is 18 500 won.
pub(crate) fn award(payment_method: &str) -> AuctionAwarded {
    AuctionAwarded {
        auction_id: Uuid::now_v7().to_string(),
        award_id: Uuid::now_v7().to_string(),
        replaces_award_id: None,
        bid_id: Uuid::now_v7().to_string(),
        restaurant_id: "restaurant".to_owned(),
        restaurant_account_id: "account-of-the-restaurant".to_owned(),
        restaurant_name: "한강치킨".to_owned(),
        customer_account_id: "customer".to_owned(),
        price: Amount {
            amount_minor: 18_500,
            currency: "KRW".to_owned(),
        },
        coupon_code: String::new(),
        points_to_use: 0,
        payment_method: payment_method.to_owned(),
    }
}

/// The event as the broker delivers it.
pub(crate) fn received(event: &AuctionAwarded) -> Received {
    Received {
        subject: AuctionAwarded::SUBJECT.to_owned(),
        message_id: Uuid::now_v7().to_string(),
        body: serde_json::to_vec(event).expect("JSON"),
    }
}

/// The settlements of one process.
pub(crate) fn settlements(database: &Database, addresses: Addresses) -> Settlements {
    let grpc = |address| chassis::grpc::channel_to(format!("http://{address}")).expect("a URI");
    let payment = format!("http://{}", addresses.payment);
    Settlements::new(
        Store::new(database.clone(), Clock::System),
        Partners::new(
            grpc(addresses.grpc),
            grpc(addresses.grpc),
            PaymentProvider::new(&payment, PAYMENT_TIME_OUT).expect("a URI"),
        ),
        Clock::System,
        CancellationToken::new(),
    )
}

impl Fixture {
    async fn over(database: TestDatabase) -> Self {
        let payments = testing::sqlite("payment", &payment::MIGRATIONS).await;
        let stand_in = StandIn::default();
        let addresses = Addresses {
            grpc: stand_in.serve().await,
            payment: serve_payment(&payments).await,
        };
        Self {
            store: Store::new((*database).clone(), Clock::System),
            settlements: settlements(&database, addresses),
            database,
            stand_in,
            payments,
            addresses,
        }
    }

    pub(crate) fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Delivers the award.
    pub(crate) async fn deliver(&self, award: &AuctionAwarded) {
        let handler = AwardHandler {
            store: self.store.clone(),
            settlements: self.settlements.clone(),
        };
        let delivered = handler.handle(&received(award)).await;
        delivered.expect("the order is stored");
    }

    /// Waits until the order of the award is settled, and returns it.
    pub(crate) async fn settled(&self, award: &AuctionAwarded) -> Order {
        let waiting = async {
            loop {
                let id = self.order_id(award).await;
                let order = self.store.load(&id).await.expect("the order");
                if order.settled_at_ms.is_some() {
                    return order;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let settled = tokio::time::timeout(TIME_OUT, waiting).await;
        settled.expect("the settlement ends in time")
    }

    /// Delivers the award and waits until its order is settled.
    pub(crate) async fn settle(&self, award: &AuctionAwarded) -> Order {
        self.deliver(award).await;
        self.settled(award).await
    }

    pub(crate) async fn order_id(&self, award: &AuctionAwarded) -> String {
        let row = sqlx::query("SELECT id FROM orders WHERE award_id = $1")
            .bind(&award.award_id)
            .fetch_one(self.database.reads())
            .await;
        row.expect("one order").get("id")
    }

    /// The events of an order in the outbox: subject and body.
    pub(crate) async fn events(&self, order: &Order) -> Vec<(String, serde_json::Value)> {
        let rows = sqlx::query("SELECT subject, body FROM outbox ORDER BY id")
            .fetch_all(self.database.reads())
            .await
            .expect("the outbox");
        rows.iter()
            .map(|row| {
                let body: String = row.get("body");
                (
                    row.get("subject"),
                    serde_json::from_str::<serde_json::Value>(&body).expect("JSON"),
                )
            })
            .filter(|(_, body)| body["order_id"] == order.id.as_str())
            .collect()
    }

    /// The status and amount of each payment of an order.
    pub(crate) async fn payments(&self, order: &Order) -> Vec<(String, i64)> {
        let rows = sqlx::query(
            "SELECT status, amount_minor FROM authorisations WHERE idempotency_key = $1",
        )
        .bind(&order.id)
        .fetch_all(self.payments.reads())
        .await
        .expect("the payments");
        rows.iter()
            .map(|row| (row.get("status"), row.get("amount_minor")))
            .collect()
    }
}

async fn serve_payment(payments: &TestDatabase) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let router = payment::api::router(Provider {
        store: payment::store::Store::new((**payments).clone(), Clock::System),
        stall: Duration::from_hours(1),
        shutdown: CancellationToken::new(),
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}
