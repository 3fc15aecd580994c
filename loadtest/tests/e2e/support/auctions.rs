//! Accounts and auctions of a test's own. Requests that fail are retried with the same idempotency key, as a good client
//! does.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use http::Method;
use loadtest::client::{
    Auction, AuctionState, CallError, Money, Notification, OpenAuction, Order, OrderState, Reply,
    Role, Session, SignUp,
};
use loadtest::scenario::PlannedAuction;
use loadtest::seed::Accounts;
use serde_json::json;
use uuid::Uuid;

use super::stack::{Retried, Stack, eventually, retry};

/// The points that the customer gets, and uses in the auction.
pub(crate) const POINTS: i64 = 500;

/// Maximum time of everything after the deadline. An event whose consumer was killed is redelivered after half a minute.
pub(crate) const SETTLE_LIMIT: Duration = Duration::from_secs(100);

/// An auction with its accepted bids.
pub(crate) struct BidAuction {
    /// The customer, who has no other auction.
    pub(crate) customer: Session,
    /// The auction at its opening.
    pub(crate) auction: Auction,
    /// The traces of the attempts to open it.
    pub(crate) opening_traces: Vec<String>,
    /// The accepted bids, highest first.
    pub(crate) bids: Vec<AcceptedBid>,
}

/// A bid that was accepted.
pub(crate) struct AcceptedBid {
    pub(crate) price: i64,
    /// The traces of the attempts to place it.
    pub(crate) traces: Vec<String>,
}

/// An auction after its settlement.
pub(crate) struct SettledAuction {
    /// The auction at the end.
    pub(crate) auction: Auction,
    /// All of its orders.
    pub(crate) orders: Vec<Order>,
    /// How many notifications of each kind the customer got.
    pub(crate) notifications: BTreeMap<String, usize>,
    /// The trace of the opening, as the last event of the stream names it.
    pub(crate) trace_id: String,
}

/// A new account that is logged in.
pub(crate) async fn new_account(stack: &Stack, role: Role) -> Session {
    let key = Uuid::now_v7().to_string();
    let account = SignUp {
        email: format!("{key}@e2e.bidtrace.example"),
        password: Uuid::now_v7().to_string(),
        name: "End to End".to_owned(),
        role,
    };
    retry(|| {
        stack
            .gateway
            .call(Method::POST, "/v1/accounts")
            .idempotency_key(&key)
            .json::<serde_json::Value>(&account)
    })
    .await
    .expect("sign-up");
    eventually(Duration::from_secs(30), "login", || async {
        stack
            .gateway
            .log_in(&account.email, &account.password)
            .await
            .ok()
    })
    .await
}

/// A new customer with points.
pub(crate) async fn customer_with_points(stack: &Stack, accounts: &Accounts) -> Session {
    let customer = new_account(stack, Role::Customer).await;
    let admin = accounts.admin.as_ref().expect("the stack has an admin");
    let grant =
        json!({"account_id": customer.account.id, "points": POINTS, "reason": "end to end"});
    let key = Uuid::now_v7().to_string();
    retry(|| {
        admin
            .call(Method::POST, "/v1/admin/points")
            .idempotency_key(&key)
            .json::<serde_json::Value>(&grant)
    })
    .await
    .expect("points granted");
    customer
}

/// An auction for restaurants of the seed, with points and this payment method.
pub(crate) fn plan(index: u64, duration: Duration, payment_method: &str) -> PlannedAuction {
    let mut plan = PlannedAuction::new(index, 1, 3, duration);
    plan.request.points_to_use = POINTS;
    payment_method.clone_into(&mut plan.request.payment_method);
    plan
}

/// Opens the auction and places its bids, each at its time or as soon after as it is accepted.
pub(crate) async fn run(
    customer: Session,
    accounts: &Accounts,
    plan: &PlannedAuction,
) -> BidAuction {
    let opened = open(&customer, &plan.request).await;
    let opening_traces = opened.traces.clone();
    let auction = opened.expect("the opening").value;
    let opened_at = tokio::time::Instant::now();
    let mut bids = Vec::new();
    for bid in &plan.bids {
        tokio::time::sleep_until(opened_at + bid.after).await;
        let restaurant = &accounts.restaurants[bid.restaurant];
        let placed = place(restaurant, &auction.id, bid.price.clone()).await;
        match placed.result {
            Ok(_) => bids.push(AcceptedBid {
                price: bid.price.amount_minor,
                traces: placed.traces,
            }),
            Err(error) => assert_eq!(
                error.code(),
                "auction.deadline_passed",
                "a bid was refused: {error}"
            ),
        }
    }
    BidAuction {
        customer,
        auction,
        opening_traces,
        bids,
    }
}

pub(crate) async fn open(customer: &Session, request: &OpenAuction) -> Retried<Auction> {
    let key = Uuid::now_v7().to_string();
    retry(|| {
        customer
            .call(Method::POST, "/v1/auctions")
            .idempotency_key(&key)
            .json(request)
    })
    .await
}

