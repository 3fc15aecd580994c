//! An auction that is played with patience: what breaks on the way is sent again with the same key, as a good client
//! does.

use crate::stack::{Persisted, Stack, eventually, persist};
use http::Method;
use loadtest::{
    client::{
        Auction, AuctionState, CallError, Money, Notification, OpenAuction, Order, OrderState,
        Reply, Role, Session, SignUp,
    },
    scenario::Script,
    seed::Cast,
};
use serde_json::json;
use std::{collections::BTreeMap, time::Duration};
use uuid::Uuid;

/// The points that the customer has and uses.
pub(crate) const POINTS: i64 = 500;

/// For how long anything after the deadline may take: an event whose consumer died comes again after half a minute.
pub(crate) const SETTLED: Duration = Duration::from_secs(100);

/// An auction that is under way.
pub(crate) struct Played {
    /// Who opened it; nobody else has an auction with this account.
    pub(crate) customer: Session,
    /// The auction as it opened.
    pub(crate) auction: Auction,
    /// The traces of the attempts to open it.
    pub(crate) opening_traces: Vec<String>,
    /// The accepted bids, from high to low.
    pub(crate) bids: Vec<PlacedBid>,
}

/// A bid that was accepted.
pub(crate) struct PlacedBid {
    pub(crate) price: i64,
    /// The traces of the attempts to place it.
    pub(crate) traces: Vec<String>,
}

/// What the auction came to.
pub(crate) struct Ended {
    /// The auction at the end.
    pub(crate) auction: Auction,
    /// All of its orders.
    pub(crate) orders: Vec<Order>,
    /// How often the customer was told of each kind of event.
    pub(crate) told: BTreeMap<String, usize>,
    /// The trace of the opening that counted, as the award names it.
    pub(crate) trace_id: String,
}

