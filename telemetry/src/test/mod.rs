//! Test support for services: the spans, metrics and log lines of a test are captured in memory instead of being exported,
//! and the test asserts on them.
//!
//! ```
//! use telemetry::signals::{DB_CLIENT_CONNECTION_TIMEOUTS, DbClientConnectionTimeouts};
//!
//! async fn cook() {
//!     let span = tracing::info_span!("cook", dish = "soup");
//!     let _cooking = span.enter();
//!     tracing::info_span!("boil").in_scope(|| tracing::warn!(left = 2, "low on salt"));
//!     DbClientConnectionTimeouts { db_client_connection_pool_name: "pantry" }.add(1);
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let captured = telemetry::test::capture(); // first, in a `#[tokio::test]`
//! cook().await;
//!
//! let cook = captured.span("cook");
//! cook.assert_root().assert_attribute("dish", "soup");
//! captured.span("boil").assert_child_of(&cook);
//! let pantry = [("db.client.connection.pool.name", "pantry")];
//! assert_eq!(captured.metrics().counter(&DB_CLIENT_CONNECTION_TIMEOUTS, &pantry), 1);
//! let warning = captured.log("low on salt");
//! assert_eq!(warning.field("left"), Some(&2.into()));
//! assert!(warning.is_in(&captured.span("boil")));
//! # }
//! ```
//!
//! Tests that run at the same time do not see each other: a capture belongs to the thread that made it, which runs all of
//! a `#[tokio::test]` on its default, current-thread runtime. To capture what runs on other threads, use
//! [`Captured::in_scope`] for a future, [`Scope::attach`] for a thread, and [`on_threads`] for a whole runtime.

use std::cell::RefCell;
use std::future::Future;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use opentelemetry::trace::TraceId;
use tracing::Dispatch;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::Registry;

use crate::logs::{Directives, Levels};
use crate::settings::Limits;
use crate::trace::bridge::{self, OtherLayer};
use crate::trace::levels::SpanLevels;
use crate::trace::propagation;
use crate::trace::sampling;
use crate::trace::tracer::Tracer;

mod logs;
mod metrics;
mod scope;
mod spans;

pub use logs::LogLine;
pub use metrics::{MetricName, Metrics};
pub use scope::{Attached, InScope, Scope};
pub use spans::Span;

use scope::Kept;

/// The spans, metrics and log lines of one test.
#[derive(Debug)]
pub struct Captured {
    scope: Scope,
    // This thread takes part until the test is over.
    _attached: Attached,
}

/// An unused second subscriber. While a process has a single one, `tracing` asks only the thread that first reaches a span
/// whether it is enabled, and caches the answer for all threads: a test without a capture would disable the span for a test
/// with one. With a second subscriber it asks every time.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

thread_local! {
    static WORKER: RefCell<Option<Attached>> = const { RefCell::new(None) };
}

/// Captures the spans, metrics and log lines that come from the current thread from now on, for as long as the value
/// lives. Spans are those that a service makes by default, at the level info and above, and so are log lines.
pub fn capture() -> Captured {
    Capture::new().start()
}

/// The same as [`capture`] with other log levels, given as in `RUST_LOG`.
///
/// # Panics
///
/// When the directives cannot be read.
pub fn capture_logging(directives: &str) -> Captured {
    Capture::new().logging(directives).start()
}

/// What is captured, when it is not what [`capture`] captures.
///
/// ```
/// let captured = telemetry::test::Capture::new().tracing("info,kitchen=debug").start();
/// tracing::debug_span!(target: "kitchen::stove", "boil").in_scope(|| {});
/// captured.span("boil").assert_root();
/// ```
#[derive(Default)]
#[must_use = "nothing is captured before the start"]
pub struct Capture {
    lines: Directives,
    spans: SpanLevels,
    layers: Vec<OtherLayer>,
}

/// Runs a test on a multi-threaded runtime of its own, all of whose threads it captures: `#[test]` instead of
/// `#[tokio::test(flavor = "multi_thread")]`.
///
/// ```
/// telemetry::test::on_threads(2, async |captured| {
///     let task = tokio::spawn(async { tracing::info_span!("elsewhere").in_scope(|| {}) });
///     task.await.unwrap();
///     captured.span("elsewhere").assert_root();
/// });
/// ```
///
/// # Panics
///
/// When there are no threads to be had.
pub fn on_threads<T>(workers: usize, test: impl AsyncFnOnce(&Captured) -> T) -> T {
    let captured = capture();
    let scope = captured.scope();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .on_thread_start(move || WORKER.set(Some(scope.attach())))
        // Here, since the guards need thread-locals, which are gone later.
        .on_thread_stop(|| drop(WORKER.take()))
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(test(&captured)),
        Err(error) => panic!("there is no runtime: {error}"),
    }
}