async fn place(restaurant: &Session, auction_id: &str, price: Money) -> Retried<serde_json::Value> {
    let key = Uuid::now_v7().to_string();
    let path = format!("/v1/auctions/{auction_id}/bids");
    let body = json!({ "price": price });
    retry(|| {
        restaurant
            .call(Method::POST, path.clone())
            .idempotency_key(&key)
            .json(&body)
    })
    .await
}

impl BidAuction {
    /// Waits until the order is confirmed and the customer has all notifications.
    pub(crate) async fn settled(&self, declined: usize) -> SettledAuction {
        let id = &self.auction.id;
        let orders = eventually(SETTLE_LIMIT, "a confirmed order", || async {
            let orders = self.customer.orders(id).await.ok()?;
            orders
                .iter()
                .any(|order| order.state == OrderState::Confirmed)
                .then_some(orders)
        })
        .await;
        let expected = expected_notifications(declined);
        let what = format!("the notifications {expected:?}");
        let notifications = eventually(SETTLE_LIMIT, &what, || async {
            let notifications = count(&self.customer.notifications().await.ok()?, id);
            expected
                .iter()
                .all(|(kind, times)| notifications.get(kind) >= Some(times))
                .then_some(notifications)
        })
        .await;
        let auction = eventually(SETTLE_LIMIT, "the auction", || async {
            self.customer.auction(id).await.ok()
        })
        .await
        .value;
        let trace_id = eventually(SETTLE_LIMIT, "the last event", || async {
            let mut watch = self.customer.watch(id).await.ok()?;
            let event = watch.next().await.ok()??;
            event.trace_id().map(str::to_owned)
        })
        .await;
        SettledAuction {
            auction,
            orders,
            notifications,
            trace_id,
        }
    }
}

impl SettledAuction {
    /// Asserts that the right bid was awarded and settled, and that everything happened exactly once.
    pub(crate) fn assert_exactly_once(&self, auction: &BidAuction, declined: usize) {
        assert_eq!(self.auction.state, AuctionState::Awarded);
        let award = self.auction.award.as_ref().expect("an award stands");
        let mut prices: Vec<i64> = auction.bids.iter().map(|bid| bid.price).collect();
        prices.sort_unstable();
        assert!(
            prices.len() > declined,
            "too few bids were accepted: {prices:?}"
        );
        assert_eq!(
            award.bid.price.amount_minor, prices[declined],
            "the lowest bid whose payment was not declined wins, of {prices:?}"
        );
        let in_state = |state| {
            self.orders
                .iter()
                .filter(|order| order.state == state)
                .count()
        };
        assert_eq!(
            (
                in_state(OrderState::Confirmed),
                in_state(OrderState::Failed),
                self.orders.len()
            ),
            (1, declined, 1 + declined),
            "{:?}",
            self.orders
        );
        let confirmed = self
            .orders
            .iter()
            .find(|order| order.state == OrderState::Confirmed)
            .expect("one is confirmed");
        assert_eq!(
            confirmed.award_id, award.id,
            "the award that stands is the settled one"
        );
        assert_eq!(self.notifications, expected_notifications(declined));
    }
}

/// How many notifications of each kind the customer must get.
pub(crate) fn expected_notifications(declined: usize) -> BTreeMap<String, usize> {
    let mut expected = BTreeMap::from([
        ("auction.opened".to_owned(), 1),
        ("auction.awarded".to_owned(), 1 + declined),
        ("order.confirmed".to_owned(), 1),
    ]);
    if declined > 0 {
        expected.insert("auction.award_revoked".to_owned(), declined);
        expected.insert("order.failed".to_owned(), declined);
    }
    expected
}

fn count(notifications: &[Notification], auction_id: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for notification in notifications
        .iter()
        .filter(|notification| notification.auction_id == auction_id)
    {
        *counts.entry(notification.kind.clone()).or_default() += 1;
    }
    counts
}

/// Waits until the customer has a notification of this kind.
pub(crate) async fn notification(customer: &Session, kind: &str) -> Notification {
    eventually(
        SETTLE_LIMIT,
        &format!("the notification {kind}"),
        || async {
            let notifications = customer.notifications().await.ok()?;
            notifications
                .into_iter()
                .find(|notification| notification.kind == kind)
        },
    )
    .await
}

/// Waits until the customer has exactly the earned points and none reserved, and asserts that they were earned once.
pub(crate) async fn wait_for_points(customer: &Session, paid: i64) {
    const PAID_PER_POINT: i64 = 100;
    let earned = paid / PAID_PER_POINT;
    let balance: Reply<_> = eventually(SETTLE_LIMIT, &format!("{earned} points"), || async {
        let balance = customer.rewards().await.ok()?;
        (balance.value.points == earned && balance.value.points_reserved == 0).then_some(balance)
    })
    .await;
    let credits = balance
        .value
        .recent
        .iter()
        .filter(|entry| entry.points == earned)
        .count();
    assert_eq!(credits, 1, "{:?}", balance.value.recent);
}

/// The code of the error that the call must have failed with.
pub(crate) fn error_code<T: Debug>(result: Result<Reply<T>, CallError>) -> String {
    result.expect_err("refused").code().to_owned()
}