/// A new account that is logged in.
pub(crate) async fn newcomer(stack: &Stack, role: Role) -> Session {
    let key = Uuid::now_v7().to_string();
    let account = SignUp {
        email: format!("{key}@e2e.bidtrace.example"),
        password: Uuid::now_v7().to_string(),
        name: "End to End".to_owned(),
        role,
    };
    persist(|| {
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

/// A customer of its own for one auction, with points to use.
pub(crate) async fn customer_with_points(stack: &Stack, cast: &Cast) -> Session {
    let customer = newcomer(stack, Role::Customer).await;
    let admin = cast.admin.as_ref().expect("the stack has an admin");
    let grant =
        json!({"account_id": customer.account.id, "points": POINTS, "reason": "end to end"});
    let key = Uuid::now_v7().to_string();
    persist(|| {
        admin
            .call(Method::POST, "/v1/admin/points")
            .idempotency_key(&key)
            .json::<serde_json::Value>(&grant)
    })
    .await
    .expect("points granted");
    customer
}

/// What is asked for and who can bid for it: the seed's, with points and this way to pay.
pub(crate) fn script(turn: u64, duration: Duration, payment_method: &str) -> Script {
    let mut script = Script::of(turn, 1, 3, duration);
    script.request.points_to_use = POINTS;
    payment_method.clone_into(&mut script.request.payment_method);
    script
}

/// Opens the auction and places its bids, each at its time or as soon after as the platform lets it.
pub(crate) async fn play(customer: Session, cast: &Cast, script: &Script) -> Played {
    let opened = open(&customer, &script.request).await;
    let opening_traces = opened.traces.clone();
    let auction = opened.expect("the opening").value;
    let opened_at = tokio::time::Instant::now();
    let mut bids = Vec::new();
    for bid in &script.bids {
        tokio::time::sleep_until(opened_at + bid.after).await;
        let restaurant = &cast.restaurants[bid.restaurant];
        let placed = place(restaurant, &auction.id, bid.price.clone()).await;
        match placed.outcome {
            Ok(_) => bids.push(PlacedBid {
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
    Played {
        customer,
        auction,
        opening_traces,
        bids,
    }
}

pub(crate) async fn open(customer: &Session, request: &OpenAuction) -> Persisted<Auction> {
    let key = Uuid::now_v7().to_string();
    persist(|| {
        customer
            .call(Method::POST, "/v1/auctions")
            .idempotency_key(&key)
            .json(request)
    })
    .await
}

async fn place(
    restaurant: &Session,
    auction_id: &str,
    price: Money,
) -> Persisted<serde_json::Value> {
    let key = Uuid::now_v7().to_string();
    let path = format!("/v1/auctions/{auction_id}/bids");
    let body = json!({ "price": price });
    persist(|| {
        restaurant
            .call(Method::POST, path.clone())
            .idempotency_key(&key)
            .json(&body)
    })
    .await
}

impl Played {
    /// Waits until the auction is over, the order confirmed and the customer told of everything.
    pub(crate) async fn ended(&self, declined: usize) -> Ended {
        let id = &self.auction.id;
        let orders = eventually(SETTLED, "a confirmed order", || async {
            let orders = self.customer.orders(id).await.ok()?;
            orders
                .iter()
                .any(|order| order.state == OrderState::Confirmed)
                .then_some(orders)
        })
        .await;
        let wanted = wanted_notices(declined);
        let told = eventually(SETTLED, &format!("the notices {wanted:?}"), || async {
            let notices = self.customer.notifications().await.ok()?;
            let told = count(&notices, id);
            wanted
                .iter()
                .all(|(kind, times)| told.get(kind) >= Some(times))
                .then_some(told)
        })
        .await;
        let auction = eventually(SETTLED, "the auction", || async {
            self.customer.auction(id).await.ok()
        })
        .await
        .value;
        let trace_id = eventually(SETTLED, "the standing event", || async {
            let mut watch = self.customer.watch(id).await.ok()?;
            let event = watch.next().await.ok()??;
            Some(event.trace_id().to_owned())
        })
        .await;
        Ended {
            auction,
            orders,
            told,
            trace_id,
        }
    }
}

impl Ended {
    /// Everything happened exactly once, and it is the right thing.
    pub(crate) fn assert_exactly_once(&self, played: &Played, declined: usize) {
        assert_eq!(self.auction.state, AuctionState::Awarded);
        let award = self.auction.award.as_ref().expect("an award stands");
        let mut prices: Vec<i64> = played.bids.iter().map(|bid| bid.price).collect();
        prices.sort_unstable();
        assert!(
            prices.len() > declined,
            "too few bids were accepted: {prices:?}"
        );
        assert_eq!(
            award.bid.price.amount_minor, prices[declined],
            "the lowest bid whose payment did not decline wins, of {prices:?}"
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
        assert_eq!(self.told, wanted_notices(declined));
    }
}

/// How often the customer is told of each kind of event.
pub(crate) fn wanted_notices(declined: usize) -> BTreeMap<String, usize> {
    let mut wanted = BTreeMap::from([
        ("auction.opened".to_owned(), 1),
        ("auction.awarded".to_owned(), 1 + declined),
        ("order.confirmed".to_owned(), 1),
    ]);
    if declined > 0 {
        wanted.insert("auction.award_revoked".to_owned(), declined);
        wanted.insert("order.failed".to_owned(), declined);
    }
    wanted
}

fn count(notices: &[Notification], auction_id: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for notice in notices
        .iter()
        .filter(|notice| notice.auction_id == auction_id)
    {
        *counts.entry(notice.kind.clone()).or_default() += 1;
    }
    counts
}

/// The customer's points once the settlement is complete: what was earned and nothing set aside.
pub(crate) async fn points_settled(customer: &Session, paid: i64) {
    const PAID_PER_POINT: i64 = 100;
    let earned = paid / PAID_PER_POINT;
    let balance: Reply<_> = eventually(SETTLED, &format!("{earned} points"), || async {
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

/// The code of a refusal.
pub(crate) fn code_of<T: std::fmt::Debug>(outcome: Result<Reply<T>, CallError>) -> String {
    outcome.expect_err("refused").code().to_owned()
}