// === impl Capture ===

impl Capture {
    /// The same as [`capture`], until it is said otherwise.
    pub fn new() -> Self {
        Self::default()
    }

    /// Other log lines: the directives are written as in `RUST_LOG`.
    ///
    /// # Panics
    ///
    /// When the directives cannot be read.
    pub fn logging(mut self, directives: &str) -> Self {
        self.lines = read(directives);
        self
    }

    /// Other spans: the directives are written as in `TELEMETRY_SPAN_LEVELS`.
    ///
    /// # Panics
    ///
    /// When the directives cannot be read.
    pub fn tracing(mut self, directives: &str) -> Self {
        self.spans = read(directives);
        self
    }

    /// A layer beside those of this crate, as with [`Builder::layer`](crate::Builder::layer).
    pub fn layer(mut self, layer: impl Layer<Registry> + Send + Sync) -> Self {
        self.layers.push(Box::new(layer));
        self
    }

    /// Captures from now on, for as long as the value lives.
    pub fn start(self) -> Captured {
        LazyLock::force(&SECOND);
        propagation::publish();
        let kept = Kept::default();
        let tracer = Tracer::new(
            sampling::everything(),
            Limits::default(),
            Vec::new(),
            Some(Arc::new(kept.spans.clone())),
        );
        let lines = kept.logs.keep(Levels::new(self.lines));
        let subscriber = bridge::subscriber(tracer, self.spans, lines, self.layers);
        let scope = Scope::new(subscriber, Arc::new(kept));
        Captured {
            _attached: scope.attach(),
            scope,
        }
    }
}

impl std::fmt::Debug for Capture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Capture")
            .field("lines", &self.lines)
            .field("spans", &self.spans)
            .field("layers", &self.layers.len())
            .finish()
    }
}

fn read<T: FromStr<Err: std::fmt::Display>>(directives: &str) -> T {
    match directives.parse() {
        Ok(directives) => directives,
        Err(error) => panic!("{error}"),
    }
}

// === impl Captured ===

impl Captured {
    /// The spans that have ended, in the order in which they did.
    pub fn spans(&self) -> Vec<Span> {
        self.scope.kept().spans.so_far()
    }

    /// The first ended span of this name.
    ///
    /// # Panics
    ///
    /// When there is none. The message lists the spans that there are.
    #[track_caller]
    pub fn span(&self, name: &str) -> Span {
        let found = self.spans().into_iter().find(|span| span.name == name);
        found.unwrap_or_else(|| {
            panic!(
                "no span is named {name:?}; there are:\n{}",
                spans::list(&self.spans())
            )
        })
    }

    /// The same, and waits for it: for spans of detached tasks.
    ///
    /// # Panics
    ///
    /// When there is none after 10 s. The message lists the spans that there are.
    pub async fn ended(&self, name: &str) -> Span {
        self.scope.kept().spans.wait_for(name).await;
        self.span(name)
    }

    /// The ended spans of this name.
    pub fn spans_named(&self, name: &str) -> Vec<Span> {
        let mut spans = self.spans();
        spans.retain(|span| span.name == name);
        spans
    }

    /// The ended spans of one trace.
    pub fn trace(&self, id: TraceId) -> Vec<Span> {
        let mut spans = self.spans();
        spans.retain(|span| span.span_context.trace_id() == id);
        spans
    }

    /// The metrics so far.
    pub fn metrics(&self) -> Metrics {
        self.scope.kept().metrics.so_far()
    }

    /// The log lines so far.
    pub fn logs(&self) -> Vec<LogLine> {
        self.scope.kept().logs.so_far()
    }

    /// The first log line whose message contains `text`.
    ///
    /// # Panics
    ///
    /// When there is none; the message lists the lines that there are.
    #[track_caller]
    pub fn log(&self, text: &str) -> LogLine {
        let lines = self.logs();
        let found = lines.iter().find(|line| line.message.contains(text));
        found.cloned().unwrap_or_else(|| {
            panic!(
                "no line says {text:?}; there are:\n{}",
                logs::list(&self.logs())
            )
        })
    }

    /// A handle with which other threads take part in this capture.
    pub fn scope(&self) -> Scope {
        self.scope.clone()
    }

    /// Captures what `future` does, on whichever threads it is polled.
    ///
    /// ```
    /// # #[tokio::main(flavor = "multi_thread", worker_threads = 2)] async fn main() {
    /// let captured = telemetry::test::capture();
    /// let work = async { tracing::info_span!("elsewhere").in_scope(|| {}) };
    /// tokio::spawn(captured.in_scope(work)).await.unwrap();
    /// captured.span("elsewhere").assert_root();
    /// # }
    /// ```
    pub fn in_scope<F: Future>(&self, future: F) -> InScope<F> {
        self.scope.in_scope(future)
    }
}
