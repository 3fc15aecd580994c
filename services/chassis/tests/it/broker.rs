//! The spans and metrics of publishing and consuming.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::events::{AuctionEnded, Event as _};
use chassis::Failure;
use chassis::broker::{Broker, Handler, Received};
use chassis::testing::{NATS_VARIABLE, required};
use futures::future::BoxFuture;
use telemetry::context::SavedContext;
use telemetry::signals::{
    MESSAGING_CLIENT_CONSUMED_MESSAGES, MESSAGING_CLIENT_SENT_MESSAGES, MESSAGING_CONSUMER_LAG,
    MESSAGING_CONSUMER_REDELIVERED, MESSAGING_CONSUMER_UNSETTLED, MESSAGING_PROCESS_AGE,
};
use telemetry::test::{Captured, Span, capture};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;
use uuid::Uuid;

const SUBJECT: &str = AuctionEnded::SUBJECT;

/// Fails with the failures in `left`, one after the other, and then succeeds. Other messages than `ids` succeed.
struct Refuses {
    ids: Vec<String>,
    left: Mutex<Vec<Failure>>,
}

impl Handler for Refuses {
    fn handle<'a>(&'a self, received: &'a Received) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            if !self.ids.contains(&received.message_id) {
                return Ok(());
            }
            let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
            left.pop().map_or(Ok(()), Err)
        })
    }
}

/// Consumes with a new durable name until the expected spans are captured.
async fn consume_until(
    captured: &Captured,
    broker: &Broker,
    handler: Refuses,
    there: impl Fn(&[Span]) -> bool,
) -> &'static str {
    let durable: &'static str = format!("test-{}", Uuid::now_v7().simple()).leak();
    let shutdown = CancellationToken::new();
    let consuming = broker.consume(durable, &[SUBJECT], Arc::new(handler), shutdown.clone());
    let waiting = async {
        while !there(&captured.spans()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        shutdown.cancel();
    };
    let both = futures::future::join(consuming, waiting);
    let (consumed, ()) = tokio::time::timeout(Duration::from_secs(20), both)
        .await
        .expect("in time");
    consumed.expect("consumed");
    durable
}

async fn publish(broker: &Broker, id: &str) {
    broker
        .publish(SUBJECT, id, &SavedContext::default(), b"{}".to_vec())
        .instrument(tracing::info_span!("request"))
        .await
        .expect("stored");
}

fn of_message<'a>(spans: &'a [Span], name: &str, id: &str) -> Vec<&'a Span> {
    spans
        .iter()
        .filter(|span| span.name == name)
        .filter(|span| span.attribute("messaging.message.id") == Some(&id.to_owned().into()))
        .collect()
}

#[tokio::test]
async fn each_attempt_is_a_numbered_span_with_its_settlement_in_the_producers_trace() {
    let captured = capture();
    let broker = Broker::connect(&required(NATS_VARIABLE))
        .await
        .expect("NATS");
    let id = Uuid::now_v7().to_string();
    publish(&broker, &id).await;
    let handler = Refuses {
        ids: vec![id.clone()],
        left: Mutex::new(vec![Failure::unavailable("not yet")]),
    };
    let (process, ack) = (format!("process {SUBJECT}"), format!("ack {SUBJECT}"));
    let durable = consume_until(&captured, &broker, handler, |spans| {
        !of_message(spans, &ack, &id).is_empty() && of_message(spans, &process, &id).len() == 2
    })
    .await;

    let spans = captured.spans();
    let sent = of_message(&spans, &format!("send {SUBJECT}"), &id)[0];
    sent.assert_child_of(&captured.span("request"));
    let attempts = of_message(&spans, &process, &id);
    for (number, attempt) in (1_i64..).zip(&attempts) {
        attempt
            .assert_child_of(sent)
            .assert_links_to(sent)
            .assert_attribute("messaging.delivery.attempt", number)
            .assert_attribute("messaging.consumer.group.name", durable)
            .assert_attribute("messaging.message.body.size", 2)
            .assert_attribute("server.address", "127.0.0.1");
    }
    attempts[0]
        .assert_error()
        .assert_attribute("error.type", "unavailable");
    let nak = of_message(&spans, &format!("nak {SUBJECT}"), &id)[0];
    nak.assert_child_of(attempts[0])
        .assert_attribute("messaging.operation.type", "settle");
    of_message(&spans, &ack, &id)[0].assert_child_of(attempts[1]);

    let metrics = captured.metrics();
    assert_eq!(metrics.counter(&MESSAGING_CLIENT_SENT_MESSAGES, &[]), 1);
    let group = [("messaging.consumer.group.name", durable)];
    assert!(metrics.counter(&MESSAGING_CLIENT_CONSUMED_MESSAGES, &group) >= 2);
    let ages = metrics.histogram(&MESSAGING_PROCESS_AGE, &group);
    assert!(
        ages.iter().any(|age| (0.1..20.0).contains(age)),
        "the second attempt comes after a while: {ages:?}"
    );
    for gauge in [
        &MESSAGING_CONSUMER_LAG,
        &MESSAGING_CONSUMER_UNSETTLED,
        &MESSAGING_CONSUMER_REDELIVERED,
    ] {
        assert!(metrics.has(gauge, &group), "{}", gauge.name);
    }
}

#[tokio::test]
async fn an_event_that_is_decided_against_is_given_up_and_not_sent_again() {
    let captured = capture();
    let broker = Broker::connect(&required(NATS_VARIABLE))
        .await
        .expect("NATS");
    let (refused, later) = (Uuid::now_v7().to_string(), Uuid::now_v7().to_string());
    publish(&broker, &refused).await;
    let handler = Refuses {
        ids: vec![refused.clone()],
        left: Mutex::new(vec![Failure::conflict("auction.closed", "it is closed")]),
    };
    publish(&broker, &later).await;
    let (process, term) = (format!("process {SUBJECT}"), format!("term {SUBJECT}"));
    consume_until(&captured, &broker, handler, |spans| {
        !of_message(spans, &process, &later).is_empty()
            && !of_message(spans, &process, &refused).is_empty()
    })
    .await;
    let spans = captured.spans();
    let attempts = of_message(&spans, &process, &refused);
    assert_eq!(attempts.len(), 1);
    attempts[0].assert_attribute("error.type", "auction.closed");
    of_message(&spans, &term, &refused)[0].assert_child_of(attempts[0]);
}
