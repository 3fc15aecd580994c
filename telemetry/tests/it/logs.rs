//! Log lines as a service writes them, each test in a process of its own.

use std::io::Read;
use std::process::Stdio;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use telemetry::context::{SavedContext, current_trace_id, set_parent, spawn};
use telemetry::http::ServerLayer;
use telemetry::signals;
use tower::ServiceExt;
use tracing::Instrument;

use crate::child;

/// A collector that nobody waits for: the port is below those that are given out.
const NOWHERE: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1");

fn json_lines(text: &[u8]) -> Vec<Value> {
    String::from_utf8_lossy(text)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// The lines that the ignored test of this name writes.
fn lines(test: &str, environment: &[(&str, &str)]) -> Vec<Value> {
    let environment = [&[NOWHERE], environment].concat();
    json_lines(&child::run(&format!("logs::{test}"), &environment).stderr)
}

fn text<'a>(line: &'a Value, key: &str) -> &'a str {
    line[key].as_str().unwrap_or_default()
}

fn said<'a>(lines: &'a [Value], message: &str) -> &'a Value {
    lines
        .iter()
        .find(|line| line["message"] == message)
        .unwrap_or_else(|| panic!("nobody said {message:?}: {lines:#?}"))
}

#[test]
fn a_line_has_the_ids_of_the_span_that_it_belongs_to() {
    let lines = lines("child_logs_everywhere", &[]);
    let trace = text(said(&lines, "the trace"), "id").to_owned();
    let ids = |message| {
        let line = said(&lines, message);
        let ids = ["trace_id", "span_id", "trace_flags"].map(|key| text(line, key).to_owned());
        <(String, String, String)>::from(ids)
    };
    let server = ids("in the handler");
    assert_eq!(
        (&server.0, server.1.len(), server.2.as_str()),
        (&trace, 16, "01")
    );
    for same in ["in a debug span", "in a task", "after the child"] {
        assert_eq!(ids(same), server, "{same}");
    }
    let inner = ids("in a child");
    assert_eq!(inner.0, trace);
    assert_ne!(inner.1, server.1);
    assert_eq!(ids("of the child, from outside"), inner);
    let unsampled = ids("not sampled");
    assert_eq!(unsampled.0, "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!((unsampled.1.len(), unsampled.2.as_str()), (16, "00"));
    for outside in ["outside of any trace", "of no span"] {
        assert_eq!(ids(outside), Default::default(), "{outside}");
        assert_eq!(said(&lines, outside).get("trace_id"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child"]
async fn child_logs_everywhere() {
    let telemetry = telemetry::init("kitchen").unwrap();
    tracing::info!("outside of any trace");
    let app = Router::new()
        .route(
            "/",
            get(async || {
                tracing::info!("in the handler");
                tracing::info!(parent: None, "of no span");
                tracing::debug_span!("fine").in_scope(|| tracing::info!("in a debug span"));
                let child = tracing::info_span!("child");
                child.in_scope(|| tracing::info!("in a child"));
                tracing::info!("after the child");
                tracing::info!(parent: &child, "of the child, from outside");
                let task = spawn(async {
                    tokio::task::yield_now().await;
                    tracing::info!("in a task");
                });
                task.await.unwrap();
                current_trace_id().unwrap()
            }),
        )
        .layer(ServerLayer::new());
    let answer = app.oneshot(Request::new(Body::empty())).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    tracing::info!(id = std::str::from_utf8(&body).unwrap(), "the trace");

    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
    let parent = SavedContext::from_text(&format!(r#"{{"traceparent":"{parent}"}}"#));
    let span = tracing::info_span!("left out");
    set_parent(&span, &parent);
    async { tracing::info!("not sampled") }
        .instrument(span)
        .await;
    let _ = telemetry.shutdown().await;
}

#[test]
fn repeats_are_cut_and_counted_and_a_line_says_how_many_were_left_out() {
    let lines = lines("child_repeats_itself", &[("BIDTRACE_LOG_REPEATS", "20")]);
    let count = |message| {
        lines
            .iter()
            .filter(|line| line["message"] == message)
            .count()
    };
    assert_eq!(
        (count("again"), count("wrong"), count("other")),
        (20, 200, 3)
    );
    let left_out: Vec<_> = lines
        .iter()
        .filter(|line| line["log.repeats"].is_u64())
        .collect();
    let told = |message: &str| {
        let line = left_out
            .iter()
            .find(|line| line["log.repeated"] == message)
            .unwrap();
        assert!(text(line, "code.file.path").ends_with("logs.rs"));
        (line["log.repeats"].as_u64().unwrap(), text(line, "level"))
    };
    assert_eq!(told("again"), (480, "INFO"));
    assert_eq!(told("wrong"), (300, "ERROR"));
    assert_eq!(left_out.len(), 2, "{left_out:#?}");
}

#[test]
fn repeats_are_all_there_when_their_bound_is_off() {
    let lines = lines("child_repeats_itself", &[("BIDTRACE_LOG_REPEATS", "off")]);
    assert_eq!(lines.len(), 500 + 500 + 3 + 1);
}

#[tokio::test]
#[ignore = "a child"]
async fn child_repeats_itself() {
    let telemetry = telemetry::init("kitchen").unwrap();
    for _ in 0..500 {
        tracing::info!("again");
        tracing::error!("wrong");
    }
    for _ in 0..3 {
        tracing::info!("other");
    }
    let metrics = telemetry.render_metrics();
    let value = |metric: &signals::Metric, level: &str| -> u64 {
        let series = format!(
            "{}{{telemetry_log_level=\"{level}\"}} ",
            metric.prometheus_name()
        );
        let value = metrics.lines().find_map(|line| line.strip_prefix(&series));
        value
            .unwrap_or_else(|| panic!("no {series} in {metrics}"))
            .parse()
            .unwrap()
    };
    let (put, left_out) = (
        &signals::TELEMETRY_LOG_EVENTS,
        &signals::TELEMETRY_LOG_SUPPRESSED,
    );
    for (level, events) in [("info", 503), ("error", 500)] {
        assert_eq!(value(put, level) + value(left_out, level), events);
    }
    assert_eq!((value(put, "trace"), value(left_out, "warn")), (0, 0));
    tracing::info!(cut = value(left_out, "info") > 0, "the count");
    telemetry.shutdown().await.unwrap();
}

#[test]
fn a_reader_that_has_gone_or_hangs_neither_stops_nor_ends_the_process() {
    for (gone, reason) in [(true, "write_failed"), (false, "buffer_full")] {
        let environment = [NOWHERE, ("BIDTRACE_LOG_REPEATS", "off"), ("LOST", reason)];
        let mut child = child::command("logs::child_logs_a_lot", &environment)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = child.stderr.take().filter(|_| !gone);
        let mut stdout = String::new();
        child
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut stdout)
            .unwrap();
        assert!(child.wait().unwrap().success(), "{stdout}");
        drop(stderr);
    }
}

#[tokio::test]
#[ignore = "a child"]
async fn child_logs_a_lot() {
    let reason = std::env::var("LOST").unwrap();
    let telemetry = telemetry::init("kitchen").unwrap();
    let filling = "x".repeat(1000);
    let name = signals::TELEMETRY_LOG_DROPPED.prometheus_name();
    let series = format!("{name}{{telemetry_reason=\"{reason}\"}} ");
    crate::harness::eventually(async || {
        for _ in 0..4000 {
            tracing::info!(filling);
        }
        let metrics = telemetry.render_metrics();
        let lost = metrics.lines().find_map(|line| line.strip_prefix(&series));
        lost.unwrap() != "0"
    })
    .await
    .unwrap();
    let _ = telemetry.shutdown().await;
}

#[test]
fn the_readable_form_is_one_line_for_each_event() {
    let output = child::run(
        "logs::child_repeats_itself",
        &[NOWHERE, ("BIDTRACE_LOG_FORMAT", "text")],
    );
    let output = String::from_utf8(output.stderr).unwrap();
    let line = output
        .lines()
        .find(|line| line.contains(" ERROR it::logs ") && line.ends_with(" wrong"));
    assert!(line.is_some_and(|line| line.starts_with("20")), "{output}");
}
