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
        (&trace, 16, "03")
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
fn records_of_the_log_crate_are_lines_with_their_fields_and_the_ids_of_their_span() {
    let levels = ("RUST_LOG", "info,quiet=error");
    let lines = lines("child_uses_the_log_crate", &[levels, REPEATS]);
    let line = said(&lines, "3 dishes are burnt");
    let own = ["level", "target", "dish", "trace_id"].map(|key| text(line, key));
    assert_eq!(own[..3], ["ERROR", "stove", "bibimbap"]);
    assert_eq!(own[3], text(said(&lines, "the trace"), "id"));
    assert_eq!((&line["left"], &line["hot"]), (&2.into(), &true.into()));
    assert_eq!(text(line, "password"), "REDACTED");
    let elsewhere = said(&lines, "from a postgres://REDACTED@db/x");
    assert_eq!(text(elsewhere, "target"), "it::logs");
    assert_eq!(elsewhere.get("trace_id"), None);
    let messages: Vec<_> = lines.iter().map(|line| text(line, "message")).collect();
    assert!(
        !messages
            .iter()
            .any(|message| message.starts_with("unwanted")),
        "{messages:?}"
    );
    // The limit is for each place in the code.
    for (place, expected) in [("again", 5), ("and again", 5)] {
        let count = messages.iter().filter(|message| **message == place).count();
        assert_eq!(count, expected, "{place}");
    }
    let counted = said(&lines, "error lines");
    assert_eq!(counted["count"], 1);
}

const REPEATS: (&str, &str) = ("TELEMETRY_LOG_REPEATS", "5");

#[tokio::test]
#[ignore = "a child"]
async fn child_uses_the_log_crate() {
    let telemetry = telemetry::init("kitchen").unwrap();
    tracing::info_span!("cook").in_scope(|| {
        tracing::info!(id = current_trace_id(), "the trace");
        log::error!(
            target: "stove", dish = "bibimbap", left = 2, hot = true, password = "hunter2";
            "{} dishes are burnt", 3
        );
    });
    log::warn!("from a postgres://chef:hunter2@db/x");
    log::debug!("unwanted, by its level");
    log::warn!(target: "quiet", "unwanted, by its target");
    for _ in 0..9 {
        log::info!("again");
        log::info!("and again");
    }
    let metrics = telemetry.render_metrics();
    let series = r#"telemetry_log_events_total{telemetry_log_level="error"} "#;
    let count = metrics.lines().find_map(|line| line.strip_prefix(series));
    tracing::info!(
        count = count.unwrap().parse::<u64>().unwrap(),
        "error lines"
    );
    let _ = telemetry.shutdown().await;
}

#[test]
fn a_panic_is_a_line_with_its_place_and_the_ids_of_its_span() {
    let output = child::run("logs::child_panics", &[NOWHERE]);
    let lines = json_lines(&output.stderr);
    let line = said(&lines, "panicked: the pot has 2 holes");
    let own = ["level", "target", "trace_id", "thread.name"].map(|key| text(line, key));
    let trace = text(said(&lines, "the trace"), "id");
    assert_eq!(own, ["ERROR", "panic", trace, "stove"]);
    assert!(text(line, "code.file.path").ends_with("logs.rs"), "{line}");
    assert!(line["code.line.number"].is_u64(), "{line}");
    let quoted = said(&lines, "panicked: nats://REDACTED@broker does not answer");
    assert_eq!(quoted.get("trace_id"), None);
    said(&lines, "panicked: (the payload is not a text)");
    // The hook of the standard library, which writes more than one line, is not called.
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.lines().all(|line| line.starts_with('{')), "{text}");
}

#[tokio::test]
#[ignore = "a child"]
async fn child_panics() {
    let telemetry = telemetry::init("kitchen").unwrap();
    let stove = std::thread::Builder::new().name("stove".to_owned());
    let cook = || {
        tracing::info_span!("cook").in_scope(|| {
            tracing::info!(id = current_trace_id(), "the trace");
            panic!("the pot has {} holes", 2);
        });
    };
    assert!(stove.spawn(cook).unwrap().join().is_err());
    for panics in [
        || panic!("nats://user:pass@broker does not answer"),
        || std::panic::panic_any(42),
    ] {
        assert!(std::thread::spawn(panics).join().is_err());
    }
    let _ = telemetry.shutdown().await;
}

#[test]
fn the_panic_hook_that_was_there_runs_too_when_it_is_kept() {
    let output = child::run("logs::child_keeps_the_panic_hook", &[NOWHERE]);
    let text = String::from_utf8_lossy(&output.stderr);
    said(&json_lines(&output.stderr), "panicked: burnt");
    assert!(
        text.lines().any(|line| line == "the hook of the program"),
        "{text}"
    );
}

#[tokio::test]
#[ignore = "a child"]
async fn child_keeps_the_panic_hook() {
    std::panic::set_hook(Box::new(|_| eprintln!("the hook of the program")));
    let builder = telemetry::builder("kitchen").keep_panic_hook();
    let telemetry = builder.init().unwrap();
    assert!(std::thread::spawn(|| panic!("burnt")).join().is_err());
    let _ = telemetry.shutdown().await;
}

#[test]
fn repeats_are_cut_and_counted_and_a_line_says_how_many_were_left_out() {
    let lines = lines("child_repeats_itself", &[("TELEMETRY_LOG_REPEATS", "20")]);
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
    let lines = lines("child_repeats_itself", &[("TELEMETRY_LOG_REPEATS", "off")]);
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
        let environment = [NOWHERE, ("TELEMETRY_LOG_REPEATS", "off"), ("LOST", reason)];
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
        &[NOWHERE, ("TELEMETRY_LOG_FORMAT", "text")],
    );
    let output = String::from_utf8(output.stderr).unwrap();
    let line = output
        .lines()
        .find(|line| line.contains(" ERROR it::logs ") && line.ends_with(" wrong"));
    assert!(line.is_some_and(|line| line.starts_with("20")), "{output}");
}
