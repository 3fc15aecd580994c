//! The fixture of the tests: the service without its ports, and events as the broker delivers them.

pub(crate) mod receiver;

use std::time::Duration;

use ::api::common::{Caller, Role};
use ::api::events::{Amount, AuctionAwarded, AuctionOpened, Event, OrderConfirmed};
use ::api::notification::notifications_server::Notifications as _;
use ::api::notification::{ListNotificationsRequest, Notification, PutWebhookRequest};
use chassis::broker::{Handler as _, Received};
use chassis::clock::Clock;
use chassis::testing::{self, TestDatabase};
use notification::MIGRATIONS;
use notification::api::NotificationsApi;
use notification::events::EventHandler;
use notification::store::Store;
use notification::webhooks::Webhooks;
use tokio_util::sync::CancellationToken;
use tonic::Request;
use uuid::Uuid;

/// The time-out of the tests.
pub(crate) const TIME_OUT: Duration = Duration::from_secs(20);

/// A service without its ports.
pub(crate) struct Fixture {
    pub(crate) database: TestDatabase,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) webhooks: Webhooks,
    pub(crate) shutdown: CancellationToken,
}

/// A fixture on each engine.
pub(crate) async fn fixtures() -> Vec<Fixture> {
    let databases = testing::databases("notification", &MIGRATIONS).await;
    databases.into_iter().map(Fixture::over).collect()
}

impl Fixture {
    pub(crate) fn over(database: TestDatabase) -> Self {
        let clock = Clock::manual(1_000_000);
        let store = Store::new((*database).clone(), clock.clone());
        let shutdown = CancellationToken::new();
        let time_out = Duration::from_millis(500);
        Self {
            webhooks: Webhooks::new(store.clone(), time_out, shutdown.clone()),
            store,
            clock,
            database,
            shutdown,
        }
    }

    pub(crate) fn handler(&self) -> EventHandler {
        EventHandler {
            store: self.store.clone(),
            webhooks: self.webhooks.clone(),
            clock: self.clock.clone(),
        }
    }

    pub(crate) async fn deliver(&self, event: &Received) {
        let delivered = self.handler().handle(event).await;
        delivered.expect("it is stored");
    }

    pub(crate) fn api(&self) -> NotificationsApi {
        NotificationsApi {
            store: self.store.clone(),
        }
    }

    pub(crate) async fn listed(&self, account_id: &str) -> Vec<Notification> {
        let request = ListNotificationsRequest {
            caller: Some(caller(account_id)),
            ..ListNotificationsRequest::default()
        };
        let answer = self.api().list_notifications(Request::new(request)).await;
        answer.expect("a list").into_inner().notifications
    }

    pub(crate) async fn put_webhook(&self, account_id: &str, url: &str) {
        let request = PutWebhookRequest {
            caller: Some(caller(account_id)),
            url: url.to_owned(),
        };
        let answer = self.api().put_webhook(Request::new(request)).await;
        answer.expect("the webhook is set");
    }
}

pub(crate) fn caller(account_id: &str) -> Caller {
    Caller {
        account_id: account_id.to_owned(),
        role: Role::Customer.into(),
    }
}

pub(crate) fn received<E: Event>(event: &E) -> Received {
    Received {
        subject: E::SUBJECT.to_owned(),
        message_id: Uuid::now_v7().to_string(),
        body: serde_json::to_vec(event).expect("JSON"),
    }
}

pub(crate) fn opened(eligible: usize) -> AuctionOpened {
    AuctionOpened {
        auction_id: Uuid::now_v7().to_string(),
        customer_account_id: "customer".to_owned(),
        eligible_account_ids: (0..eligible)
            .map(|index| format!("restaurant-{index}"))
            .collect(),
        deadline_ms: 0,
    }
}

pub(crate) fn awarded(award_id: &str) -> AuctionAwarded {
    AuctionAwarded {
        auction_id: "auction".to_owned(),
        award_id: award_id.to_owned(),
        replaces_award_id: None,
        bid_id: "bid".to_owned(),
        restaurant_id: "restaurant".to_owned(),
        restaurant_account_id: "restaurant-0".to_owned(),
        restaurant_name: "한강치킨".to_owned(),
        customer_account_id: "customer".to_owned(),
        price: won(18_500),
        coupon_code: String::new(),
        points_to_use: 0,
        payment_method: "tok_ok".to_owned(),
    }
}

pub(crate) fn confirmed(customer: &str) -> OrderConfirmed {
    OrderConfirmed {
        order_id: Uuid::now_v7().to_string(),
        auction_id: "auction".to_owned(),
        award_id: "award".to_owned(),
        customer_account_id: customer.to_owned(),
        restaurant_account_id: "restaurant-0".to_owned(),
        restaurant_name: "한강치킨".to_owned(),
        paid: won(18_500),
    }
}

fn won(amount_minor: i64) -> Amount {
    Amount {
        amount_minor,
        currency: "KRW".to_owned(),
    }
}
