//! One process, one telemetry: it is initialised once, and every test works in a trace of its own.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use axum::Router;
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use telemetry::Telemetry;
use telemetry::http::{ClientLayer, ClientService};
use telemetry::sampling::Sampling;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tracing::Instrument;

use crate::receiver::{Receiver, Span};

/// How long a test waits for what must come.
pub const LIMIT: Duration = Duration::from_secs(20);
/// How long a test may take in all.
const TEST_LIMIT: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(10);

/// An operation whose traces are kept, and one whose traces are not recorded.
pub const KEPT: &str = "GET /kept";
pub const SKIPPED: &str = "GET /skipped";

struct Harness {
    runtime: Runtime,
    telemetry: Telemetry,
    receiver: Receiver,
}

static HARNESS: LazyLock<Harness> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let (telemetry, receiver) = runtime.block_on(async {
        let (receiver, url) = Receiver::start().await;
        let telemetry = telemetry::builder("it")
            .keep_panic_hook()
            .version("1.2.3")
            .collector(url)
            .sampling(KEPT, Sampling::Keep)
            .sampling(SKIPPED, Sampling::Never)
            // Tests run at once, and none is to take the traces of another's events.
            .stream_event_traces(10_000)
            .init()
            .unwrap();
        (telemetry, receiver)
    });
    Harness {
        runtime,
        telemetry,
        receiver,
    }
});

/// Runs a test on the runtime that all tests share, and not for ever.
pub fn run<F: Future>(test: F) -> F::Output {
    HARNESS
        .runtime
        .block_on(async { tokio::time::timeout(TEST_LIMIT, test).await })
        .unwrap()
}

/// Runs `work` in a new trace and returns the trace's id with the result.
pub async fn traced<F: Future>(work: F) -> (String, F::Output) {
    let root = tracing::info_span!(parent: None, "root");
    async {
        let id = telemetry::context::current_trace_id().unwrap();
        (id, work.await)
    }
    .instrument(root)
    .await
}

/// The spans of a trace, once `complete` says that they are all there.
pub async fn spans(trace_id: &str, complete: impl Fn(&[Span]) -> bool) -> Vec<Span> {
    let mut seen = Vec::new();
    eventually(async || {
        HARNESS.telemetry.flush().await.unwrap();
        seen = HARNESS.receiver.trace(trace_id);
        complete(&seen)
    })
    .await
    .unwrap_or_else(|()| panic!("the trace {trace_id} did not become complete; it has {seen:#?}"));
    seen
}

/// The spans of a trace that was exported by now.
pub async fn spans_so_far(trace_id: &str) -> Vec<Span> {
    HARNESS.telemetry.flush().await.unwrap();
    HARNESS.receiver.trace(trace_id)
}

/// All spans that were exported by now.
pub async fn all_spans_so_far() -> Vec<Span> {
    HARNESS.telemetry.flush().await.unwrap();
    HARNESS.receiver.all()
}

/// Asks again until the answer is yes, or the limit is reached.
pub async fn eventually(mut ask: impl AsyncFnMut() -> bool) -> Result<(), ()> {
    let started = Instant::now();
    while started.elapsed() < LIMIT {
        if ask().await {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(())
}

/// The one span of this name.
pub fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.name() == name);
    let span = found
        .next()
        .unwrap_or_else(|| panic!("no span {name:?} in {spans:#?}"));
    assert_eq!(found.next(), None, "more than one span {name:?}");
    span
}

/// The value of one series, by its name and all of its labels as they are written.
pub fn series(name_and_labels: &str) -> Option<f64> {
    metrics_text().lines().find_map(|line| {
        line.strip_prefix(name_and_labels)?
            .strip_prefix(' ')?
            .parse()
            .ok()
    })
}

/// The value of the one series of this name that has all these labels, as they are written, beside others.
pub fn sample(name: &str, labels: &[&str]) -> Option<f64> {
    let text = metrics_text();
    let mut found = text.lines().filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let rest = series.strip_prefix(name)?.strip_prefix('{')?;
        labels
            .iter()
            .all(|label| rest.contains(label))
            .then(|| value.parse().ok())?
    });
    let value = found.next();
    assert_eq!(found.next(), None, "several series {name} of {labels:?}");
    value
}

/// Whether a line of `/metrics` has all these parts.
pub fn has_line(parts: &[&str]) -> bool {
    metrics_text()
        .lines()
        .any(|line| parts.iter().all(|part| line.contains(part)))
}

pub fn metrics_text() -> String {
    HARNESS.telemetry.render_metrics()
}

pub fn telemetry() -> &'static Telemetry {
    &HARNESS.telemetry
}

/// Serves a router on a free port for as long as the runtime runs.
pub async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

pub type HttpClient = ClientService<Client<HttpConnector, Full<Bytes>>>;

/// An HTTP client with the client layer.
pub fn http_client() -> HttpClient {
    ClientLayer::new().layer(plain_client())
}

/// An HTTP client that tells nobody about its trace.
pub fn plain_client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}
