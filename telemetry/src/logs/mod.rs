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
mod origin;
pub(crate) mod panics;
mod records;
pub(crate) mod redact;
mod repeats;
mod writer;

pub(crate) use directives::{Directives, InvalidDirectives, read as read_directives};
pub(crate) use levels::Levels;
pub(crate) use line::LogFormat;
pub(crate) use panics::install_panic_hook;
pub(crate) use repeats::RepeatLimit;

use crate::metrics::signals::{
    self, TelemetryLogDropped, TelemetryLogDroppedReason as Reason, TelemetryLogEvents,
    TelemetryLogSuppressed,
};
use crate::trace::targets::is_opentelemetry;
use line::Fields;
use origin::Origin;
use repeats::{Repeats, Suppressed, Verdict};
use writer::Writer;

/// How long the end of the process waits for log lines to be written.
const FLUSH_LIMIT: Duration = Duration::from_secs(1);

/// The levels in the order of their counts.
const LEVELS: [(Level, signals::TelemetryLogLevel); 5] = [
    (Level::ERROR, signals::TelemetryLogLevel::Error),
    (Level::WARN, signals::TelemetryLogLevel::Warn),
    (Level::INFO, signals::TelemetryLogLevel::Info),
    (Level::DEBUG, signals::TelemetryLogLevel::Debug),
    (Level::TRACE, signals::TelemetryLogLevel::Trace),
];

/// The settings of log lines.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `None`: text on a terminal, JSON elsewhere.
    pub(crate) format: Option<LogFormat>,
    pub(crate) directives: Directives,
    /// `None`: the default.
    pub(crate) repeats: Option<RepeatLimit>,
}

/// The log output of the process. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Logs {
    levels: Levels,
    output: Arc<Output>,
}

/// Flushes the log lines when it is dropped, at the end of the process; later lines are flushed one by one.
#[derive(Debug)]
pub(crate) struct FlushOnDrop(pub(crate) Logs);

/// The destination of logged events.
pub(crate) trait Lines: Send + Sync {
    /// The levels that decide which events are logged.
    fn levels(&self) -> &Levels;

    /// Called with the subscriber, in which the explicit parents of events are looked up.
    fn begin(&self, subscriber: &Dispatch);

    /// Writes the line of an event.
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
    suppressed: Counts,
    /// Whether each line is flushed.
    ending: AtomicBool,
    // For looking up the explicit parents of events.
    dispatch: OnceLock<WeakDispatch>,
}

/// Counts by level.
#[derive(Debug, Default)]
struct Counts([AtomicU64; LEVELS.len()]);

/// Starts the log output of a service. Fails when its thread cannot be started.
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
            repeats: Repeats::new(settings.repeats.unwrap_or_default()),
            started: Instant::now(),
            writer: Writer::start(io::stderr())?,
            written: Counts::default(),
            suppressed: Counts::default(),
            ending: AtomicBool::new(false),
            dispatch: OnceLock::new(),
        }),
    })
}

/// The span of an event: its explicit parent or the current one.
fn span_of(event: &Event<'_>, dispatch: Option<&WeakDispatch>) -> Option<SpanContext> {
    // The SDK may log while it borrows the current context, and its events belong to no span.
    if event.is_root() || is_opentelemetry(event.metadata().target()) {
        return None;
    }
    match event.parent() {
        Some(parent) => {
            let dispatch = dispatch?.upgrade()?;
            valid_span(&tracing_opentelemetry::get_otel_context(parent, &dispatch)?)
        }
        None => OtelContext::map_current(valid_span),
    }
}

fn valid_span(context: &OtelContext) -> Option<SpanContext> {
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| span.clone())
}

/// Passes the JSON line of an event to `take`.
#[cfg(feature = "test")]
pub(crate) fn with_json_line(
    event: &Event<'_>,
    dispatch: Option<&WeakDispatch>,
    take: impl FnOnce(&[u8]),
) {
    let span = span_of(event, dispatch);
    let origin = Origin::of_event(event.metadata());
    let format = LogFormat::Json;
    line::compose(format, "", &origin, span.as_ref(), take, |fields| {
        event.record(fields);
    });
}

// === impl Logs ===

impl Logs {
    /// The current log levels.
    pub(crate) fn levels(&self) -> &Levels {
        &self.levels
    }

    /// Installs the logger of the `log` crate.
    pub(crate) fn take_records(&self) {
        records::install(self);
    }

    /// Writes a line with the ids of the current span. `record` writes its message and fields; it may be called twice.
    fn write(&self, origin: &Origin<'_>, record: impl Fn(&mut Fields<'_>)) {
        let span = || OtelContext::map_current(valid_span);
        self.output.write(origin, span, record);
    }

    /// Reports what was suppressed in intervals that are over. Call it periodically.
    pub(crate) fn upkeep(&self) {
        let output = &self.output;
        output.report(output.repeats.ended(output.started.elapsed()));
    }

    /// Sets the metrics of log lines to their current values.
    pub(crate) fn publish(&self) {
        let output = &self.output;
        for (index, (_, level)) in LEVELS.iter().enumerate() {
            TelemetryLogEvents {
                telemetry_log_level: *level,
            }
            .counter()
            .absolute(output.written.get(index));
            TelemetryLogSuppressed {
                telemetry_log_level: *level,
            }
            .counter()
            .absolute(output.suppressed.get(index));
        }
        for (reason, count) in [
            (Reason::BufferFull, output.writer.full()),
            (Reason::WriteFailed, output.writer.failed()),
        ] {
            TelemetryLogDropped {
                telemetry_reason: reason,
            }
            .counter()
            .absolute(count);
        }
    }
}

impl Lines for Logs {
    fn levels(&self) -> &Levels {
        &self.levels
    }

    fn begin(&self, subscriber: &Dispatch) {
        // There is one subscriber for the life of the process.
        let _ = self.output.dispatch.set(subscriber.downgrade());
    }

    fn take(&self, event: &Event<'_>) {
        let output = &self.output;
        let origin = Origin::of_event(event.metadata());
        let span = || span_of(event, output.dispatch.get());
        output.write(&origin, span, |fields| event.record(fields));
    }
}

// === impl FlushOnDrop ===

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        let output = &self.0.output;
        output.ending.store(true, Ordering::Relaxed);
        output.report(output.repeats.all());
        output.flush();
    }
}

// === impl Output ===

impl Output {
    fn write(
        &self,
        origin: &Origin<'_>,
        span: impl FnOnce() -> Option<SpanContext>,
        record: impl Fn(&mut Fields<'_>),
    ) {
        let now = self.started.elapsed();
        match self.repeats.judge(origin, now, || line::message(&record)) {
            Verdict::Suppress => self.suppressed.add(origin.level),
            Verdict::Write(suppressed) => {
                self.report(suppressed);
                let (format, service, span) = (self.format, &self.service, span());
                let put = |line: &[u8]| self.put(origin.level, line);
                line::compose(format, service, origin, span.as_ref(), put, record);
            }
        }
    }

    fn report(&self, suppressed: impl IntoIterator<Item = Suppressed>) {
        for suppressed in suppressed {
            line::suppressed(self.format, &self.service, &suppressed, |line| {
                self.put(suppressed.origin.level, line);
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

    /// Waits briefly until all lines are written; gives up for good when the output blocks.
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
