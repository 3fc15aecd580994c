//! What the payment provider can do to a settlement, and how the auction ends all the same.

use crate::{
    play::{self, newcomer},
    stack::{self, Stack},
};
use loadtest::{
    client::{AuctionState, OrderState, Role, Session},
    jaeger::ARRIVAL,
    seed::Cast,
    traces::{Kind, Trace},
};
use std::time::Duration;

const DURATION: Duration = Duration::from_millis(1500);

#[test]
fn a_payment_that_stalls_is_tried_again_and_taken_once() {
    settles_with_retries("tok_stall");
}

#[test]
fn a_payment_whose_provider_fails_once_is_tried_again_and_taken_once() {
    settles_with_retries("tok_flaky");
}

fn settles_with_retries(payment_method: &'static str) {
    stack::run(async |stack| {
        let cast = stack.cast().await;
        let customer = play::customer_with_points(&stack, cast).await;
        let script = play::script(1, DURATION, payment_method);
        let played = play::play(customer, cast, &script).await;
        let ended = played.ended(0).await;
        ended.assert_exactly_once(&played, 0);
        let award = ended.auction.award.as_ref().expect("an award stands");
        let paid = award.bid.price.amount_minor - play::POINTS;
        play::points_settled(&played.customer, paid).await;
        let tries = |trace: &Trace| {
            let requests = trace
                .spans()
                .iter()
                .filter(|span| span.service == "order" && span.kind == Kind::Client)
                .filter(|span| !span.attribute("http.request.method").is_empty());
            let (failed, good): (Vec<_>, Vec<_>) =
                requests.partition(|span| span.failed || !span.attribute("error.type").is_empty());
            (failed.len(), good.len())
        };
        let (trace, _) = stack
            .jaeger
            .settled(&ended.trace_id, ARRIVAL, |trace| {
                let mut objections = trace.shape().len();
                objections += usize::from(tries(trace).1 == 0);
                vec![(); objections]
            })
            .await
            .expect("Jaeger answers");
        let (failed, good) = tries(&trace);
        assert!(
            failed >= 1 && good == 1,
            "{failed} tries failed and {good} did not"
        );
        assert_eq!(trace.shape(), []);
    });
}

#[test]
fn when_every_payment_declines_every_award_is_revoked_and_the_auction_fails() {
    stack::run(async |stack| {
        let cast = stack.cast().await;
        let customer = newcomer(&stack, Role::Customer).await;
        let (auction_id, bids) = unpaid(&customer, cast).await;
        let told = stack::eventually(play::SETTLED, "the end", || async {
            let told = customer.notifications().await.ok()?;
            let ended = told.iter().any(|told| told.kind == "auction.ended");
            ended.then_some(told)
        })
        .await;
        let count = |kind: &str| told.iter().filter(|told| told.kind == kind).count();
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

async fn unpaid(customer: &Session, cast: &Cast) -> (String, usize) {
    let mut script = play::script(2, DURATION, "tok_declined");
    script.request.points_to_use = 0;
    let played = play::play(customer.clone(), cast, &script).await;
    (played.auction.id, played.bids.len())
}

/// A payment that declines is a decision, not a failure of any server; only the request that was refused shows it.
async fn assert_no_server_failed(stack: &Stack, customer: &Session, auction_id: &str) {
    let mut watch = customer.watch(auction_id).await.expect("the last state");
    let last = watch.next().await.expect("a stream").expect("an event");
    let (trace, findings) = stack
        .jaeger
        .settled(last.trace_id(), ARRIVAL, Trace::shape)
        .await
        .expect("Jaeger answers");
    assert_eq!(findings, []);
    let failed = trace
        .spans()
        .iter()
        .filter(|span| span.failed && matches!(span.kind, Kind::Server | Kind::Consumer))
        .count();
    assert_eq!(failed, 0);
}
