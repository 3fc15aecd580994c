//! Formats events as lines.
//!
//! A JSON line has the fields of OpenTelemetry's log model, under the names that the specification gives them in
//! formats other than OTLP where it does (`trace_id`, `span_id`, `trace_flags`), and those usual in Rust where it does
//! not: `timestamp`, `level` (its `SeverityText`), `message` (its `Body`), `target` (its scope) and `service` (its
//! resource's `service.name`). The event's fields are attributes, on the same level.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::io::Write as _;

use opentelemetry::trace::SpanContext;
use tracing::field::{Field, Visit};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use super::origin::Origin;
use super::repeats::{INTERVAL, Suppressed};
use crate::logs::redact;

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Json,
    Text,
}

/// Names of the line's own fields; an attribute of such a name is prefixed with [`ATTRIBUTES`].
const OWN: [&str; 8] = [
    "timestamp",
    "level",
    "target",
    "service",
    "trace_id",
    "span_id",
    "trace_flags",
    "message",
];
const ATTRIBUTES: &str = "attributes.";

/// Maximum size of a text in a line, in bytes; longer ones are truncated.
const LONGEST: usize = 16 * 1024;

/// Maximum number of an error's sources that are written.
const DEEPEST: usize = 16;

/// Buffers that a thread reuses from line to line.
#[derive(Default)]
struct Scratch {
    line: Vec<u8>,
    message: String,
    attributes: Vec<u8>,
    // Where each field begins in `attributes`.
    fields: Vec<usize>,
    text: String,
}

thread_local! {
    // Taken while in use, so that a `Debug` implementation that logs finds an empty one instead of a borrowed one.
    static SCRATCH: Cell<Scratch> = Cell::default();
}

/// Passes the line that reports suppressed events to `write`.
pub(super) fn suppressed(
    format: LogFormat,
    service: &str,
    suppressed: &Suppressed,
    write: impl FnOnce(&[u8]),
) {
    let origin = &suppressed.origin;
    compose(format, service, origin, None, write, |fields| {
        let seconds = INTERVAL.as_secs();
        let _ = write!(
            fields.scratch.message,
            "{} more of the same within {seconds} s were left out",
            suppressed.count,
        );
        fields.json("log.repeats", suppressed.count);
        fields.text("log.repeated", &suppressed.message);
        fields.text("code.file.path", origin.file.as_deref().unwrap_or_default());
        fields.json("code.line.number", origin.line.unwrap_or_default());
    });
}

