//! What the cells are played on: one telemetry, one receiver, and the work that every transport leads to.

use std::future::Future;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use conformance::Ending;
use opentelemetry::trace::FutureExt as _;
use telemetry::Telemetry;
use telemetry::context::SavedContext;
use tokio::sync::Notify;
use tracing::Instrument as _;

use crate::receiver::{Receiver, Span};

const PAUSE: Duration = Duration::from_millis(5);

/// How many seconds a cell waits for what must come, when the default is too patient.
const LIMIT_VARIABLE: &str = "BIDTRACE_CONFORMANCE_LIMIT";

/// The trace that a caller without our layers names.
pub const FOREIGN_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Gauges of what is open, which must all be back at nothing when an exchange has ended.
const OPEN: [&str; 4] = [
    "http_server_active_requests",
    "http_server_open_streams",
    "rpc_server_open_streams",
    "rpc_client_open_streams",
];

pub struct Stage {
    telemetry: Telemetry,
    receiver: Receiver,
    trace: Mutex<String>,
}

/// The context in which work was done.
#[derive(Debug, Clone)]
pub struct Travelled {
    pub trace: String,
    pub sampled: bool,
}

/// The work failed, as it was asked to.
#[derive(Debug, thiserror::Error)]
#[error("broken on purpose")]
pub struct Broken;

/// What the panics of the cells say that end with one.
pub const PANIC: &str = "on purpose";

static SEEN: Mutex<Vec<Travelled>> = Mutex::new(Vec::new());
static BEGUN: Notify = Notify::const_new();

/// How long a cell waits for what must come.
pub fn limit() -> Duration {
    let seconds = std::env::var(LIMIT_VARIABLE).ok();
    Duration::from_secs(seconds.map_or(20, |seconds| seconds.parse().unwrap()))
}

/// What every exchange leads to: a span of its own, and the ending that was asked for.
pub async fn work(ending: Ending) -> Result<(), Broken> {
    tracing::info_span!("work").in_scope(|| {
        let context = SavedContext::current();
        if let Some(span) = context.span_context() {
            SEEN.lock().unwrap().push(Travelled {
                trace: span.trace_id().to_string(),
                sampled: span.is_sampled(),
            });
        }
    });
    match ending {
        Ending::Error => Err(Broken),
        Ending::Panic => panic!("{PANIC}"),
        Ending::Cancel | Ending::TimeOut => {
            BEGUN.notify_one();
            std::future::pending().await
        }
        Ending::Success | Ending::Malformed | Ending::Unsampled => Ok(()),
    }
}

/// Waits until the work of a cell that hangs has begun.
pub async fn begun() {
    tokio::time::timeout(limit(), BEGUN.notified())
        .await
        .expect("the work begins");
}

/// Polls `exchange` until its work has begun, then drops it.
pub async fn leave(exchange: impl Future) {
    tokio::select! {
        biased;
        // First, so that it waits for the work when it is dropped, also when that has begun before.
        _ = exchange => panic!("an exchange that hangs does not end"),
        () = begun() => {}
    }
}

impl Stage {
    pub async fn start() -> Self {
        let (receiver, url) = Receiver::start().await;
        let telemetry = telemetry::builder("conformance")
            .collector(url)
            .init()
            .unwrap();
        Self {
            telemetry,
            receiver,
            trace: Mutex::default(),
        }
    }

    /// Forgets the cell before.
    pub async fn clear(&self) {
        self.telemetry.flush().await.unwrap();
        self.receiver.forget();
        SEEN.lock().unwrap().clear();
        // The work of a cell that timed out has begun, and nobody waited for that.
        while futures::poll!(Box::pin(BEGUN.notified())).is_ready() {}
        FOREIGN_TRACE.clone_into(&mut self.trace.lock().unwrap());
    }

    /// The trace of the cell's caller.
    pub fn trace(&self) -> String {
        self.trace.lock().unwrap().clone()
    }

    /// The contexts in which the cell's work was done.
    pub fn seen() -> Vec<Travelled> {
        SEEN.lock().unwrap().clone()
    }

    /// Runs a caller: within a span of its own, or within a foreign one that is not sampled.
    pub async fn caller<F: Future>(&self, ending: Ending, exchange: F) -> F::Output {
        if ending == Ending::Unsampled {
            let parent = format!(r#"{{"traceparent":"00-{FOREIGN_TRACE}-00f067aa0ba902b7-00"}}"#);
            let parent = SavedContext::from_text(&parent).to_context();
            return exchange.with_context(parent).await;
        }
        let root = tracing::info_span!(parent: None, "root");
        async {
            *self.trace.lock().unwrap() = telemetry::context::current_trace_id().unwrap();
            exchange.await
        }
        .instrument(root)
        .await
    }

    /// The spans of the cell, once `count` have come and none is open any more.
    pub async fn settled(&self, count: usize) -> Vec<Span> {
        let started = Instant::now();
        loop {
            self.telemetry.flush().await.unwrap();
            let spans = self.receiver.all();
            let settled = spans.len() >= count && self.telemetry.spans().live == 0;
            if settled || started.elapsed() > limit() {
                return spans;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub fn scrape(&self) -> String {
        self.telemetry.render_metrics()
    }

    /// The metrics, once they say enough.
    pub async fn scraped(&self, enough: impl Fn(&str) -> bool) -> String {
        let started = Instant::now();
        loop {
            let text = self.scrape();
            if enough(&text) || started.elapsed() > limit() {
                return text;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The gauges that do not come back to nothing; those apart that stand where an earlier cell has left them.
    pub async fn leaks(&self, before: &str) -> Vec<String> {
        let open = |text: &str| -> Vec<String> {
            text.lines()
                .filter(|line| OPEN.iter().any(|gauge| line.starts_with(gauge)))
                .filter(|line| !line.ends_with(" 0"))
                .filter(|line| !before.lines().any(|earlier| earlier == *line))
                .map(|line| format!("still open: {line}"))
                .collect()
        };
        open(&self.scraped(|text| open(text).is_empty()).await)
    }
}
