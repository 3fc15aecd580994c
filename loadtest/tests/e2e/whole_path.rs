//! One auction from sign-up to notification over the public API, and its traces in Jaeger.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use http::Method;
use loadtest::client::{AuctionState, Money, OpenAuction, Role, Session};
use loadtest::jaeger::ARRIVAL_LIMIT;
use loadtest::scenario::payment;
use loadtest::traces::{Finding, Span, SpanKind, Stage, Trace};
use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::support::auctions::{self, new_account};
use crate::support::forced::ForcedTrace;
use crate::support::restaurants::RestaurantGroup;
use crate::support::stack;
use crate::support::traces::assert_complete;

/// A request to the webhook.
struct WebhookRequest {
    traceparent: String,
    body: serde_json::Value,
}

#[test]
fn one_auction_from_sign_up_to_notification_is_one_whole_trace() {
    stack::run(async |stack| {
        let accounts = stack.accounts().await;
        let admin = accounts.admin.as_ref().expect("the stack has an admin");
        let customer = auctions::customer_with_points(&stack, accounts).await;
        let restaurants = RestaurantGroup::create(&stack, 5).await;
        let coupon = issue_coupon(admin).await;

        let request = OpenAuction {
            coupon_code: coupon,
            points_to_use: auctions::POINTS,
            ..restaurants.request(payment::AUTHORISED)
        };
        // The customer's first write.
        let opened = customer.open_auction(&request).await.expect("it opens");
        let mut requests = receive_webhooks(&customer).await;
        let auction = opened.value;
        assert_eq!(
            auction.eligible_restaurants, 5,
            "no other restaurant serves the dish"
        );
        let mut watch = customer.watch(&auction.id).await.expect("it is live");
        let bids = restaurants
            .bid_down(&auction.id, &[19_000, 18_000, 17_500, 16_000, 15_500])
            .await;

        let mut live = Vec::new();
        let awarded = loop {
            let event = watch
                .next()
                .await
                .expect("the stream holds")
                .expect("an end");
            assert_eq!(
                event.trace_id().map(str::len),
                Some(32),
                "each event names the trace that caused it"
            );
            live.extend(
                event
                    .auction
                    .lowest_bid
                    .as_ref()
                    .map(|bid| bid.price.amount_minor),
            );
            if event.auction.state != AuctionState::Open {
                break event;
            }
        };
        assert_eq!(awarded.auction.state, AuctionState::Awarded);
        assert_eq!(
            awarded.trace_id(),
            Some(opened.trace_id.as_str()),
            "the award belongs to the opening's trace"
        );
        assert!(
            live.is_sorted_by(|a, b| a >= b) && live.contains(&15_500),
            "{live:?}"
        );

        let notification = auctions::notification(&customer, "order.confirmed").await;
        assert_eq!(notification.auction_id, auction.id);
        assert!(!notification.text.is_empty());
        // The price of 15 500 less a coupon of 1 000 and 500 points.
        auctions::wait_for_points(&customer, 14_000).await;
        let request = confirmation(&mut requests).await;
        assert!(
            request.traceparent.contains(&opened.trace_id),
            "{}",
            request.traceparent
        );

        let trace = assert_complete(&stack, &opened.trace_id, &bids, 0).await;
        let webhook = trace.spans().iter().any(|span| {
            span.service == "notification"
                && span.kind == SpanKind::Client
                && span.attribute("http.request.method").is_some()
        });
        assert!(webhook, "the webhook's request has a span in the trace");
        assert_every_service(&trace);
    });
}

#[test]
fn a_declined_payment_awards_the_next_lowest_bid_in_the_same_trace() {
    stack::run(async |stack| {
        let accounts = stack.accounts().await;
        let customer = auctions::customer_with_points(&stack, accounts).await;
        let plan = auctions::plan(1, Duration::from_millis(1500), payment::DECLINED_ONCE);
        let auction = auctions::run(customer, accounts, &plan).await;
        let settled = auction.settled(1).await;
        settled.assert_exactly_once(&auction, 1);
        let award = settled.auction.award.as_ref().expect("an award stands");
        assert!(award.replaces_award_id.is_some(), "it replaces the first");
        assert!(
            settled
                .orders
                .iter()
                .any(|order| order.failure_code.as_deref() == Some("payment.declined")),
            "{:?}",
            settled.orders
        );
        let bids: Vec<String> = auction
            .bids
            .iter()
            .flat_map(|bid| bid.traces.clone())
            .collect();
        let trace = assert_complete(&stack, &auction.opening_traces[0], &bids, 1).await;
        let awards: Vec<_> = trace
            .spans()
            .iter()
            .filter(|span| Stage::Award.is_shown_by(span))
            .collect();
        let [first, second] = awards.as_slice() else {
            panic!("two awards are expected, not {}", awards.len());
        };
        assert!(
            second.links.iter().any(|link| link.span_id == first.id),
            "the second award links to the first"
        );
    });
}

