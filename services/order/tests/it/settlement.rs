use ::api::events::{AuctionAwarded, Event as _};
use chassis::broker::{Handler as _, Received};
use opentelemetry::trace::TraceContextExt as _;
use order::domain::{Award, State};
use order::events::AwardHandler;
use order::saga::{Attempt, MAX_TRIES, Outcome, Step};
use tracing::Instrument as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::support::{award, fixture, fixtures, received, traced_fixture};

#[tokio::test]
async fn an_award_is_reserved_paid_confirmed_and_committed() {
    for fixture in fixtures().await {
        fixture.stand_in.with(|seen| seen.discount = 2_500);
        let order = fixture.settle(&award("tok_ok")).await;
        assert_eq!(order.state, State::Confirmed);
        let steps: Vec<_> = order
            .log
            .entries()
            .map(|(step, entry)| (step, entry.outcome))
            .collect();
        assert_eq!(
            steps,
            [Step::Reserve, Step::Authorise, Step::Confirm, Step::Commit]
                .map(|step| (step, Outcome::Done))
        );
        assert_eq!(
            fixture.payments(&order).await,
            [("authorised".to_owned(), 16_000)]
        );
        let committed = fixture
            .stand_in
            .with(|seen| seen.committed.get(&order.id).copied());
        assert_eq!(committed, Some(160), "one in a hundred of what was paid");
        let events = fixture.events(&order).await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].0, "events.order.confirmed");
        assert_eq!(events[0].1["paid"]["amount_minor"], 16_000);
    }
}

#[tokio::test]
async fn a_declined_payment_releases_the_reward_fails_the_order_and_revokes_the_award() {
    for fixture in fixtures().await {
        let award = award("tok_declined");
        let order = fixture.settle(&award).await;
        assert_eq!(
            (order.state, order.failure_code.as_deref()),
            (State::Failed, Some("payment.declined"))
        );
        fixture.stand_in.with(|seen| {
            assert_eq!(seen.reserved.get(&order.id), Some(&false), "released");
            assert_eq!(
                seen.revoked.get(&award.award_id).map(String::as_str),
                Some("payment.declined")
            );
            assert!(seen.committed.is_empty());
        });
        assert_eq!(
            order.log.outcome(Step::Void),
            None,
            "nothing was authorised"
        );
        let events = fixture.events(&order).await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].0, "events.order.failed");
        assert_eq!(events[0].1["reason"], "payment.declined");
    }
}

#[tokio::test]
async fn of_an_auctions_two_awards_the_second_is_paid_when_only_the_first_declines() {
    let fixture = fixture().await;
    let first = award("tok_declined_once");
    assert_eq!(fixture.settle(&first).await.state, State::Failed);
    let second = AuctionAwarded {
        auction_id: first.auction_id.clone(),
        replaces_award_id: Some(first.award_id.clone()),
        ..award("tok_declined_once")
    };
    assert_eq!(fixture.settle(&second).await.state, State::Confirmed);
}

#[tokio::test]
async fn a_refused_coupon_fails_the_order_with_the_rewards_code_and_no_payment_is_asked_for() {
    for fixture in fixtures().await {
        fixture
            .stand_in
            .with(|seen| seen.refusal = Some("reward.coupon_expired"));
        let award = award("tok_ok");
        let order = fixture.settle(&award).await;
        assert_eq!(
            (order.state, order.failure_code.as_deref()),
            (State::Failed, Some("reward.coupon_expired"))
        );
        assert!(fixture.payments(&order).await.is_empty());
        let revoked = fixture
            .stand_in
            .with(|seen| seen.revoked.contains_key(&award.award_id));
        assert!(revoked);
    }
}

#[tokio::test]
async fn a_discount_that_the_price_cannot_bear_fails_the_order_and_is_given_back() {
    let fixture = fixture().await;
    fixture.stand_in.with(|seen| seen.discount = 18_501);
    let order = fixture.settle(&award("tok_ok")).await;
    assert_eq!(order.failure_code.as_deref(), Some("reward.bad_discount"));
    let kept = fixture
        .stand_in
        .with(|seen| seen.reserved.get(&order.id).copied());
    assert_eq!(kept, Some(false));
}

#[tokio::test]
async fn what_a_coupon_pays_in_full_needs_no_payment() {
    let fixture = fixture().await;
    fixture.stand_in.with(|seen| seen.discount = 18_500);
    let order = fixture.settle(&award("tok_declined")).await;
    assert_eq!(order.state, State::Confirmed);
    assert!(fixture.payments(&order).await.is_empty());
}

#[tokio::test]
async fn a_payment_that_stalls_or_fails_once_is_authorised_once() {
    for token in ["tok_stall", "tok_flaky"] {
        let fixture = fixture().await;
        let order = fixture.settle(&award(token)).await;
        assert_eq!(order.state, State::Confirmed, "{token}");
        assert_eq!(
            fixture.payments(&order).await,
            [("authorised".to_owned(), 18_500)]
        );
        let tries = order
            .log
            .entries()
            .find(|(step, _)| *step == Step::Authorise);
        assert!(tries.is_some_and(|(_, entry)| entry.tries > 1), "{token}");
    }
}

