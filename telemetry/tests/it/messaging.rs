//! Messages: the producer's context goes with them, also when it was saved long before.

use std::any::Any;
use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use telemetry::ErrorType;
use telemetry::context::SavedContext;
use telemetry::messaging::{
    Consumer, Delivery, Destination, Headers, Lag, Message, process, publish, settle,
};

use crate::harness::{has_line, named, run, sample, spans, traced};
use crate::receiver::SpanKind;

fn destination(name: &str) -> Destination<'_> {
    Destination::new("nats", name).server("127.0.0.1", 4222)
}

fn message(name: &str) -> Message<'_> {
    Message::to(destination(name)).id("m-1")
}

fn delivery<'a>(name: &'a str, attempt: u64, headers: &'a [(String, String)]) -> Delivery<'a> {
    Delivery::to(Consumer::of(destination(name)).group("order"))
        .id("m-1")
        .attempt(attempt)
        .headers(headers)
}

/// Sends a message from a trace of its own; gives the trace and the headers of the message.
pub async fn sent(name: &str) -> (String, Headers) {
    traced(async {
        publish(message(name), &SavedContext::default(), async |headers| {
            Ok::<_, Infallible>(headers)
        })
        .await
        .unwrap()
    })
    .await
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
            assert_eq!(attempt.is_error(), number == "1");
        }
        assert_eq!(named(&spans, "settle").parent(), attempts[1].id());
        for (metric, labels, count) in [
            (
                "messaging_client_sent_messages_total",
                ["error_type=\"\""; 2],
                1.0,
            ),
            (
                "messaging_client_consumed_messages_total",
                ["group_name=\"order\"", "operation_name=\"process\""],
                2.0,
            ),
            (
                "messaging_process_duration_seconds_count",
                ["group_name=\"order\"", "error_type=\"\""],
                1.0,
            ),
            (
                "messaging_process_duration_seconds_count",
                ["group_name=\"order\"", "error_type=\"&str\""],
                1.0,
            ),
        ] {
            let labels = ["\"auction.awarded\"", labels[0], labels[1]];
            assert_eq!(sample(metric, &labels), Some(count), "{metric} {labels:?}");
        }
    });
}

#[test]
fn the_spans_of_a_message_say_what_the_conventions_ask_for() {
    run(async {
        let to = Destination::new("kafka", "orders.eu.17")
            .template("orders.{region}.{customer}")
            .partition("3")
            .server("broker.internal", 9092);
        let (trace, headers) = traced(async {
            let message = Message::to(to).id("m-2").conversation("c-9").body_size(42);
            publish(message, &SavedContext::default(), async |headers| {
                Ok::<_, Infallible>(headers)
            })
            .await
            .unwrap()
        })
        .await;
        let delivery = Delivery::to(Consumer::of(to).group("kitchen"))
            .id("m-2")
            .conversation("c-9")
            .body_size(42)
            .headers(&headers);
        process(delivery, || {
            settle(delivery, "commit", async { Ok::<_, Infallible>(()) })
        })
        .await
        .unwrap();

        let spans = spans(&trace, |spans| spans.len() == 4).await;
        let of_all = [
            ("messaging.system", "kafka"),
            ("messaging.destination.name", "orders.eu.17"),
            (
                "messaging.destination.template",
                "orders.{region}.{customer}",
            ),
            ("messaging.destination.partition.id", "3"),
            ("messaging.message.id", "m-2"),
            ("messaging.message.conversation_id", "c-9"),
            ("messaging.message.body.size", "42"),
            ("server.address", "broker.internal"),
            ("server.port", "9092"),
        ];
        for (name, kind, operation, operation_type, group) in [
            ("send", SpanKind::Producer, "send", "send", ""),
            (
                "process",
                SpanKind::Consumer,
                "process",
                "process",
                "kitchen",
            ),
            ("commit", SpanKind::Client, "commit", "settle", "kitchen"),
        ] {
            let span = named(&spans, &format!("{name} orders.{{region}}.{{customer}}"));
            assert_eq!(span.kind(), kind, "{name}");
            for (key, value) in of_all.into_iter().chain([
                ("messaging.operation.name", operation),
                ("messaging.operation.type", operation_type),
                ("messaging.consumer.group.name", group),
            ]) {
                assert_eq!(span.attribute(key), value, "{name}: {key}");
            }
        }
        assert!(
            !has_line(&["orders.eu.17"]),
            "a name that has a template has many values, so it is no label"
        );
        assert!(has_line(&[
            "messaging_client_operation_duration_seconds_count",
            "template=\"orders.{region}.{customer}\"",
            "operation_name=\"commit\"",
            "operation_type=\"settle\"",
            "server_address=\"broker.internal\",server_port=\"9092\""
        ]));
    });
}

