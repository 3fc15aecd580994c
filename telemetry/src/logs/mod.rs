//! Log lines on the standard error stream: JSON for machines, a readable form for people, both with the ids of the
//! span that an event belongs to.
//!
//! Fields of spans are not repeated on lines: the ids lead to the span, which has them, and a span that nobody logs in
//! must not pay for lines that do not come. What a line has to show goes on its event.

use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use opentelemetry::Context as OtelContext;
use opentelemetry::trace::{SpanContext, TraceContextExt};
use tracing::dispatcher::WeakDispatch;
use tracing::{Dispatch, Event, Level};

mod directives;
mod levels;
mod line;
pub(crate) mod redact;
mod repeats;
mod writer;

pub(crate) use directives::{Directives, InvalidDirectives, read as read_directives};
pub(crate) use levels::Levels;
pub(crate) use line::LogFormat;

use crate::metrics::signals::{
    self, TelemetryLogDropped, TelemetryLogDroppedReason as Reason, TelemetryLogEvents,
    TelemetryLogSuppressed,
};
use repeats::{LeftOut, Repeats, Verdict};
use writer::Writer;

/// How long the end of the process waits for lines to be written.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// From the gravest on: the order of the counts.
const LEVELS: [(Level, signals::Level); 5] = [
    (Level::ERROR, signals::Level::Error),
    (Level::WARN, signals::Level::Warn),
    (Level::INFO, signals::Level::Info),
    (Level::DEBUG, signals::Level::Debug),
    (Level::TRACE, signals::Level::Trace),
];

/// What is set from outside.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Without one it is the readable one on a terminal, and JSON elsewhere.
    pub(crate) format: Option<LogFormat>,
    pub(crate) directives: Directives,
    /// None lets all repeats through.
    pub(crate) repeats: Option<u32>,
}

/// The log lines of this process. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Logs {
    levels: Levels,
    output: Arc<Output>,
}

/// Flushes the log lines when it is dropped: the process is about to end, so those that come later are waited for.
#[derive(Debug)]
pub(crate) struct FlushOnDrop(pub(crate) Logs);

/// Where the events go that are logged.
pub(crate) trait Lines: Send + Sync {
    /// Which those are.
    fn levels(&self) -> &Levels;

    /// The subscriber has come to be, in which spans are found that an event names as its parent.
    fn begin(&self, subscriber: &Dispatch);

    /// Makes a line of an event that is wanted.
    fn take(&self, event: &Event<'_>);
}

#[derive(Debug)]
struct Output {
    format: LogFormat,
    service: String,
    repeats: Repeats,
    started: Instant,
    writer: Writer,
    written: Counts,
    left_out: Counts,
    /// Whether each line is waited for.
    ending: AtomicBool,
    // Spans that an event names as its parent are looked up in it.
    dispatch: OnceLock<WeakDispatch>,
}

/// A count for each level.
#[derive(Debug, Default)]
struct Counts([AtomicU64; LEVELS.len()]);

/// Starts the log lines of a service. Fails when there is no thread to be had.
pub(crate) fn start(settings: Settings, service: String) -> io::Result<Logs> {
    let default = || {
        if io::stderr().is_terminal() {
            LogFormat::Text
        } else {
            LogFormat::Json
        }
    };
    Ok(Logs {
        levels: Levels::new(settings.directives),
        output: Arc::new(Output {
            format: settings.format.unwrap_or_else(default),
            service,
            repeats: Repeats::new(settings.repeats),
            started: Instant::now(),
            writer: Writer::start(io::stderr())?,
            written: Counts::default(),
            left_out: Counts::default(),
            ending: AtomicBool::new(false),
            dispatch: OnceLock::new(),
        }),
    })
}

/// The span that an event belongs to: the one that it names, or the current one, or none.
fn span_of(event: &Event<'_>, dispatch: Option<&WeakDispatch>) -> Option<SpanContext> {
    // The SDK logs while it holds the current context; nothing of its own belongs to a span.
    if event.is_root() || event.metadata().target().starts_with("opentelemetry") {
        return None;
    }
    let of = |context: &OtelContext| {
        let span = context.span();
        let span = span.span_context();
        span.is_valid().then(|| span.clone())
    };
    match event.parent() {
        Some(parent) => {
            let dispatch = dispatch?.upgrade()?;
            of(&tracing_opentelemetry::get_otel_context(parent, &dispatch)?)
        }
        None => OtelContext::map_current(of),
    }
}

/// Hands an event's line, in JSON, to `take`.
#[cfg(feature = "test")]
pub(crate) fn with_json_line(
    event: &Event<'_>,
    dispatch: Option<&WeakDispatch>,
    take: impl FnOnce(&[u8]),
) {
    let span = span_of(event, dispatch);
    line::event(LogFormat::Json, "", event, span.as_ref(), take);
}

// === impl Logs ===

impl Logs {
    /// What is logged, to be shown and changed.
    pub(crate) fn levels(&self) -> &Levels {
        &self.levels
    }