#[tokio::test]
async fn partners_that_are_away_for_a_moment_are_asked_again() {
    let fixture = fixture().await;
    fixture.stand_in.with(|seen| seen.unavailable = 2);
    assert_eq!(
        fixture.settle(&award("tok_ok")).await.state,
        State::Confirmed
    );
}

#[tokio::test]
async fn a_payment_without_an_answer_is_given_up_voided_and_treated_as_declined() {
    for fixture in fixtures().await {
        let event = award("tok_stall");
        let award = Award::try_from(event.clone()).expect("an award");
        let id = fixture.store.create(&award).await.expect("an order");
        let mut order = fixture.store.load(&id).await.expect("the order");
        // All attempts but the last were made by an earlier process.
        let entry = order.log.record(Step::Reserve, Attempt::Done, 0);
        fixture
            .store
            .record(&order, Step::Reserve, &entry)
            .await
            .expect("logged");
        for _ in 1..MAX_TRIES {
            let lost = Attempt::Unanswered("payment.timed_out".to_owned());
            let entry = order.log.record(Step::Authorise, lost, 0);
            fixture
                .store
                .record(&order, Step::Authorise, &entry)
                .await
                .expect("logged");
        }
        fixture.settlements.start(id);
        let order = fixture.settled(&event).await;
        assert_eq!(
            (order.state, order.failure_code.as_deref()),
            (State::Failed, Some("payment.unavailable"))
        );
        assert_eq!(order.log.outcome(Step::Void), Some(Outcome::Done));
        let statuses: Vec<_> = fixture
            .payments(&order)
            .await
            .into_iter()
            .map(|(status, _)| status)
            .collect();
        assert_eq!(statuses, ["voided"]);
        assert!(
            fixture
                .stand_in
                .with(|seen| seen.revoked.contains_key(&event.award_id))
        );
    }
}

#[tokio::test]
async fn an_award_delivered_many_times_at_once_is_one_order_settled_once() {
    for fixture in fixtures().await {
        let award = award("tok_ok");
        futures::future::join_all((0..8).map(|_| fixture.deliver(&award))).await;
        let order = fixture.settled(&award).await;
        fixture.deliver(&award).await;
        assert_eq!(fixture.events(&order).await.len(), 1);
        let committed = fixture.stand_in.with(|seen| seen.committed.len());
        assert_eq!(committed, 1);
    }
}

#[tokio::test]
async fn an_award_that_cannot_be_read_is_given_up() {
    let fixture = fixture().await;
    let handler = AwardHandler {
        store: fixture.store.clone(),
        settlements: fixture.settlements.clone(),
    };
    let nonsense = Received {
        body: b"{}".to_vec(),
        ..received(&award("tok_ok"))
    };
    let negative = AuctionAwarded {
        points_to_use: -1,
        ..award("tok_ok")
    };
    for event in [nonsense, received(&negative)] {
        assert_eq!(event.subject, AuctionAwarded::SUBJECT);
        let failure = handler.handle(&event).await.expect_err("refused");
        assert!(failure.kind.is_decision(), "it would come again for ever");
    }
}

#[tokio::test]
async fn the_settlement_goes_on_in_the_trace_of_the_award() {
    let captured = telemetry::test::capture();
    let fixture = traced_fixture().await;
    let award = award("tok_ok");
    let consumer = tracing::info_span!("process");
    let parent = consumer.context().span().span_context().clone();
    fixture.deliver(&award).instrument(consumer).await;
    fixture.settled(&award).await;
    let settle = captured.ended("order.settle").await;
    assert_eq!(settle.span_context.trace_id(), parent.trace_id());
    assert_eq!(settle.parent_span_id, parent.span_id());
    let names: Vec<String> = captured
        .trace(parent.trace_id())
        .iter()
        .map(|span| span.name.to_string())
        .collect();
    for name in [
        "order.saga.reserve",
        "bidtrace.reward.v1.Rewards/Reserve",
        "order.saga.authorise",
        "POST",
        "POST /v1/authorisations",
        "order.saga.confirm",
        "INSERT outbox",
        "order.saga.commit",
        "bidtrace.reward.v1.Rewards/Commit",
    ] {
        assert!(
            names.iter().any(|known| known == name),
            "no {name} among {names:?}"
        );
    }
}

#[tokio::test]
async fn a_settlement_taken_up_later_goes_on_in_the_same_trace() {
    let captured = telemetry::test::capture();
    let fixture = traced_fixture().await;
    let event = award("tok_ok");
    let award = Award::try_from(event.clone()).expect("an award");
    let consumer = tracing::info_span!("process");
    let parent = consumer.context().span().span_context().clone();
    let id = fixture
        .store
        .create(&award)
        .instrument(consumer)
        .await
        .expect("an order");
    // The process dies here; the next one reads the order from the database.
    let unsettled = fixture.store.unsettled(None).await.expect("a list");
    assert_eq!(unsettled, [id]);
    let resumed = tokio::spawn(fixture.settlements.clone().resume());
    fixture.settled(&event).await;
    let settle = captured.ended("order.settle").await;
    resumed.abort();
    assert_eq!(settle.parent_span_id, parent.span_id());
}
