//! What depends on the environment of a process, each in a process of its own.

use std::process::Output;
use std::time::Duration;

use serde_json::Value;
use telemetry::context::{SavedContext, current_trace_id};
use telemetry::messaging::{Destination, Message, publish};
use telemetry::{Loss, ShutdownError};

use crate::harness::LIMIT;
use crate::receiver::Receiver;

/// Runs one of the ignored tests below in a new process.
fn child(test: &str, environment: &[(&str, &str)]) -> Output {
    crate::child::run(&format!("process::{test}"), environment)
}

#[test]
fn a_shutdown_without_a_collector_says_how_much_is_lost() {
    // A port that nothing listens on: it was free a moment ago, and is below those that are given out.
    child(
        "child_loses_three_spans",
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")],
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child"]
async fn child_loses_three_spans() {
    let telemetry = telemetry::init("child").unwrap();
    for _ in 0..3 {
        tracing::info_span!("lost").in_scope(|| {});
    }
    let ShutdownError { lost, .. } = telemetry.shutdown().await.unwrap_err();
    assert_eq!(lost[Loss::Unreachable], 3, "{lost}");
}

#[test]
fn a_shutdown_keeps_its_time_when_the_collector_hangs_and_says_what_may_have_arrived() {
    // The connection is made, since the system does that; nobody ever reads from it.
    let hung = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", hung.local_addr().unwrap());
    child(
        "child_shuts_down_in_spite_of_a_hung_collector",
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)],
    );
}

#[tokio::test]
#[ignore = "a child"]
async fn child_shuts_down_in_spite_of_a_hung_collector() {
    let telemetry = telemetry::init("child").unwrap();
    let live = tracing::info_span!("live");
    live.in_scope(|| {});
    // More than a batch: the second one waits behind the first.
    for _ in 0..600 {
        tracing::info_span!("lost").in_scope(|| {});
    }
    let limit = Duration::from_millis(500);
    let shutdown = telemetry.shutdown_within(limit);
    let error = tokio::time::timeout(LIMIT, shutdown)
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.lost[Loss::Timeout], 512, "{error}");
    assert_eq!(error.lost[Loss::ShutdownTimeout], 88, "{error}");
    assert_eq!(error.lost, error.spans.lost);
    assert_eq!((error.spans.live, error.spans.exported), (1, 0));
    assert!(error.spans.is_balanced(), "{error:?}");
}

#[test]
fn a_disabled_sdk_passes_the_context_on_and_makes_no_span() {
    child("child_is_disabled", &[("OTEL_SDK_DISABLED", "true")]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child"]
async fn child_is_disabled() {
    let telemetry = telemetry::init("child").unwrap();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let saved = SavedContext::from_text(&format!(r#"{{"traceparent":"{parent}"}}"#));
    let message = Message::to(Destination::new("nats", "any")).id("1");
    let headers = publish(message, &saved, async |headers| Ok::<_, String>(headers))
        .await
        .unwrap();
    assert!(headers.contains(&("traceparent".to_owned(), parent.to_owned())));
    assert_eq!(telemetry.spans().started, 0);
    telemetry.shutdown().await.unwrap();
}

#[test]
fn a_log_level_cuts_logs_and_never_traces_and_a_line_names_its_trace() {
    let output = child("child_warns", &[("RUST_LOG", "warn")]);
    let lines = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    assert_eq!(line["message"], "low stock");
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["service"], "kitchen");
    assert_eq!(line["left"], 2);
    assert_eq!(line["trace_id"].as_str().unwrap().len(), 32);
    assert_eq!(line["span_id"].as_str().unwrap().len(), 16);
    assert_eq!(
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .find_map(|line| line.strip_prefix("trace ").map(str::to_owned)),
        line["trace_id"].as_str().map(str::to_owned)
    );
}

// A single-threaded runtime, where a flush that blocks it would wait for itself for ever.
#[tokio::test]
#[ignore = "a child"]
async fn child_warns() {
    let (receiver, url) = Receiver::start().await;
    let telemetry = telemetry::builder("kitchen").collector(url).init().unwrap();
    let trace = tracing::info_span!("cook").in_scope(|| {
        tracing::info!("nothing to see");
        tracing::warn!(left = 2, service = "not the service", "low stock");
        current_trace_id().unwrap()
    });
    println!("\ntrace {trace}");
    telemetry.shutdown().await.unwrap();
    assert_eq!(receiver.trace(&trace).len(), 1);
}
