//! Every metric that the crate declares, as others read it: the reference parser, promtool, and Prometheus. Each test
//! is a process of its own, in which everything is measured.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde::Deserialize;
use serde_json::Value;
use telemetry::Telemetry;
use telemetry::admin::{Admin, Readiness};
use telemetry::http::ServerLayer;
use telemetry::signals::{self, Kind, Metric};
use tower::Service;

use crate::harness::{eventually, has_line, plain_client, run, serve, telemetry};
use crate::receiver::Receiver;
use crate::{child, programs};

/// What a label can hold at worst.
const STRANGE: &str = "a\\\"b\\\\c\nd,e=\"f\"} 1 # {\r\tüé";

const TEXT: &str = "text/plain;version=0.0.4";
const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0";

/// A process in which everything has been measured.
struct Measured {
    telemetry: Telemetry,
    receiver: Receiver,
    address: SocketAddr,
    /// The sampled trace in which it was.
    trace: String,
}

#[derive(Debug, Deserialize)]
struct Family {
    name: String,
    r#type: String,
    unit: String,
    help: String,
    samples: Vec<Sample>,
}

#[derive(Debug, Deserialize)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: String,
    exemplar: Option<Exemplar>,
}

#[derive(Debug, Deserialize)]
struct Exemplar {
    labels: BTreeMap<String, String>,
    value: f64,
    timestamp: f64,
}

impl Measured {
    async fn now() -> Self {
        let (receiver, url) = Receiver::start().await;
        let telemetry = telemetry::builder("metrics")
            .version("1.2.3")
            .collector(url)
            .init()
            .unwrap();
        let trace = tracing::info_span!("measures").in_scope(|| {
            for metric in signals::all() {
                measure(metric);
            }
            metrics::describe_counter!("surprise.count", STRANGE);
            metrics::describe_histogram!("surprise.time", STRANGE);
            metrics::counter!("surprise.count", "le" => STRANGE).increment(1);
            metrics::histogram!("surprise.time", "le" => STRANGE).record(0.3);
            telemetry::context::current_trace_id().unwrap()
        });
        let admin = Admin::bind("127.0.0.1:0", &telemetry, Readiness::default()).unwrap();
        let address = admin.local_addr().unwrap();
        tokio::spawn(admin.serve(std::future::pending()));
        Self {
            telemetry,
            receiver,
            address,
            trace,
        }
    }

    async fn scrape(&self, accept: &str) -> (HeaderMap, Bytes) {
        let request = Request::get(format!("http://{}/metrics", self.address))
            .header(ACCEPT, accept)
            .body(Full::<Bytes>::default())
            .unwrap();
        let response = plain_client().call(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let (head, body) = response.into_parts();
        (head.headers, body.collect().await.unwrap().to_bytes())
    }
}

/// Puts one measurement into a series with the strangest labels.
fn measure(metric: &'static Metric) {
    let labels: Vec<(String, &str)> = metric
        .labels
        .iter()
        .map(|key| (signals::label_name(key).into_owned(), STRANGE))
        .collect();
    let name = metric.prometheus_name();
    match metric.kind {
        Kind::Counter => metrics::counter!(name, &labels).increment(1),
        Kind::Gauge | Kind::ObservableCounter => metrics::gauge!(name, &labels).set(0.5),
        Kind::Histogram => metrics::histogram!(name, &labels).record(metric.buckets[1]),
        // It says who the process is.
        Kind::Info => {}
    }
}

/// What the reference parser makes of an exposition, by the name of the family.
fn parsed(format: &str, exposition: &[u8]) -> BTreeMap<String, Family> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/exposition.py");
    let json = programs::fed(
        Command::new(programs::find("BIDTRACE_TEST_PYTHON", "python/bin/python3"))
            .args([script, format]),
        exposition,
    );
    let families: Vec<Family> = serde_json::from_slice(&json).unwrap();
    let count = families.len();
    let families: BTreeMap<_, _> = families
        .into_iter()
        .map(|family| (family.name.clone(), family))
        .collect();
    assert_eq!(families.len(), count, "a family comes twice");
    families
}

