//! What the variables bring about that say how much a span holds and how many wait.

use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};

use crate::collector::{Answer, Collector};
use crate::environment::{NO_FLUSH, SPANS, exported, ran, work};

fn longest(attributes: &[KeyValue]) -> usize {
    let texts = attributes
        .iter()
        .filter_map(|pair| match pair.value.as_ref()?.value.as_ref()? {
            any_value::Value::StringValue(text) => Some(text.len()),
            _ => None,
        });
    texts.max().unwrap_or_default()
}

/// How many attributes, events and links the work had, how many attributes an event and a link had, and how long
/// an attribute of each was.
async fn shape(environment: &[(&str, &str)]) -> ([usize; 5], [usize; 3]) {
    let (_, seen) = exported(environment).await;
    let span = work(&seen);
    let own: Vec<_> = span
        .attributes
        .iter()
        .filter(|pair| pair.key.starts_with('k'))
        .cloned()
        .collect();
    let event = span
        .events
        .first()
        .map_or(&[][..], |event| &event.attributes);
    let link = span.links.first().map_or(&[][..], |link| &link.attributes);
    (
        [
            own.len(),
            span.events.len(),
            span.links.len(),
            event.len(),
            link.len(),
        ],
        [longest(&own), longest(event), longest(link)],
    )
}

#[tokio::test]
async fn a_span_holds_as_much_as_the_limits_say() {
    assert_eq!(shape(&[]).await, ([3; 5], [10; 3]));
    for (limit, value, counts) in [
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "2", [2, 3, 3, 2, 2]),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1", [1, 3, 3, 3, 3]),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "2", [3, 2, 3, 3, 3]),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "1", [3, 3, 1, 3, 3]),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "0", [3, 3, 3, 0, 3]),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "1", [3, 3, 3, 3, 1]),
    ] {
        assert_eq!(shape(&[(limit, value)]).await.0, counts, "{limit}");
    }
}

#[tokio::test]
async fn values_are_as_long_as_the_limits_say() {
    let all = ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4");
    assert_eq!(shape(&[all]).await.1, [4; 3]);
    let of_spans = ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "7");
    assert_eq!(shape(&[all, of_spans]).await.1, [7; 3]);
}

#[tokio::test]
async fn a_batch_has_as_many_spans_as_are_allowed() {
    let ten = (SPANS, "10");
    let (_, seen) = exported(&[ten, ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "3")]).await;
    let sizes: Vec<_> = seen.iter().map(|seen| seen.spans.len()).collect();
    assert_eq!(sizes.iter().sum::<usize>(), 10);
    assert!(sizes.iter().all(|size| *size <= 3), "{sizes:?}");
    let (_, seen) = exported(&[ten]).await;
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn the_queue_has_as_much_room_as_is_said() {
    let (ran, _) = exported(&[("OTEL_BSP_MAX_QUEUE_SIZE", "77")]).await;
    let metrics = ran.metrics();
    let capacity = metrics
        .iter()
        .find_map(|line| line.strip_prefix("otel_sdk_processor_span_queue_capacity "));
    assert_eq!(capacity.map(str::parse), Some(Ok(77.0)));
}

#[tokio::test]
async fn spans_go_out_by_themselves_after_the_delay() {
    for delay in ["0", "20"] {
        let (ran, _) = exported(&[("OTEL_BSP_SCHEDULE_DELAY", delay), (NO_FLUSH, "")]).await;
        assert_eq!(ran.said("by itself"), "1", "{delay}");
    }
}

#[tokio::test]
async fn a_batch_is_given_up_when_its_time_is_over() {
    let collector = Collector::start().await;
    collector.always(Answer::Hang);
    let endpoint = format!("http://{}", collector.address);
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str());
    let ran = ran(&[endpoint, ("OTEL_BSP_EXPORT_TIMEOUT", "100")]).await;
    assert!(
        ran.said("flushed").contains("waiting: 0"),
        "{}",
        ran.stdout()
    );
}

#[tokio::test]
async fn spans_go_to_the_console_or_nowhere() {
    let (ran, seen) = exported(&[("OTEL_TRACES_EXPORTER", "console")]).await;
    assert!(seen.is_empty());
    let line = ran
        .stdout()
        .lines()
        .find_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .expect("a line of JSON");
    assert_eq!(line["name"], "work");
    let (_, seen) = exported(&[("OTEL_TRACES_EXPORTER", "none")]).await;
    assert!(seen.is_empty());
}
