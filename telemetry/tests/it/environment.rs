//! What each variable of the environment brings about. A child does some work, tells what it saw, and its collector
//! tells what came.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use opentelemetry::trace::{Link, Span as _, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};
use serde_json::Value;
use telemetry::admin::{Admin, Readiness};
use telemetry::context::SavedContext;
use telemetry::signals::{HttpRequestMethod, HttpServerRequestDuration, UrlScheme};

use crate::child;
use crate::collector::{Collector, Seen};

/// The trace of a caller.
pub const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// What a child is told to do beside its usual work.
pub const PARENT: &str = "CHILD_PARENT";
pub const SPANS: &str = "CHILD_SPANS";
pub const BIND: &str = "CHILD_BIND";
pub const NO_FLUSH: &str = "CHILD_NO_FLUSH";
pub const VENDOR: &str = "CHILD_VENDOR";

/// How long a child waits for what must come by itself: less than the default of any delay.
const SOON: Duration = Duration::from_secs(4);

/// What came of one child.
pub struct Ran {
    stdout: String,
    pub stderr: String,
}

/// Runs the child with this environment.
pub async fn ran(environment: &[(&str, &str)]) -> Ran {
    let environment: Vec<(String, String)> = environment
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let output = tokio::task::spawn_blocking(move || {
        let environment: Vec<_> = environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        child::run("environment::child_works", &environment)
    });
    let output = output.await.unwrap();
    Ran {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs the child with a collector, in clear text over gRPC, and hands over what that has seen.
pub async fn exported(environment: &[(&str, &str)]) -> (Ran, Vec<Seen>) {
    let collector = Collector::start().await;
    let endpoint = format!("http://{}", collector.address);
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str());
    let ran = ran(&[&[endpoint], environment].concat()).await;
    (ran, collector.seen())
}

pub fn work(seen: &[Seen]) -> &opentelemetry_proto::tonic::trace::v1::Span {
    let mut spans = seen.iter().flat_map(|seen| &seen.spans);
    spans
        .find(|span| span.name == "work")
        .expect("work was exported")
}

pub fn worked(seen: &[Seen]) -> bool {
    seen.iter().any(|seen| !seen.spans.is_empty())
}

impl Ran {
    /// What the child said of this.
    pub fn said(&self, what: &str) -> &str {
        self.stdout
            .lines()
            .find_map(|line| line.strip_prefix(what)?.strip_prefix(": "))
            .unwrap_or_else(|| {
                panic!(
                    "the child did not say {what}: {}{}",
                    self.stdout, self.stderr
                )
            })
    }

    pub fn stdout(&self) -> &str {
        &self.stdout
    }

    /// Its metrics, which stand on one line.
    pub fn metrics(&self) -> Vec<String> {
        serde_json::from_str::<String>(self.said("metrics"))
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    pub fn lines(&self) -> Vec<Value> {
        self.stderr
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// The warnings about variables: which, with what value, and what would be right.
    pub fn warnings(&self) -> Vec<(String, String, String)> {
        let field = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
        self.lines()
            .iter()
            .filter(|line| line["level"] == "WARN" && line["variable"].is_string())
            .map(|line| {
                (
                    field(line, "variable"),
                    field(line, "value"),
                    field(line, "expected"),
                )
            })
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child"]
async fn child_works() {
    let var = |name: &str| std::env::var(name).ok();
    let mut builder = telemetry::builder("child");
    if let Some(vendor) = var(VENDOR) {
        builder = builder.vendor(vendor.leak());
    }
    let telemetry = match builder.init() {
        Ok(telemetry) => telemetry,
        Err(error) => {
            println!(
                "\nrefused: {}",
                serde_json::to_string(&error.to_string()).unwrap()
            );
            return;
        }
    };
    let parent = var(PARENT).map_or_else(Context::new, |parent| {
        SavedContext::from_traceparent(&parent).to_context()
    });
    let tracer = global::tracer("child");
    let three = || {
        [1, 2, 3]
            .map(|n| KeyValue::new(format!("k{n}"), "0123456789"))
            .to_vec()
    };
    let linked = SavedContext::from_traceparent(&format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let linked = linked.span_context().unwrap().clone();
    let links = vec![Link::new(linked, three(), 0); 3];
    let mut span = tracer
        .span_builder("work")
        .with_attributes(three())
        .with_links(links)
        .start_with_context(&tracer, &parent);
    for _ in 0..3 {
        span.add_event("event", three());
    }
    println!("\nrecorded: {}", span.is_recording());
    let context = parent.with_span(span);
    let mut carried = HashMap::new();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, &mut carried));
    println!("carried: {}", serde_json::to_string(&carried).unwrap());
    {
        let _current = context.clone().attach();
        HttpServerRequestDuration {
            http_request_method: HttpRequestMethod::Get,
            url_scheme: UrlScheme::Http,
            http_route: None,
            http_response_status_code: None,
            network_protocol_version: None,
            error_type: None,
        }
        .record(0.2);
        tracing::info!("at work");
        tracing::debug_span!(target: "shop::till", "detail").in_scope(|| {});
    }
    context.span().end();
    for _ in 1..var(SPANS).map_or(1, |spans| spans.parse().unwrap()) {
        tracer.start("more").end();
    }
    if var(BIND).is_some() {
        let bound = Admin::bind_from_environment(&telemetry, Readiness::default());
        let bound = bound.map(|admin| admin.local_addr().unwrap().to_string());
        println!(
            "bound: {}",
            bound.unwrap_or_else(|error| error.kind().to_string())
        );
    }
    if var(NO_FLUSH).is_some() {
        let started = Instant::now();
        while telemetry.spans().exported == 0 && started.elapsed() < SOON {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        println!("by itself: {}", telemetry.spans().exported);
    }
    let flushed = telemetry.flush().await;
    println!("flushed: {flushed:?}");
    let metrics = telemetry.render_open_metrics();
    println!("metrics: {}", serde_json::to_string(&metrics).unwrap());
    println!("account: {:?}", telemetry.spans());
    // What it says was said at the flush.
    let _ = telemetry.shutdown_within(Duration::from_millis(100)).await;
}
