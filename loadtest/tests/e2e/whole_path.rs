//! One auction from sign-up to notification over the public API, and what Jaeger has of it.

use crate::{
    forced::Forced,
    kitchen::Kitchen,
    play::{self, newcomer},
    stack::{self, Stack},
};
use axum::{Router, extract::State, http::HeaderMap, routing::post};
use http::Method;
use loadtest::{
    client::{AuctionState, Money, OpenAuction, Role, Session},
    jaeger::ARRIVAL,
    scenario::DECLINES_ONCE,
    traces::{AuctionTrace, Finding, Kind, Span, Stage, Trace, bid},
};
use serde_json::json;
use std::{
    collections::BTreeSet,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::mpsc;
use uuid::Uuid;

/// A webhook that was posted.
struct Posted {
    traceparent: String,
    body: serde_json::Value,
}

#[test]
fn one_auction_from_sign_up_to_notification_is_one_whole_trace() {
    stack::run(async |stack| {
        let cast = stack.cast().await;
        let admin = cast.admin.as_ref().expect("the stack has an admin");
        let customer = play::customer_with_points(&stack, cast).await;
        let kitchen = Kitchen::open(&stack, 5).await;
        let coupon = issue_coupon(admin).await;

        let request = OpenAuction {
            coupon_code: coupon,
            points_to_use: play::POINTS,
            ..kitchen.request("tok_ok")
        };
        // The customer's first write.
        let opened = customer.open_auction(&request).await.expect("it opens");
        let mut posts = receive_webhooks(&customer).await;
        let auction = opened.value;
        assert_eq!(auction.eligible_restaurants, 5, "nobody else cooks this");
        let mut watch = customer.watch(&auction.id).await.expect("it is live");
        let bids = kitchen
            .bid_down(&auction.id, &[19_000, 18_000, 17_500, 16_000, 15_500])
            .await;

        let mut live = Vec::new();
        let awarded = loop {
            let event = watch
                .next()
                .await
                .expect("the stream holds")
                .expect("an end");
            assert_eq!(event.trace_id().len(), 32, "each event says what caused it");
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
            opened.trace_id,
            "the award goes on in the opening's trace"
        );
        assert!(
            live.is_sorted_by(|a, b| a >= b) && live.contains(&15_500),
            "{live:?}"
        );

        let told = stack::eventually(play::SETTLED, "the confirmation", || async {
            let told = customer.notifications().await.ok()?;
            told.into_iter()
                .find(|told| told.kind == "order.confirmed" && told.auction_id == auction.id)
        })
        .await;
        assert!(!told.text.is_empty());
        // 15 500 less a coupon of 1 000 and 500 points.
        play::points_settled(&customer, 14_000).await;
        let post = confirmation(&mut posts).await;
        assert!(
            post.traceparent.contains(&opened.trace_id),
            "{}",
            post.traceparent
        );

        let trace = assert_whole(&stack, &opened.trace_id, &bids, 0).await;
        let webhook = trace.spans().iter().any(|span| {
            span.service == "notification"
                && span.kind == Kind::Client
                && !span.attribute("http.request.method").is_empty()
        });
        assert!(webhook, "the webhook's post has a span in the trace");
        assert_every_service(&trace);
    });
}

#[test]
fn a_declined_payment_awards_the_next_lowest_bid_in_the_same_trace() {
    stack::run(async |stack| {
        let cast = stack.cast().await;
        let customer = play::customer_with_points(&stack, cast).await;
        let script = play::script(1, Duration::from_millis(1500), DECLINES_ONCE);
        let played = play::play(customer, cast, &script).await;
        let ended = played.ended(1).await;
        ended.assert_exactly_once(&played, 1);
        let award = ended.auction.award.as_ref().expect("an award stands");
        assert!(award.replaces_award_id.is_some(), "it replaces the first");
        assert!(
            ended
                .orders
                .iter()
                .any(|order| order.failure_code.as_deref() == Some("payment.declined")),
            "{:?}",
            ended.orders
        );
        let bids: Vec<String> = played
            .bids
            .iter()
            .flat_map(|bid| bid.traces.clone())
            .collect();
        let trace = assert_whole(&stack, &played.opening_traces[0], &bids, 1).await;
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
        let customer = newcomer(&stack, Role::Customer).await;
        let kitchen = Kitchen::open(&stack, 2).await;
        let opened = customer
            .open_auction(&kitchen.request("tok_ok"))
            .await
            .expect("it opens");
        let bids = kitchen.bid_down(&opened.value.id, &[15_000]).await;
        let load = stack.cast().await.load.as_ref().expect("an account");
        let forced = Forced::by(load);
        let path = format!("/v1/auctions/{}/bids", opened.value.id);
        let refusal = forced
            .headers(kitchen.restaurants[1].write(Method::POST, path))
            .json::<serde_json::Value>(&json!({ "price": Money::won(14_950) }))
            .await
            .expect_err("less than the step below");
        assert_eq!(refusal.code(), "auction.bid_too_high");
        let (trace, findings) = stack
            .jaeger
            .settled(&forced.trace_id, ARRIVAL, Forced::findings)
            .await
            .expect("Jaeger answers");
        assert_eq!(findings, []);
        let failed: Vec<String> = trace
            .spans()
            .iter()
            .filter(|span| span.failed && span.kind == Kind::Server)
            .map(Span::label)
            .collect();
        assert_eq!(failed, Vec::<String>::new(), "no server failed");
        // A link to the rejected bid would be a finding.
        assert_whole(&stack, &opened.trace_id, &bids, 0).await;
    });
}

#[test]
fn an_auction_without_bids_expires_in_its_trace() {
    stack::run(async |stack| {
        let customer = newcomer(&stack, Role::Customer).await;
        let kitchen = Kitchen::open(&stack, 1).await;
        let opened = customer
            .open_auction(&kitchen.request("tok_ok"))
            .await
            .expect("it opens");
        let told = stack::eventually(play::SETTLED, "the end", || async {
            let told = customer.notifications().await.ok()?;
            told.into_iter().find(|told| told.kind == "auction.ended")
        })
        .await;
        assert_eq!(told.auction_id, opened.value.id);
        let now = customer
            .auction(&opened.value.id)
            .await
            .expect("it is there")
            .value;
        assert_eq!((now.state, now.award), (AuctionState::Expired, None));
        let (_, findings) = stack
            .jaeger
            .settled(&opened.trace_id, ARRIVAL, |trace| {
                let told = trace.named("process events.auction.ended").next().is_some();
                let expired = trace.named("auction.expire").next().is_some();
                let mut findings = trace.shape();
                if !(told && expired) {
                    findings.push(Finding::MissingStage(Stage::Notification));
                }
                findings
            })
            .await
            .expect("Jaeger answers");
        assert_eq!(findings, []);
    });
}

/// The auction's trace and those of its bids have nothing missing.
pub(crate) async fn assert_whole(
    stack: &Stack,
    trace_id: &str,
    bids: &[String],
    declined: usize,
) -> Trace {
    let (trace, findings) = stack
        .jaeger
        .settled(trace_id, ARRIVAL, |trace| {
            AuctionTrace {
                trace,
                bids,
                declined,
            }
            .findings()
        })
        .await
        .expect("Jaeger answers");
    assert!(
        findings.is_empty(),
        "trace {trace_id}: {}",
        shown(&findings)
    );
    for bid_trace in bids {
        let (_, findings) = stack
            .jaeger
            .settled(bid_trace, ARRIVAL, bid::findings)
            .await
            .expect("Jaeger answers");
        assert!(findings.is_empty(), "bid {bid_trace}: {}", shown(&findings));
    }
    trace
}

fn shown(findings: &[Finding]) -> String {
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

/// All eight services are seen in the auction's trace: the account's too, whom the gateway asks before the first write.
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

/// Listens for the account's webhooks.
async fn receive_webhooks(account: &Session) -> mpsc::UnboundedReceiver<Posted> {
    async fn take(
        State(posts): State<mpsc::UnboundedSender<Posted>>,
        headers: HeaderMap,
        body: axum::Json<serde_json::Value>,
    ) {
        let traceparent = headers
            .get("traceparent")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        // The test may be over before the last notification comes.
        let _ = posts.send(Posted {
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

async fn confirmation(posts: &mut mpsc::UnboundedReceiver<Posted>) -> Posted {
    let found = async {
        while let Some(post) = posts.recv().await {
            if post.body["kind"] == "order.confirmed" {
                return Some(post);
            }
        }
        None
    };
    tokio::time::timeout(play::SETTLED, found)
        .await
        .expect("the webhook comes in time")
        .expect("the receiver lives")
}