/// The message of a line whose fields `record` writes.
pub(super) fn message(record: impl FnOnce(&mut Fields<'_>)) -> String {
    let mut scratch = Scratch::default();
    record(&mut Fields {
        format: LogFormat::Json,
        scratch: &mut scratch,
    });
    scratch.message
}

/// Passes the line of `origin`, with the message and fields that `record` writes, to `write`.
pub(super) fn compose(
    format: LogFormat,
    service: &str,
    origin: &Origin<'_>,
    span: Option<&SpanContext>,
    write: impl FnOnce(&[u8]),
    record: impl FnOnce(&mut Fields<'_>),
) {
    let mut scratch = SCRATCH.take();
    scratch.line.clear();
    scratch.message.clear();
    scratch.attributes.clear();
    scratch.fields.clear();
    record(&mut Fields {
        format,
        scratch: &mut scratch,
    });
    // The events of the SDK have a name and no message.
    if scratch.message.is_empty() {
        scratch.message.push_str(&origin.name);
    }
    scratch.text.clear();
    // Writing to memory does not fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut scratch.text));
    match format {
        LogFormat::Json => json(&mut scratch, service, origin, span),
        LogFormat::Text => text(&mut scratch, origin, span),
    }
    scratch.line.push(b'\n');
    write(&scratch.line);
    SCRATCH.set(scratch);
}

fn json(scratch: &mut Scratch, service: &str, origin: &Origin<'_>, span: Option<&SpanContext>) {
    let line = &mut scratch.line;
    let _ = write!(
        line,
        r#"{{"timestamp":"{}","level":"{}","target":"#,
        scratch.text, origin.level
    );
    quote(line, &origin.target);
    line.extend_from_slice(br#","service":"#);
    quote(line, service);
    if let Some(span) = span {
        let _ = write!(
            line,
            r#","trace_id":"{}","span_id":"{}","trace_flags":"{:02x}""#,
            span.trace_id(),
            span.span_id(),
            span.trace_flags()
        );
    }
    line.extend_from_slice(br#","message":"#);
    quote(line, &scratch.message);
    line.extend_from_slice(&scratch.attributes);
    line.push(b'}');
}

fn text(scratch: &mut Scratch, origin: &Origin<'_>, span: Option<&SpanContext>) {
    let line = &mut scratch.line;
    let _ = write!(
        line,
        "{} {:>5} {} ",
        scratch.text,
        origin.level.as_str(),
        origin.target
    );
    // Input must not forge a line or control the terminal.
    for char in scratch.message.chars() {
        if char.is_control() {
            let _ = write!(line, "{}", char.escape_default());
        } else {
            let _ = write!(line, "{char}");
        }
    }
    line.extend_from_slice(&scratch.attributes);
    if let Some(span) = span {
        let _ = write!(
            line,
            " trace_id={} span_id={}",
            span.trace_id(),
            span.span_id()
        );
    }
}

fn quote(line: &mut Vec<u8>, text: &str) {
    // Serialising a text to memory does not fail.
    let _ = serde_json::to_writer(line, text);
}

/// At most [`LONGEST`] bytes of a text, and whether that is the whole text.
fn cut(text: &str) -> (&str, bool) {
    let end = text.floor_char_boundary(LONGEST);
    (&text[..end], end == text.len())
}

/// Writes the message and the fields of one line, in their order.
pub(super) struct Fields<'a> {
    format: LogFormat,
    scratch: &'a mut Scratch,
}

// === impl Fields ===

impl Fields<'_> {
    /// Begins a field. An earlier one of the same name is removed, since names are unique in a line.
    fn name(&mut self, name: &str) {
        let name = name.strip_prefix("r#").unwrap_or(name);
        let prefix = if OWN.contains(&name) { ATTRIBUTES } else { "" };
        let Scratch {
            attributes, fields, ..
        } = &mut *self.scratch;
        let start = attributes.len();
        match self.format {
            LogFormat::Json => {
                attributes.push(b',');
                if prefix.is_empty() {
                    quote(attributes, name);
                } else {
                    quote(attributes, &format!("{prefix}{name}"));
                }
                attributes.push(b':');
            }
            LogFormat::Text => {
                let _ = write!(attributes, " {prefix}{name}=");
            }
        }
        let (before, begun) = attributes.split_at(start);
        let same = |field: &usize| before[*field..].starts_with(begun);
        let Some(place) = fields.iter().position(same) else {
            fields.push(start);
            return;
        };
        let from = fields.remove(place);
        let to = fields.get(place).copied().unwrap_or(start);
        attributes.drain(from..to);
        for later in &mut fields[place..] {
            *later -= to - from;
        }
        fields.push(start - (to - from));
    }

    /// Writes a number or a boolean, which have the same form in JSON and Rust.
    pub(super) fn json(&mut self, name: &str, value: impl fmt::Display) {
        if redact::is_sensitive(name) {
            return self.text(name, "");
        }
        self.name(name);
        let _ = write!(self.scratch.attributes, "{value}");
    }

    /// Writes a number; one that JSON cannot represent becomes a text.
    pub(super) fn float(&mut self, name: &str, value: f64) {
        if value.is_finite() {
            self.json(name, value);
        } else {
            self.text(name, &value.to_string());
        }
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        if redact::is_sensitive(name) {
            return quote(&mut self.scratch.attributes, redact::REDACTED);
        }
        self.quoted(value);
    }

    fn quoted(&mut self, value: &str) {
        let scrubbed = redact::scrub(value);
        let attributes = &mut self.scratch.attributes;
        match cut(&scrubbed) {
            (all, true) => quote(attributes, all),
            (some, false) => quote(attributes, &format!("{some}…")),
        }
    }

    /// Writes the message of the line.
    pub(super) fn message(&mut self, message: fmt::Arguments<'_>) {
        match message.as_str() {
            Some(text) => self.message_text(text),
            None => self.formatted(message, Self::message_text),
        }
    }

    /// Formats a value into a reused buffer and passes the text on.
    fn formatted(&mut self, value: fmt::Arguments<'_>, take: impl FnOnce(&mut Self, &str)) {
        let mut text = std::mem::take(&mut self.scratch.text);
        text.clear();
        // A value whose formatting fails leaves what it has written.
        let _ = text.write_fmt(value);
        take(self, &text);
        self.scratch.text = text;
    }

    fn message_text(&mut self, value: &str) {
        let scrubbed = redact::scrub(value);
        let (some, whole) = cut(&scrubbed);
        self.scratch.message.push_str(some);
        if !whole {
            self.scratch.message.push('…');
        }
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.float(field.name(), value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.json(field.name(), value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.json(field.name(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.json(field.name(), value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message_text(value);
        } else {
            self.text(field.name(), value);
        }
    }

    /// The error under the field's name, its sources under `NAME.sources`, from the nearest to the root.
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.record_str(field, &value.to_string());
        let mut source = value.source();
        if source.is_none() || redact::is_sensitive(field.name()) {
            return;
        }
        self.name(&format!("{}.sources", field.name()));
        self.scratch.attributes.push(b'[');
        for depth in 0..DEEPEST {
            let Some(error) = source else { break };
            if depth > 0 {
                self.scratch.attributes.push(b',');
            }
            self.quoted(&error.to_string());
            source = error.source();
        }
        self.scratch.attributes.push(b']');
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.formatted(format_args!("{value:?}"), |fields, text| {
            fields.record_str(field, text);
        });
    }
}

#[cfg(test)]
mod tests;