    /// Tells of repeats whose interval is over. To be called from time to time.
    pub(crate) fn upkeep(&self) {
        let output = &self.output;
        output.tell(output.repeats.ended(output.started.elapsed()));
    }

    /// Sets the metrics of the lines to what they are now.
    pub(crate) fn publish(&self) {
        let output = &self.output;
        for (index, (_, level)) in LEVELS.iter().enumerate() {
            TelemetryLogEvents { level: *level }
                .counter()
                .absolute(output.written.get(index));
            TelemetryLogSuppressed { level: *level }
                .counter()
                .absolute(output.left_out.get(index));
        }
        for (reason, count) in [
            (Reason::BufferFull, output.writer.full()),
            (Reason::WriteFailed, output.writer.failed()),
        ] {
            TelemetryLogDropped { reason }.counter().absolute(count);
        }
    }
}

impl Lines for Logs {
    fn levels(&self) -> &Levels {
        &self.levels
    }

    fn begin(&self, subscriber: &Dispatch) {
        // There is one, for the whole life of the process.
        let _ = self.output.dispatch.set(subscriber.downgrade());
    }

    fn take(&self, event: &Event<'_>) {
        self.output.take(event);
    }
}

// === impl FlushOnDrop ===

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        let output = &self.0.output;
        output.ending.store(true, Ordering::Relaxed);
        output.tell(output.repeats.all());
        output.flush();
    }
}

// === impl Output ===

impl Output {
    fn take(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let now = self.started.elapsed();
        match self.repeats.judge(metadata, now, || line::message(event)) {
            Verdict::Repeat => self.left_out.add(*metadata.level()),
            Verdict::Line(left_out) => {
                self.tell(left_out);
                let span = span_of(event, self.dispatch.get());
                line::event(self.format, &self.service, event, span.as_ref(), |line| {
                    self.put(*metadata.level(), line);
                });
            }
        }
    }

    fn tell(&self, left_out: impl IntoIterator<Item = LeftOut>) {
        for left_out in left_out {
            line::left_out(self.format, &self.service, &left_out, |line| {
                self.put(*left_out.metadata.level(), line);
            });
        }
    }

    fn put(&self, level: Level, line: &[u8]) {
        if self.writer.put(line) {
            self.written.add(level);
        }
        if self.ending.load(Ordering::Relaxed) {
            self.flush();
        }
    }

    /// Waits until all lines are written, for a short time at most, and once only when nobody takes them.
    fn flush(&self) {
        if !self.writer.flush(FLUSH_LIMIT) {
            self.ending.store(false, Ordering::Relaxed);
        }
    }
}

// === impl Counts ===

impl Counts {
    fn add(&self, level: Level) {
        if let Some(index) = LEVELS.iter().position(|(known, _)| *known == level) {
            self.0[index].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn get(&self, index: usize) -> u64 {
        self.0[index].load(Ordering::Relaxed)
    }
}
