//! Log lines: JSON for machines, a readable form for people, both with the ids of the current span.

use std::collections::BTreeMap;
use std::fmt;
use std::io::IsTerminal;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use serde::Serialize;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, Layer};
use tracing_subscriber::registry::LookupSpan;

/// What is logged when `RUST_LOG` does not say.
const DEFAULT_LEVELS: &str = "info,opentelemetry=warn";

/// Which of the two forms the lines have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Json,
    Text,
}

/// The format of one event, in either form.
pub(crate) struct Line {
    format: LogFormat,
    service: String,
}

#[derive(Serialize)]
struct JsonLine<'a> {
    timestamp: &'a str,
    level: &'a str,
    target: &'a str,
    service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<String>,
    message: String,
    #[serde(flatten)]
    fields: BTreeMap<&'static str, Value>,
}

#[derive(Default)]
struct Fields {
    message: String,
    others: BTreeMap<&'static str, Value>,
}

/// The layer that writes log lines to the standard error stream, at the level that `RUST_LOG` asks for.
pub(crate) fn layer<S>(service: String) -> impl tracing_subscriber::Layer<S> + Send + Sync
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    use tracing_subscriber::Layer as _;

    let filter = match std::env::var(EnvFilter::DEFAULT_ENV) {
        Ok(directives) if !directives.is_empty() => EnvFilter::builder().parse_lossy(directives),
        _ => EnvFilter::new(DEFAULT_LEVELS),
    };
    Layer::new()
        .with_writer(std::io::stderr)
        .event_format(Line {
            format: LogFormat::from_environment(),
            service,
        })
        // Spans have their own layer; here they would only cost.
        .with_filter(filter.and(filter_fn(is_event)))
}

fn is_event(metadata: &Metadata<'_>) -> bool {
    metadata.is_event()
}

// === impl LogFormat ===

impl LogFormat {
    fn from_environment() -> Self {
        match std::env::var("BIDTRACE_LOG_FORMAT").as_deref() {
            Ok("text") => Self::Text,
            Ok("json") => Self::Json,
            _ if std::io::stderr().is_terminal() => Self::Text,
            _ => Self::Json,
        }
    }
}

// === impl Line ===

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut timestamp = String::new();
        SystemTime.format_time(&mut Writer::new(&mut timestamp))?;
        let metadata = event.metadata();
        // The SDK logs while it holds the context that the ids are in.
        let ids = if metadata.target().starts_with("opentelemetry") {
            None
        } else {
            current_ids()
        };
        match self.format {
            LogFormat::Json => {
                let (trace_id, span_id) = ids.unzip();
                let line = JsonLine {
                    timestamp: &timestamp,
                    level: metadata.level().as_str(),
                    target: metadata.target(),
                    service: &self.service,
                    trace_id,
                    span_id,
                    message: fields.message,
                    fields: fields.others,
                };
                let line = serde_json::to_string(&line).map_err(|_| fmt::Error)?;
                writeln!(writer, "{line}")
            }
            LogFormat::Text => {
                write!(
                    writer,
                    "{timestamp} {:>5} {} {}",
                    metadata.level(),
                    metadata.target(),
                    fields.message
                )?;
                for (key, value) in &fields.others {
                    write!(writer, " {key}={value}")?;
                }
                if let Some((trace_id, _)) = ids {
                    write!(writer, " trace_id={trace_id}")?;
                }
                writeln!(writer)
            }
        }
    }
}

/// The ids of the current span. Only they are copied out: nothing may be logged inside `map_current`.
fn current_ids() -> Option<(String, String)> {
    let ids = Context::map_current(|context| {
        let span = context.span();
        let span = span.span_context();
        span.is_valid().then(|| (span.trace_id(), span.span_id()))
    });
    ids.map(|(trace, span)| (trace.to_string(), span.to_string()))
}

// === impl Fields ===

impl Fields {
    /// A field must not stand in for one of the line's own.
    fn put(&mut self, field: &Field, value: Value) {
        const OWN: [&str; 6] = [
            "timestamp",
            "level",
            "target",
            "service",
            "trace_id",
            "span_id",
        ];
        if !OWN.contains(&field.name()) {
            self.others.insert(field.name(), value);
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.put(field, value.into());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.put(field, text.into());
        }
    }
}
