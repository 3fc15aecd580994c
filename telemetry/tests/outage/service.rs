//! The service under test, as a child: it answers until SIGTERM, then says what became of its spans.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use opentelemetry::Context;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};
use serde::{Deserialize, Serialize};
use tokio::signal::unix::{SignalKind, signal};
use tracing::Instrument;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What one request makes: its own span and one per step.
pub const SPANS_PER_REQUEST: u64 = 1 + STEPS.len() as u64;
const STEPS: [&str; 3] = ["look up", "price", "reserve"];
/// A handler waits for something, as handlers do.
const WAIT: Duration = Duration::from_millis(2);

/// Whose pipeline takes the spans away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pipeline {
    Ours,
    /// The SDK's batch processor with opentelemetry-otlp, for comparison.
    Sdk,
}

/// The last words of the service.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LastWords {
    pub shutdown: Duration,
    pub started: u64,
    /// Only ours knows what was exported, what may have arrived, and why the rest was lost.
    pub account: Option<Account>,
    /// What its shutdown returned.
    pub said: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    pub exported: u64,
    pub in_doubt: u64,
    pub lost_before: u64,
    pub lost_at_shutdown: u64,
    pub lost: Vec<(String, u64)>,
    pub is_balanced: bool,
    pub is_settled: bool,
}

/// A running service.
#[derive(Debug)]
pub struct Service {
    child: Child,
    output: std::io::BufReader<std::process::ChildStdout>,
    pub port: u16,
}

/// Counts the spans that the SDK gets; it does not say itself.
#[derive(Debug, Clone, Default)]
struct Counting(Arc<AtomicU64>);

// === impl Pipeline ===

impl Pipeline {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "bidtrace",
            Self::Sdk => "sdk",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Ours, Self::Sdk]
            .into_iter()
            .find(|own| own.name() == name)
    }
}

// === impl Service ===

impl Service {
    /// Starts this program again, as a service that sends its spans to the collector on a port of loopback.
    pub fn start(pipeline: Pipeline, collector: u16) -> Self {
        use std::io::BufRead;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([crate::SERVICE, pipeline.name()])
            .env(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                format!("http://127.0.0.1:{collector}"),
            )
            .env("RUST_LOG", "off")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap();
        Self {
            child,
            output,
            port,
        }
    }

    /// The most memory that it has had so far, in KiB.
    pub fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|value| value.split_whitespace().next()?.parse().ok())
            .unwrap()
    }

    /// SIGTERM; then its last words.
    pub fn terminate(mut self) -> LastWords {
        use std::io::Read;
        crate::signal(&self.child, rustix::process::Signal::TERM);
        let mut text = String::new();
        self.output.read_to_string(&mut text).unwrap();
        assert!(self.child.wait().unwrap().success(), "the service failed");
        serde_json::from_str(&text).unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already, unless the program is on its way out.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The child's side.
pub async fn run(pipeline: Pipeline) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let words = match pipeline {
        Pipeline::Ours => {
            let telemetry = telemetry::init("outage").unwrap();
            let router = router(get(handle)).layer(telemetry::http::ServerLayer::new());
            serve(listener, port, router).await;
            let lost_before = telemetry.spans().lost.total();
            let began = Instant::now();
            let result = telemetry.shutdown().await;
            let shutdown = began.elapsed();
            let (spans, lost_at_shutdown, said) = match result {
                Ok(spans) => (spans, 0, "ok".to_owned()),
                Err(error) => (error.spans, error.lost.total(), error.to_string()),
            };
            LastWords {
                shutdown,
                started: spans.started,
                account: Some(Account {
                    exported: spans.exported,
                    in_doubt: spans.lost.in_doubt(),
                    lost_before,
                    lost_at_shutdown,
                    lost: spans
                        .lost
                        .iter()
                        .filter(|(_, count)| *count > 0)
                        .map(|(loss, count)| (loss.to_string(), count))
                        .collect(),
                    is_balanced: spans.is_balanced(),
                    is_settled: spans.live + spans.queued + spans.in_flight == 0,
                }),
                said,
            }
        }
        Pipeline::Sdk => {
            let counting = Counting::default();
            let exporter = opentelemetry_otlp::SpanExporter::builder()
                .with_tonic()
                .build()
                .unwrap();
            let provider = SdkTracerProvider::builder()
                .with_span_processor(counting.clone())
                .with_batch_exporter(exporter)
                .build();
            let layer = tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("outage"))
                .with_filter(LevelFilter::INFO);
            tracing_subscriber::registry().with(layer).init();
            let handler = async |dish: Path<u32>| {
                let span = tracing::info_span!("GET /dishes/{id}");
                handle(dish).instrument(span).await
            };
            serve(listener, port, router(get(handler))).await;
            let began = Instant::now();
            let result = tokio::task::spawn_blocking(move || provider.shutdown())
                .await
                .unwrap();
            LastWords {
                shutdown: began.elapsed(),
                started: counting.0.load(Ordering::Relaxed),
                account: None,
                said: match result {
                    Ok(()) => "ok".to_owned(),
                    Err(error) => error.to_string(),
                },
            }
        }
    };
    println!("{}", serde_json::to_string(&words).unwrap());
}

fn router(handler: axum::routing::MethodRouter) -> Router {
    Router::new().route("/dishes/{id}", handler)
}

async fn handle(Path(dish): Path<u32>) -> &'static str {
    for step in STEPS {
        tracing::info_span!("step", otel.name = step, dish, kitchen = "seoul").in_scope(|| {});
    }
    tokio::time::sleep(WAIT).await;
    "bibimbap"
}

async fn serve(listener: tokio::net::TcpListener, port: u16, router: Router) {
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    println!("{port}");
    std::io::stdout().flush().unwrap();
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await
        .unwrap();
}

// === impl Counting ===

impl SpanProcessor for Counting {
    fn on_start(&self, _: &mut Span, _: &Context) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn on_end(&self, _: SpanData) {}

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
