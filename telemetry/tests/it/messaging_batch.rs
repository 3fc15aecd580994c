//! Batches: one span for all, linked to each.

use std::convert::Infallible;

use telemetry::context::SavedContext;
use telemetry::messaging::{
    Consumer, Delivery, Destination, Headers, Message, context, process, process_batch,
    publish_batch, receive,
};

use crate::harness::{all_spans_so_far, has_line, named, run, sample, spans, traced};
use crate::messaging::sent;
use crate::receiver::{Span, SpanKind};

/// More than a span keeps links.
const MANY: usize = 300;

fn consumer(name: &str) -> Consumer<'_> {
    Consumer::of(Destination::new("kafka", name)).group("billing")
}

/// What the links of a span and of those that carry its rest name: span ids.
fn linked(spans: &[Span]) -> Vec<String> {
    let mut ids: Vec<_> = spans
        .iter()
        .flat_map(|span| span.links().into_iter().map(|(_, id)| id))
        .collect();
    ids.sort();
    ids
}

fn span_id(headers: &[(String, String)]) -> String {
    let saved = context(headers);
    saved.span_context().unwrap().span_id().to_string()
}

#[test]
fn what_one_poll_brings_is_a_span_that_links_to_each_message_and_lasts_as_long_as_the_poll() {
    run(async {
        let messages = [sent("polled").await.1, sent("polled").await.1];
        let expected = messages.clone();
        let (trace, received) = traced(async {
            receive(
                consumer("polled"),
                async {
                    tokio::task::yield_now().await;
                    Ok::<_, Infallible>(messages.to_vec())
                },
                |headers: &Headers| context(headers),
            )
            .await
            .unwrap()
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let span = named(&spans, "receive polled");
        assert_eq!(span.kind(), SpanKind::Client);
        assert_eq!(span.parent(), named(&spans, "root").id());
        assert_eq!(span.attribute("messaging.batch.message_count"), "2");
        assert_eq!(span.attribute("messaging.operation.type"), "receive");
        let mut ids: Vec<_> = expected.iter().map(|headers| span_id(headers)).collect();
        ids.sort();
        assert_eq!(linked(std::slice::from_ref(span)), ids);

        for headers in &received {
            let delivery = Delivery::to(consumer("polled")).headers(headers).received();
            process(delivery, async || Ok::<_, Infallible>(()))
                .await
                .unwrap();
        }
        let consumed = |operation: &str| {
            sample(
                "messaging_client_consumed_messages_total",
                &["\"polled\"", operation],
            )
        };
        assert_eq!(consumed("\"receive\""), Some(2.0));
        assert_eq!(consumed("\"process\""), None, "each delivery counts once");
    });
}

#[test]
fn a_poll_that_brings_nothing_leaves_no_span_and_counts_nowhere() {
    run(async {
        let nothing = receive(
            consumer("unvisited"),
            async { Ok::<_, Infallible>(Vec::<Headers>::new()) },
            |headers| context(headers),
        )
        .await
        .unwrap();
        assert!(nothing.is_empty());
        process_batch(&[], async || Ok::<_, Infallible>(()))
            .await
            .unwrap();
        let spans = all_spans_so_far().await;
        assert!(spans.iter().all(|span| !span.name().contains("unvisited")));
        assert!(!has_line(&["\"unvisited\""]));
    });
}

#[test]
fn a_poll_that_fails_is_a_failed_span() {
    run(async {
        let (trace, result) = traced(receive(
            consumer("gone"),
            async { Err::<Vec<Headers>, _>("broker is down") },
            |headers| context(headers),
        ))
        .await;
        assert!(result.is_err());
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let span = named(&spans, "receive gone");
        assert!(span.is_error());
        assert_eq!(span.attribute("error.type"), "&str");
        let failed = sample(
            "messaging_client_operation_duration_seconds_count",
            &["\"gone\"", "\"&str\""],
        );
        assert_eq!(failed, Some(1.0));
    });
}

#[test]
fn a_batch_links_to_every_message_and_child_spans_carry_what_is_past_the_limit() {
    run(async {
        let mut batch = Vec::new();
        for _ in 0..MANY {
            batch.push(sent("billed").await.1);
        }
        let deliveries: Vec<_> = batch
            .iter()
            .map(|headers| Delivery::to(consumer("billed")).headers(headers))
            .collect();
        let trace = process_batch(&deliveries, async || {
            Ok::<_, Infallible>(telemetry::context::current_trace_id().unwrap())
        })
        .await
        .unwrap();
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        let span = named(&spans, "process billed");
        assert_eq!(span.kind(), SpanKind::Consumer);
        assert_eq!(span.parent(), "", "the batch comes from many traces");
        assert_eq!(
            span.attribute("messaging.batch.message_count"),
            MANY.to_string()
        );
        let mut carried = 0;
        for carrier in spans.iter().filter(|other| other.id() != span.id()) {
            assert_eq!(carrier.name(), "messaging.process.links");
            assert_eq!(carrier.parent(), span.id());
            assert!(carrier.links().len() <= 128);
            assert_eq!(
                carrier.attribute("link.count"),
                carrier.links().len().to_string()
            );
            carried += carrier.links().len();
        }
        assert_eq!((span.links().len(), carried), (128, MANY - 128));
        let mut ids: Vec<_> = batch.iter().map(|headers| span_id(headers)).collect();
        ids.sort();
        assert_eq!(linked(&spans), ids);
        let consumed = sample("messaging_client_consumed_messages_total", &["\"billed\""]);
        #[allow(clippy::cast_precision_loss)]
        let many = MANY as f64;
        assert_eq!(consumed, Some(many));
    });
}

#[test]
fn each_message_of_a_sent_batch_is_created_in_its_own_trace_and_the_sending_links_to_them() {
    run(async {
        let to = Destination::new("kafka", "bulk");
        let (first, saved) = traced(async { SavedContext::current() }).await;
        let (second, saved_too) = traced(async { SavedContext::current() }).await;
        let (trace, headers) = traced(async {
            let messages = [
                (Message::to(to).id("a"), &saved),
                (Message::to(to).id("b"), &saved_too),
            ];
            publish_batch(to, messages, async |headers| Ok::<_, Infallible>(headers))
                .await
                .unwrap()
        })
        .await;
        assert_eq!(headers.len(), 2);
        let all = spans(&trace, |spans| spans.len() == 2).await;
        let sending = named(&all, "send bulk");
        assert_eq!(sending.kind(), SpanKind::Client);
        assert_eq!(sending.attribute("messaging.batch.message_count"), "2");
        for ((trace, id), headers) in [(first, "a"), (second, "b")].into_iter().zip(&headers) {
            let spans = spans(&trace, |spans| spans.len() == 2).await;
            let creation = named(&spans, "create bulk");
            assert_eq!(creation.kind(), SpanKind::Producer);
            assert_eq!(creation.parent(), named(&spans, "root").id());
            assert_eq!(creation.attribute("messaging.message.id"), id);
            assert_eq!(span_id(headers), creation.id());
            assert!(sending.links().contains(&(trace, creation.id())));
        }
        let sent = sample("messaging_client_sent_messages_total", &["\"bulk\""]);
        assert_eq!(sent, Some(2.0));
    });
}
