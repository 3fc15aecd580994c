use std::time::Duration;

use axum::http::StatusCode;
use chassis::testing;
use notification::MIGRATIONS;
use notification::queue::{Attempt, DeliveryState};
use opentelemetry::trace::TraceContextExt as _;
use sqlx::Row as _;
use tracing::Instrument as _;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::support::receiver::Receiver;
use crate::support::{Fixture, TIME_OUT, awarded, confirmed, fixtures, received};

/// The states of the queued deliveries and their numbers of attempts.
async fn queue(fixture: &Fixture) -> Vec<(String, i64)> {
    let rows =
        sqlx::query("SELECT state, attempts FROM webhook_deliveries ORDER BY notification_id")
            .fetch_all(fixture.database.reads())
            .await
            .expect("the queue");
    rows.iter()
        .map(|row| (row.get("state"), row.get("attempts")))
        .collect()
}

/// Waits until the only delivery has this state and number of attempts, and advances the clock so that retries are due.
async fn until(fixture: &Fixture, became: &str, attempts: i64) {
    let waiting = async {
        while queue(fixture).await != [(became.to_owned(), attempts)] {
            fixture.clock.advance(1_000);
            fixture.webhooks.wake();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let in_time = tokio::time::timeout(TIME_OUT, waiting).await.is_ok();
    assert!(in_time, "the queue is {:?}", queue(fixture).await);
}

#[tokio::test]
async fn a_notification_is_posted_to_its_recipients_webhook_and_to_no_other() {
    for fixture in fixtures().await {
        let receiver = Receiver::answering(&[]).await;
        fixture.put_webhook("customer", &receiver.url).await;
        let running = tokio::spawn(fixture.webhooks.clone().run());
        fixture.deliver(&received(&confirmed("customer"))).await;
        fixture.deliver(&received(&confirmed("another"))).await;
        until(&fixture, "delivered", 1).await;
        let posts = receiver.posts(1).await;
        assert_eq!(posts.len(), 1);
        assert_eq!(posts[0].body["kind"], "order.confirmed");
        assert_eq!(
            posts[0].body["text"],
            "Order confirmed: 한강치킨, 18,500 KRW"
        );
        assert_eq!(posts[0].body["id"], posts[0].id.as_str());
        fixture.shutdown.cancel();
        running.await.expect("it ends at shutdown");
    }
}

#[tokio::test]
async fn a_receiver_that_fails_is_tried_again_with_the_same_id() {
    for fixture in fixtures().await {
        let receiver =
            Receiver::answering(&[StatusCode::INTERNAL_SERVER_ERROR, StatusCode::FOUND]).await;
        fixture.put_webhook("customer", &receiver.url).await;
        tokio::spawn(fixture.webhooks.clone().run());
        fixture.deliver(&received(&awarded("award"))).await;
        until(&fixture, "delivered", 3).await;
        assert_eq!(receiver.answers_left(), 0);
        let posts = receiver.posts(3).await;
        assert!(posts.iter().all(|post| post.id == posts[0].id));
        fixture.shutdown.cancel();
    }
}

#[tokio::test]
async fn a_post_is_given_up_after_so_many_attempts() {
    for fixture in fixtures().await {
        fixture.put_webhook("customer", "http://127.0.0.1:1/").await;
        fixture.deliver(&received(&awarded("award"))).await;
        let mut attempts = 0;
        loop {
            // Past the longest wait.
            fixture.clock.advance(3 * 60 * 60 * 1000);
            let due = fixture.store.lease_due(16).await.expect("the queue");
            let [due] = due.as_slice() else {
                panic!("one post is due, not {due:?}");
            };
            attempts += 1;
            assert_eq!(due.attempt, attempts);
            let state = fixture
                .store
                .record_attempt(due, Attempt::Failed)
                .await
                .expect("stored");
            if state == DeliveryState::GivenUp {
                break;
            }
        }
        assert_eq!(attempts, 8);
        assert_eq!(queue(&fixture).await, [("failed".to_owned(), 8)]);
        fixture.clock.advance(24 * 60 * 60 * 1000);
        assert!(
            fixture
                .store
                .lease_due(16)
                .await
                .expect("the queue")
                .is_empty()
        );
    }
}

#[tokio::test]
async fn a_post_whose_taker_died_is_due_again_after_its_lease() {
    for fixture in fixtures().await {
        fixture.put_webhook("customer", "http://127.0.0.1:1/").await;
        fixture.deliver(&received(&awarded("award"))).await;
        assert_eq!(
            fixture.store.lease_due(16).await.expect("the queue").len(),
            1
        );
        assert!(
            fixture
                .store
                .lease_due(16)
                .await
                .expect("the queue")
                .is_empty()
        );
        fixture.clock.advance(30_000);
        let again = fixture.store.lease_due(16).await.expect("the queue");
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].attempt, 2);
    }
}

#[tokio::test]
async fn two_takers_never_take_the_same_post() {
    for fixture in fixtures().await {
        fixture.put_webhook("customer", "http://127.0.0.1:1/").await;
        for award in 0..10 {
            fixture
                .deliver(&received(&awarded(&award.to_string())))
                .await;
        }
        let takers = (0..6).map(|_| fixture.store.lease_due(10));
        let taken = futures::future::join_all(takers).await;
        let taken: usize = taken
            .into_iter()
            .map(|due| due.expect("the queue").len())
            .sum();
        assert_eq!(taken, 10);
    }
}

#[tokio::test]
async fn a_webhook_that_is_ended_gets_no_post_any_more() {
    for fixture in fixtures().await {
        fixture.put_webhook("customer", "http://127.0.0.1:1/").await;
        fixture.deliver(&received(&awarded("award"))).await;
        fixture.put_webhook("customer", "").await;
        assert!(
            fixture
                .store
                .lease_due(16)
                .await
                .expect("the queue")
                .is_empty()
        );
        fixture.deliver(&received(&awarded("later"))).await;
        assert_eq!(queue(&fixture).await, [("failed".to_owned(), 0)]);
    }
}

#[tokio::test]
async fn every_attempt_is_a_client_span_in_the_trace_of_the_event() {
    let captured = telemetry::test::capture();
    // PostgreSQL, since SQLite's driver closes spans on a thread that does not know the test's subscriber.
    let fixture = Fixture::over(testing::postgres("notification", &MIGRATIONS).await);
    let receiver = Receiver::answering(&[StatusCode::SERVICE_UNAVAILABLE]).await;
    fixture.put_webhook("customer", &receiver.url).await;
    tokio::spawn(fixture.webhooks.clone().run());
    let consumer = tracing::info_span!("process");
    let trace = consumer.context().span().span_context().trace_id();
    let event = received(&awarded("award"));
    fixture.deliver(&event).instrument(consumer).await;
    until(&fixture, "delivered", 2).await;
    let spans = captured.trace(trace);
    let count = |name: &str| spans.iter().filter(|span| span.name == name).count();
    assert_eq!(count("POST"), 2, "{spans:?}");
    assert!(count("notification.webhook") >= 1);
    for post in receiver.posts(2).await {
        assert!(
            post.traceparent.contains(&trace.to_string()),
            "{}",
            post.traceparent
        );
    }
}
