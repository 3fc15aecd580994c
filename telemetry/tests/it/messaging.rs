//! Messages: the producer's context goes with them, also when it was saved long before.

use std::convert::Infallible;

use telemetry::context::SavedContext;
use telemetry::messaging::{Delivery, Message, process, publish};

use crate::harness::{named, run, series, spans, traced};
use crate::receiver::SpanKind;

fn message(destination: &str) -> Message<'_> {
    Message {
        system: "nats",
        destination,
        message_id: "m-1",
    }
}

fn delivery<'a>(
    destination: &'a str,
    attempt: u64,
    headers: &'a [(String, String)],
) -> Delivery<'a> {
    Delivery {
        system: "nats",
        destination,
        consumer: "order",
        message_id: "m-1",
        attempt,
        headers,
    }
}

#[test]
fn an_event_goes_on_in_the_trace_that_saved_it_and_each_attempt_is_a_span() {
    run(async {
        let (trace, saved) = traced(async { SavedContext::current().to_text() }).await;
        // The outbox is read later, outside any trace.
        let saved = SavedContext::from_text(&saved);
        let headers = publish(message("auction.awarded"), &saved, async |headers| {
            Ok::<_, Infallible>(headers)
        })
        .await
        .unwrap();
        let failed = process(delivery("auction.awarded", 1, &headers), async || {
            Err::<(), _>("no stock")
        })
        .await;
        assert_eq!(failed, Err("no stock"));
        process(delivery("auction.awarded", 2, &headers), async || {
            tracing::info_span!("settle").in_scope(|| {});
            Ok::<_, String>(())
        })
        .await
        .unwrap();

        let spans = spans(&trace, |spans| spans.len() == 5).await;
        let producer = named(&spans, "send auction.awarded");
        assert_eq!(producer.kind(), SpanKind::Producer);
        assert_eq!(producer.parent(), named(&spans, "root").id());
        let attempts: Vec<_> = spans
            .iter()
            .filter(|span| span.name() == "process auction.awarded")
            .collect();
        assert_eq!(attempts.len(), 2);
        for (number, attempt) in ["1", "2"].into_iter().zip(&attempts) {
            assert_eq!(attempt.kind(), SpanKind::Consumer);
            assert_eq!(attempt.parent(), producer.id());
            assert_eq!(attempt.links(), [(trace.clone(), producer.id())]);
            assert_eq!(attempt.attribute("messaging.delivery.attempt"), number);
            assert_eq!(attempt.attribute("messaging.message.id"), "m-1");
            assert_eq!(attempt.attribute("messaging.consumer.group.name"), "order");
            assert_eq!(attempt.is_error(), number == "1");
        }
        assert_eq!(named(&spans, "settle").parent(), attempts[1].id());
        let sent = "messaging_client_sent_messages_total{messaging_system=\"nats\",\
                    messaging_destination_name=\"auction.awarded\",error_type=\"\"}";
        assert_eq!(series(sent), Some(1.0));
        let processed = "messaging_process_duration_seconds_count{messaging_system=\"nats\",\
                         messaging_destination_name=\"auction.awarded\",\
                         messaging_consumer_group_name=\"order\",error_type=\"\"}";
        assert_eq!(series(processed), Some(1.0));
    });
}

#[test]
fn a_message_that_cannot_be_sent_is_an_error_of_the_producer() {
    run(async {
        let (trace, result) = traced(async {
            publish(message("refused"), &SavedContext::default(), async |_| {
                Err::<(), _>("broker is down")
            })
            .await
        })
        .await;
        assert_eq!(result, Err("broker is down"));
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let producer = named(&spans, "send refused");
        assert_eq!(producer.parent(), named(&spans, "root").id());
        assert!(producer.is_error());
    });
}

#[test]
fn a_message_without_a_context_starts_a_trace_of_its_own() {
    run(async {
        let (outer, inner) = traced(async {
            process(delivery("orphan", 1, &[]), async || {
                Ok::<_, Infallible>(telemetry::context::current_trace_id().unwrap())
            })
            .await
            .unwrap()
        })
        .await;
        assert_ne!(outer, inner, "whoever reads the queue is not the parent");
        let spans = spans(&inner, |spans| spans.len() == 1).await;
        assert_eq!(spans[0].parent(), "");
        assert_eq!(spans[0].links(), []);
    });
}

#[test]
fn processing_that_is_interrupted_is_recorded_as_cancelled() {
    run(async {
        let (trace, headers) = traced(async {
            publish(message("cut"), &SavedContext::default(), async |headers| {
                Ok::<_, Infallible>(headers)
            })
            .await
            .unwrap()
        })
        .await;
        let mut handling = Box::pin(process(delivery("cut", 1, &headers), async || {
            std::future::pending::<Result<(), Infallible>>().await
        }));
        assert!(futures::poll!(handling.as_mut()).is_pending());
        drop(handling);
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        assert_eq!(
            named(&spans, "process cut").attribute("error.type"),
            "cancelled"
        );
    });
}