/// The family of a declared metric in OpenMetrics, and how its type is called.
fn in_open_metrics(metric: &Metric) -> (String, &'static str) {
    let name = metric.prometheus_name();
    let without = |suffix| name.strip_suffix(suffix).unwrap().to_owned();
    match metric.kind {
        Kind::Counter | Kind::ObservableCounter => (without("_total"), "counter"),
        Kind::Gauge => (name, "gauge"),
        Kind::Histogram => (name, "histogram"),
        Kind::Info => (without("_info"), "info"),
    }
}

#[test]
fn the_reference_parser_reads_every_metric_in_both_formats() {
    child::run(
        "metrics::child_is_read_by_the_reference_parser",
        &[(
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test",
        )],
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child"]
async fn child_is_read_by_the_reference_parser() {
    let measured = Measured::now().await;
    let (head, open) = measured.scrape(OPEN_METRICS).await;
    assert_eq!(
        head[CONTENT_TYPE],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let (head, text) = measured.scrape(TEXT).await;
    assert_eq!(
        head[CONTENT_TYPE],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let (open, text) = (parsed("openmetrics", &open), parsed("text", &text));
    for metric in signals::all() {
        let (name, kind) = in_open_metrics(metric);
        let family = &open[&name];
        assert_eq!(family.r#type, kind, "{name}");
        assert_eq!(family.help, metric.help);
        assert_eq!(family.unit == "seconds", metric.unit == "s", "{name}");
        holds_what_was_measured(metric, family);
        // The reference parser of the text format names families as OpenMetrics does, but for infos.
        let name = match metric.kind {
            Kind::Info => metric.prometheus_name(),
            _ => name,
        };
        let family = &text[&name];
        let kind = if kind == "info" { "gauge" } else { kind };
        assert_eq!(family.r#type, kind, "{name}");
        assert_eq!(family.help, metric.help);
        holds_what_was_measured(metric, family);
    }
    let target = &open["target"].samples[0];
    for (label, value) in [
        ("service_name", "metrics"),
        ("service_version", "1.2.3"),
        ("telemetry_sdk_language", "rust"),
        ("deployment_environment_name", "test"),
    ] {
        assert_eq!(target.labels.get(label).unwrap(), value, "{target:?}");
    }
    let malformed = open["telemetry_context_rejected"]
        .samples
        .iter()
        .find(|sample| sample.labels["telemetry_reason"] == "malformed")
        .unwrap();
    assert_eq!(malformed.value.parse(), Ok(0.0), "nothing was rejected");
    for (name, sample) in [
        ("surprise_count", "surprise_count_total"),
        ("surprise_time", "surprise_time_count"),
    ] {
        let sample = open[name]
            .samples
            .iter()
            .find(|s| s.name == sample)
            .unwrap();
        assert_eq!(sample.labels["exported_le"], STRANGE);
    }
    exemplars_lead_to(&measured, &open).await;
}

fn holds_what_was_measured(metric: &Metric, family: &Family) {
    if metric.kind == Kind::Info {
        assert_eq!(family.samples.len(), 1);
        return;
    }
    let ours: Vec<_> = family
        .samples
        .iter()
        .filter(|sample| {
            metric.labels.iter().all(|key| {
                let label = signals::label_name(key);
                sample.labels.get(&*label).map(String::as_str) == Some(STRANGE)
            })
        })
        .collect();
    assert!(!ours.is_empty(), "{family:?}");
    if metric.kind == Kind::Histogram {
        let value = |name: String, le: Option<&str>| {
            ours.iter()
                .find(|s| s.name == name && s.labels.get("le").map(String::as_str) == le)
                .unwrap_or_else(|| panic!("no {name} for {le:?} in {ours:?}"))
                .value
                .parse::<f64>()
                .unwrap()
        };
        let all = value(format!("{}_bucket", family.name), Some("+Inf"));
        let count = value(format!("{}_count", family.name), None);
        assert!(count >= 1.0 && (all - count).abs() < f64::EPSILON);
        assert_eq!(
            ours.iter()
                .filter(|sample| sample.name.ends_with("_bucket"))
                .count(),
            metric.buckets.len() + 1
        );
    }
}

/// Every exemplar is of the trace in which everything was measured, whose span is marked to be kept.
async fn exemplars_lead_to(measured: &Measured, families: &BTreeMap<String, Family>) {
    let exemplars: Vec<_> = families
        .values()
        .flat_map(|family| &family.samples)
        .filter_map(|sample| Some((sample, sample.exemplar.as_ref()?)))
        .collect();
    let histograms = signals::all().filter(|metric| metric.kind == Kind::Histogram);
    // Also the one that nobody declared.
    assert!(exemplars.len() > histograms.count());
    measured.telemetry.flush().await.unwrap();
    let spans = measured.receiver.trace(&measured.trace);
    let span = spans.iter().find(|span| span.name() == "measures").unwrap();
    assert_eq!(span.attribute("telemetry.keep"), "true");
    for (sample, exemplar) in exemplars {
        assert_eq!(exemplar.labels["trace_id"], measured.trace, "{sample:?}");
        assert_eq!(exemplar.labels["span_id"], span.id());
        assert!(exemplar.value <= sample.labels["le"].parse().unwrap());
        assert!(exemplar.timestamp > 1.7e9);
    }
}

#[test]
fn a_sampled_request_is_its_routes_exemplar_and_an_unsampled_one_is_none() {
    run(async {
        let router = Router::new()
            .route("/exemplars/sampled", get(async || "ok"))
            .route("/exemplars/unsampled", get(async || "ok"))
            .layer(ServerLayer::new());
        let address = serve(router).await;
        let ask = async |path: &str, parent: Option<&str>| {
            let mut request = Request::get(format!("http://{address}{path}"));
            if let Some(parent) = parent {
                request = request.header("traceparent", parent);
            }
            let request = request.body(Full::<Bytes>::default()).unwrap();
            let response = plain_client().call(request).await.unwrap();
            let trace = response.headers()["x-trace-id"].clone();
            response.into_body().collect().await.unwrap();
            // It is counted when the last of it has been sent.
            let count = format!("http_route=\"{path}\"");
            eventually(async || has_line(&["http_server_request_duration_seconds_count", &count]))
                .await
                .unwrap();
            let told = telemetry().render_open_metrics();
            let exemplars: Vec<_> = told
                .lines()
                .filter(|line| line.contains(&count) && line.contains(" # {"))
                .map(str::to_owned)
                .collect();
            (trace.to_str().unwrap().to_owned(), exemplars)
        };
        let (trace, exemplars) = ask("/exemplars/sampled", None).await;
        assert_eq!(exemplars.len(), 1, "{exemplars:?}");
        assert!(exemplars[0].contains(&trace), "{trace}: {exemplars:?}");
        let unsampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
        let (_, exemplars) = ask("/exemplars/unsampled", Some(unsampled)).await;
        assert_eq!(exemplars, Vec::<String>::new());
    });
}

#[test]
fn a_recorder_that_a_test_puts_in_place_gets_what_its_thread_measures() {
    run(async {
        let timeouts = signals::DbClientConnectionTimeouts {
            db_client_connection_pool_name: "local",
        };
        timeouts.add(1);
        let local = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&local, || timeouts.add(5));
        timeouts.add(1);
        let series =
            "db_client_connection_timeouts_total{db_client_connection_pool_name=\"local\"}";
        assert_eq!(crate::harness::series(series), Some(2.0));
        let told = local.handle().render();
        assert!(told.contains(&format!("{series} 5\n")), "{told}");
    });
}

#[test]
fn promtool_finds_nothing_to_complain_of() {
    child::run("metrics::child_is_checked_by_promtool", &[]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child"]
async fn child_is_checked_by_promtool() {
    let measured = Measured::now().await;
    let (_, text) = measured.scrape(TEXT).await;
    // The name is that of the conventions; promtool takes its last word for a histogram's.
    let text = String::from_utf8(text.to_vec()).unwrap();
    let judged: String = text
        .split_inclusive('\n')
        .filter(|line| !line.contains("db_client_connection_count"))
        .collect();
    programs::fed(
        Command::new(programs::find("PROMTOOL", "bin/promtool")).args(["check", "metrics"]),
        judged.as_bytes(),
    );
}

#[test]
fn prometheus_scrapes_every_metric_and_finds_the_exemplars() {
    child::run("metrics::child_is_scraped_by_prometheus", &[]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child"]
async fn child_is_scraped_by_prometheus() {
    let measured = Measured::now().await;
    let folder = tempfile::tempdir().unwrap();
    let prometheus = Prometheus::start(folder.path(), measured.address);
    let address = prometheus.address().await;
    let ask = async |path: &str| -> Value {
        let request = Request::get(format!("http://{address}{path}"))
            .body(Full::<Bytes>::default())
            .unwrap();
        let Ok(response) = plain_client().call(request).await else {
            return Value::Null;
        };
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap_or_default()
    };
    eventually(async || {
        ask("/api/v1/query?query=up").await["data"]["result"][0]["value"][1] == "1"
    })
    .await
    .unwrap_or_else(|()| panic!("never scraped: {}", prometheus.log()));
    let targets = ask("/api/v1/targets").await;
    assert_eq!(targets["data"]["activeTargets"][0]["lastError"], "");
    let names = ask("/api/v1/label/__name__/values").await;
    let names: Vec<String> = serde_json::from_value(names["data"].clone()).unwrap();
    for metric in signals::all() {
        let mut name = metric.prometheus_name();
        if metric.kind == Kind::Histogram {
            name.push_str("_bucket");
        }
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    for metric in signals::all().filter(|metric| metric.kind == Kind::Histogram) {
        let name = metric.prometheus_name();
        let path = format!("/api/v1/query_exemplars?query={name}_bucket&start=0&end=9999999999");
        let found = ask(&path).await;
        let exemplar = &found["data"][0]["exemplars"][0];
        assert_eq!(
            exemplar["labels"]["trace_id"], *measured.trace,
            "{name}: {found}"
        );
    }
}

/// A Prometheus that scrapes one target, until it is dropped.
struct Prometheus {
    process: Child,
    log: std::path::PathBuf,
}

impl Prometheus {
    fn start(folder: &Path, target: SocketAddr) -> Self {
        let configuration = folder.join("prometheus.yml");
        fs::write(
            &configuration,
            format!(
                "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\n\
                 scrape_configs: [{{job_name: it, static_configs: [{{targets: ['{target}']}}]}}]\n"
            ),
        )
        .unwrap();
        let log = folder.join("log");
        let process = Command::new(programs::find("PROMETHEUS", "bin/prometheus"))
            .arg(format!("--config.file={}", configuration.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("data").display()
            ))
            .args([
                "--enable-feature=exemplar-storage",
                "--web.listen-address=127.0.0.1:0",
            ])
            .stderr(fs::File::create(&log).unwrap())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, log }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Where it listens, which only its log tells.
    async fn address(&self) -> String {
        let mut address = None;
        eventually(async || {
            address = self
                .log()
                .lines()
                .filter(|line| line.contains("Listening on"))
                .find_map(|line| Some(line.split_once("address=")?.1.trim().to_owned()));
            address.is_some()
        })
        .await
        .unwrap_or_else(|()| panic!("it does not listen: {}", self.log()));
        address.unwrap()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