#[test]
fn a_bid_that_the_rules_reject_is_no_error_and_no_link() {
    stack::run(async |stack| {
        let customer = new_account(&stack, Role::Customer).await;
        let restaurants = RestaurantGroup::create(&stack, 2).await;
        let opened = customer
            .open_auction(&restaurants.request(payment::AUTHORISED))
            .await
            .expect("it opens");
        let bids = restaurants.bid_down(&opened.value.id, &[15_000]).await;
        let load = &stack.accounts().await.load;
        let forced = ForcedTrace::by(load);
        let path = format!("/v1/auctions/{}/bids", opened.value.id);
        let refusal = forced
            .headers(restaurants.sessions[1].write(Method::POST, path))
            .json::<serde_json::Value>(&json!({ "price": Money::won(14_950) }))
            .await
            .expect_err("less than the step below");
        assert_eq!(refusal.code(), "auction.bid_too_high");
        let (trace, findings) = stack
            .jaeger
            .wait_for_trace(&forced.trace_id, ARRIVAL_LIMIT, ForcedTrace::findings)
            .await
            .expect("Jaeger answers");
        assert_eq!(findings, []);
        let failed: Vec<String> = trace
            .spans()
            .iter()
            .filter(|span| span.failed && span.kind == SpanKind::Server)
            .map(Span::label)
            .collect();
        assert_eq!(failed, Vec::<String>::new(), "no server failed");
        // A link to the rejected bid would be a finding.
        assert_complete(&stack, &opened.trace_id, &bids, 0).await;
    });
}

#[test]
fn an_auction_without_bids_expires_in_its_trace() {
    stack::run(async |stack| {
        let customer = new_account(&stack, Role::Customer).await;
        let restaurants = RestaurantGroup::create(&stack, 1).await;
        let opened = customer
            .open_auction(&restaurants.request(payment::AUTHORISED))
            .await
            .expect("it opens");
        let notification = auctions::notification(&customer, "auction.ended").await;
        assert_eq!(notification.auction_id, opened.value.id);
        let now = customer
            .auction(&opened.value.id)
            .await
            .expect("it is there")
            .value;
        assert_eq!((now.state, now.award), (AuctionState::Expired, None));
        let (_, findings) = stack
            .jaeger
            .wait_for_trace(&opened.trace_id, ARRIVAL_LIMIT, |trace| {
                let notified = trace.named("process events.auction.ended").next().is_some();
                let expired = trace.named("auction.expire").next().is_some();
                let mut findings = trace.structural_findings();
                if !(notified && expired) {
                    findings.push(Finding::MissingStage(Stage::Notification));
                }
                findings
            })
            .await
            .expect("Jaeger answers");
        assert_eq!(findings, []);
    });
}

/// Asserts that all eight services have spans in the auction's trace, also the account service, which the gateway calls
/// before the first write of an account.
fn assert_every_service(auction: &Trace) {
    let services: BTreeSet<String> = auction.services().into_iter().map(str::to_owned).collect();
    let all: BTreeSet<String> = chassis::platform::Service::ALL
        .iter()
        .map(|service| service.name().to_owned())
        .collect();
    assert_eq!(services, all);
}

async fn issue_coupon(admin: &Session) -> String {
    let code = format!("E2E-{}", &Uuid::now_v7().simple().to_string()[20..]).to_uppercase();
    let tomorrow = SystemTime::now() + Duration::from_hours(24);
    let expires = tomorrow
        .duration_since(UNIX_EPOCH)
        .expect("after 1970")
        .as_millis();
    let coupon = json!({
        "code": code, "discount": Money::won(1_000), "uses": 1,
        "expires_at_ms": u64::try_from(expires).expect("a time"),
    });
    admin
        .write(Method::POST, "/v1/admin/coupons")
        .json::<serde_json::Value>(&coupon)
        .await
        .expect("a coupon");
    code
}

/// Registers a webhook for the account, and returns its requests.
async fn receive_webhooks(account: &Session) -> mpsc::UnboundedReceiver<WebhookRequest> {
    async fn take(
        State(requests): State<mpsc::UnboundedSender<WebhookRequest>>,
        headers: HeaderMap,
        body: axum::Json<serde_json::Value>,
    ) {
        let traceparent = headers
            .get("traceparent")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        // The test may end before the last request comes.
        let _ = requests.send(WebhookRequest {
            traceparent: traceparent.to_owned(),
            body: body.0,
        });
    }
    let (sender, receiver) = mpsc::unbounded_channel();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let router = Router::new().route("/hook", post(take)).with_state(sender);
    tokio::spawn(async move { axum::serve(listener, router).await });
    account
        .write(Method::PUT, "/v1/webhook")
        .json::<serde_json::Value>(&json!({ "url": url }))
        .await
        .expect("a webhook");
    receiver
}

async fn confirmation(requests: &mut mpsc::UnboundedReceiver<WebhookRequest>) -> WebhookRequest {
    let found = async {
        while let Some(request) = requests.recv().await {
            if request.body["kind"] == "order.confirmed" {
                return Some(request);
            }
        }
        None
    };
    tokio::time::timeout(auctions::SETTLE_LIMIT, found)
        .await
        .expect("the webhook comes in time")
        .expect("the receiver lives")
}