#[test]
fn a_settlement_is_a_child_of_the_processing_links_to_the_producer_and_can_fail_alone() {
    run(async {
        let (trace, headers) = sent("settled").await;
        let delivery = delivery("settled", 1, &headers);
        process(delivery, async || {
            let told = settle(delivery, "nak", async { Err::<(), _>("connection lost") }).await;
            assert_eq!(told, Err("connection lost"));
            Ok::<_, Infallible>(())
        })
        .await
        .unwrap();
        let spans = spans(&trace, |spans| spans.len() == 4).await;
        let (producer, processing) = (
            named(&spans, "send settled"),
            named(&spans, "process settled"),
        );
        let settlement = named(&spans, "nak settled");
        assert_eq!(settlement.parent(), processing.id());
        assert_eq!(settlement.links(), [(trace, producer.id())]);
        assert!(settlement.is_error());
        assert!(!processing.is_error());
    });
}

#[test]
fn the_age_of_a_message_is_counted_from_when_the_broker_stored_it() {
    run(async {
        let ages = |name: &str| {
            let of = |part: &str| sample(&format!("messaging_process_age_seconds{part}"), &[name]);
            (of("_count"), of("_sum"))
        };
        let (_, headers) = sent("aged").await;
        let stored = SystemTime::now() - Duration::from_secs(90);
        process(
            delivery("aged", 1, &headers).stored_at(stored),
            async || Ok::<_, Infallible>(()),
        )
        .await
        .unwrap();
        let (count, sum) = ages("aged");
        assert_eq!(count, Some(1.0));
        assert!((90.0..120.0).contains(&sum.unwrap()), "{sum:?}");

        let ahead = SystemTime::now() + Duration::from_secs(90);
        process(
            delivery("unborn", 1, &headers).stored_at(ahead),
            async || Ok::<_, Infallible>(()),
        )
        .await
        .unwrap();
        assert_eq!(ages("unborn"), (Some(1.0), Some(0.0)));
    });
}

#[test]
fn the_lag_of_a_consumer_is_what_the_broker_last_said() {
    run(async {
        let consumer = Consumer::of(destination("EVENTS")).group("lagging");
        consumer.lags(Lag {
            waiting: 7,
            unsettled: 3,
            redelivered: 1,
        });
        for (metric, expected) in [
            ("messaging_consumer_lag", 7.0),
            ("messaging_consumer_unsettled", 3.0),
            ("messaging_consumer_redelivered", 1.0),
        ] {
            assert_eq!(sample(metric, &["\"lagging\""]), Some(expected));
        }
    });
}

#[test]
fn a_message_that_cannot_be_sent_is_an_error_of_the_producer_by_the_name_that_its_owner_gives() {
    fn by_name(error: &dyn Any) -> Option<ErrorType> {
        let text: &&str = error.downcast_ref()?;
        text.starts_with("no responders")
            .then(|| ErrorType::named("no_responders"))
    }
    run(async {
        let (trace, result) = traced(async {
            let message = Message::to(destination("refused").errors(by_name));
            publish(message, &SavedContext::default(), async |_| {
                Err::<(), _>("no responders for request 17")
            })
            .await
        })
        .await;
        assert_eq!(result, Err("no responders for request 17"));
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let producer = named(&spans, "send refused");
        assert_eq!(producer.parent(), named(&spans, "root").id());
        assert!(producer.is_error());
        assert_eq!(producer.attribute("error.type"), "no_responders");
        assert!(has_line(&[
            "messaging_client_sent_messages_total",
            "\"refused\"",
            "error_type=\"no_responders\""
        ]));
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
        let (trace, headers) = sent("cut").await;
        let mut handling = Box::pin(process(delivery("cut", 1, &headers), async || {
            std::future::pending::<Result<(), Infallible>>().await
        }));
        assert!(futures::poll!(handling.as_mut()).is_pending());
        drop(handling);
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let span = named(&spans, "process cut");
        assert_eq!(span.attribute("error.type"), "cancelled");
        assert!(!span.is_error());
    });
}

#[test]
fn a_handler_that_panics_leaves_a_span_that_says_so() {
    run(async {
        let (trace, headers) = sent("broken").await;
        let task = tokio::spawn(async move {
            process(delivery("broken", 1, &headers), async || {
                panic!("a bug in the handler");
                #[allow(unreachable_code)]
                Ok::<(), Infallible>(())
            })
            .await
        });
        assert!(task.await.unwrap_err().is_panic());
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let span = named(&spans, "process broken");
        assert_eq!(span.attribute("error.type"), "panic");
        assert!(span.is_error());
        assert!(has_line(&[
            "messaging_process_duration_seconds_count",
            "\"broken\"",
            "error_type=\"panic\""
        ]));
    });
}
