//! Payments that stall, fail or are declined, and how the auction ends.

use std::time::Duration;

use loadtest::client::{AuctionState, OrderState, Role, Session};
use loadtest::jaeger::ARRIVAL_LIMIT;
use loadtest::scenario::payment;
use loadtest::seed::Accounts;
use loadtest::traces::{SpanKind, Trace};

use crate::support::auctions::{self, new_account};
use crate::support::stack::{self, Stack};

const DURATION: Duration = Duration::from_millis(1500);

#[test]
fn a_payment_that_stalls_is_tried_again_and_taken_once() {
    settles_with_retries(payment::STALLS);
}

#[test]
fn a_payment_whose_provider_fails_once_is_tried_again_and_taken_once() {
    settles_with_retries(payment::FAILS_ONCE);
}

fn settles_with_retries(payment_method: &'static str) {
    stack::run(async |stack| {
        let accounts = stack.accounts().await;
        let customer = auctions::customer_with_points(&stack, accounts).await;
        let plan = auctions::plan(1, DURATION, payment_method);
        let auction = auctions::run(customer, accounts, &plan).await;
        let settled = auction.settled(0).await;
        settled.assert_exactly_once(&auction, 0);
        let award = settled.auction.award.as_ref().expect("an award stands");
        let paid = award.bid.price.amount_minor - auctions::POINTS;
        auctions::wait_for_points(&auction.customer, paid).await;
        let attempts = |trace: &Trace| {
            let requests = trace
                .spans()
                .iter()
                .filter(|span| span.service == "order" && span.kind == SpanKind::Client)
                .filter(|span| span.attribute("http.request.method").is_some());
            let (failed, good): (Vec<_>, Vec<_>) =
                requests.partition(|span| span.failed || span.attribute("error.type").is_some());
            (failed.len(), good.len())
        };
        let (trace, _) = stack
            .jaeger
            .wait_for_trace(&settled.trace_id, ARRIVAL_LIMIT, |trace| {
                let mut objections = trace.structural_findings().len();
                objections += usize::from(attempts(trace).1 == 0);
                vec![(); objections]
            })
            .await
            .expect("Jaeger answers");
        let (failed, good) = attempts(&trace);
        assert!(
            failed >= 1 && good == 1,
            "{failed} attempts failed and {good} did not"
        );
        assert_eq!(trace.structural_findings(), []);
    });
}

#[test]
fn when_every_payment_declines_every_award_is_revoked_and_the_auction_fails() {
    stack::run(async |stack| {
        let accounts = stack.accounts().await;
        let customer = new_account(&stack, Role::Customer).await;
        let (auction_id, bids) = run_unpaid(&customer, accounts).await;
        auctions::notification(&customer, "auction.ended").await;
        let notifications = customer.notifications().await.expect("notifications");
        let count = |kind: &str| {
            let of_kind = notifications
                .iter()
                .filter(|notification| notification.kind == kind);
            of_kind.count()
        };
        assert_eq!(
            count("auction.awarded"),
            bids,
            "every bid was awarded in its turn"
        );
        assert_eq!(count("auction.award_revoked"), bids);
        assert_eq!(count("order.confirmed"), 0);
        let auction = customer
            .auction(&auction_id)
            .await
            .expect("it is there")
            .value;
        assert_eq!((auction.state, auction.award), (AuctionState::Failed, None));
        let orders = customer.orders(&auction_id).await.expect("orders");
        assert_eq!(orders.len(), bids);
        for order in orders {
            assert_eq!(order.state, OrderState::Failed);
            assert_eq!(order.failure_code.as_deref(), Some("payment.declined"));
        }
        assert_no_server_failed(&stack, &customer, &auction_id).await;
    });
}

/// Runs an auction whose payments are all declined. Returns its id and the number of accepted bids.
async fn run_unpaid(customer: &Session, accounts: &Accounts) -> (String, usize) {
    let mut plan = auctions::plan(2, DURATION, payment::DECLINED);
    plan.request.points_to_use = 0;
    let auction = auctions::run(customer.clone(), accounts, &plan).await;
    (auction.auction.id, auction.bids.len())
}

/// A declined payment is not a failure of a server: only the CLIENT span of the refused request is an error.
async fn assert_no_server_failed(stack: &Stack, customer: &Session, auction_id: &str) {
    let mut watch = customer.watch(auction_id).await.expect("the last state");
    let last = watch.next().await.expect("a stream").expect("an event");
    let (trace, findings) = stack
        .jaeger
        .wait_for_trace(
            last.trace_id().expect("the event has a trace"),
            ARRIVAL_LIMIT,
            Trace::structural_findings,
        )
        .await
        .expect("Jaeger answers");
    assert_eq!(findings, []);
    let failed = trace
        .spans()
        .iter()
        .filter(|span| span.failed && matches!(span.kind, SpanKind::Server | SpanKind::Consumer))
        .count();
    assert_eq!(failed, 0);
}
