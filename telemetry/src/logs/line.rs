//! One event as one line.
//!
//! A JSON line has the fields of OpenTelemetry's log model, under the names that the specification gives them in
//! formats other than OTLP where it does (`trace_id`, `span_id`, `trace_flags`), and those usual in Rust where it does
//! not: `timestamp`, `level` (its `SeverityText`), `message` (its `Body`), `target` (its scope) and `service` (its
//! resource's `service.name`). What the event has beside its message are its attributes, on the same level.

use std::cell::Cell;
use std::fmt::{self, Write as _};
use std::io::Write as _;

use opentelemetry::trace::SpanContext;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use super::repeats::{INTERVAL, LeftOut};
use crate::redact;

/// Which of the two forms the lines have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Json,
    Text,
}

/// Names that are the line's own; an attribute of such a name is put under [`ATTRIBUTES`].
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

/// A text longer than this, in bytes, is cut: one line must not fill the memory of those that read it.
const LONGEST: usize = 16 * 1024;

/// How deep the chain of an error's sources is followed.
const DEEPEST: usize = 16;

/// What is reused from line to line of a thread.
#[derive(Default)]
struct Scratch {
    line: Vec<u8>,
    message: String,
    attributes: Vec<u8>,
    text: String,
}

thread_local! {
    // Taken while it is used: a value's `Debug` that logs itself finds an empty one, not a borrowed one.
    static SCRATCH: Cell<Scratch> = Cell::default();
}

/// Hands the line of `event` to `write`.
pub(super) fn event(
    format: LogFormat,
    service: &str,
    event: &Event<'_>,
    span: Option<&SpanContext>,
    write: impl FnOnce(&[u8]),
) {
    compose(format, service, event.metadata(), span, write, |visitor| {
        event.record(visitor);
    });
}

/// Hands the line that tells of repeats to `write`.
pub(super) fn left_out(
    format: LogFormat,
    service: &str,
    left_out: &LeftOut,
    write: impl FnOnce(&[u8]),
) {
    let metadata = left_out.metadata;
    compose(format, service, metadata, None, write, |visitor| {
        let seconds = INTERVAL.as_secs();
        let _ = write!(
            visitor.scratch.message,
            "{} more of the same within {seconds} s were left out",
            left_out.count,
        );
        visitor.json("log.repeats", left_out.count);
        visitor.text("log.repeated", &left_out.message);
        visitor.text("code.file.path", metadata.file().unwrap_or_default());
        visitor.json("code.line.number", metadata.line().unwrap_or_default());
    });
}

/// The message of an event as its line has it.
pub(super) fn message(event: &Event<'_>) -> String {
    let mut scratch = Scratch::default();
    event.record(&mut Visitor {
        format: LogFormat::Json,
        scratch: &mut scratch,
    });
    scratch.message
}

fn compose(
    format: LogFormat,
    service: &str,
    metadata: &Metadata<'_>,
    span: Option<&SpanContext>,
    write: impl FnOnce(&[u8]),
    record: impl FnOnce(&mut Visitor<'_>),
) {
    let mut scratch = SCRATCH.take();
    scratch.line.clear();
    scratch.message.clear();
    scratch.attributes.clear();
    record(&mut Visitor {
        format,
        scratch: &mut scratch,
    });
    // The events of the SDK say what they are by their name alone; that of others is a place in the code.
    if scratch.message.is_empty() && !metadata.name().starts_with("event ") {
        scratch.message.push_str(metadata.name());
    }
    scratch.text.clear();
    // Writing to memory does not fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut scratch.text));
    match format {
        LogFormat::Json => json(&mut scratch, service, metadata, span),
        LogFormat::Text => text(&mut scratch, metadata, span),
    }
    scratch.line.push(b'\n');
    write(&scratch.line);
    SCRATCH.set(scratch);
}

fn json(scratch: &mut Scratch, service: &str, metadata: &Metadata<'_>, span: Option<&SpanContext>) {
    let line = &mut scratch.line;
    let _ = write!(
        line,
        r#"{{"timestamp":"{}","level":"{}","target":"#,
        scratch.text,
        metadata.level()
    );
    quote(line, metadata.target());
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

fn text(scratch: &mut Scratch, metadata: &Metadata<'_>, span: Option<&SpanContext>) {
    let line = &mut scratch.line;
    let _ = write!(
        line,
        "{} {:>5} {} ",
        scratch.text,
        metadata.level().as_str(),
        metadata.target()
    );
    // What comes from outside must not forge a line, nor steer the terminal.
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
    // Neither a text nor the memory refuses.
    let _ = serde_json::to_writer(line, text);
}

/// At most [`LONGEST`] bytes of a text, and whether that is all of it.
fn cut(text: &str) -> (&str, bool) {
    let end = text.floor_char_boundary(LONGEST);
    (&text[..end], end == text.len())
}

// === impl Visitor ===

/// Takes the fields of an event in the order in which they come.
struct Visitor<'a> {
    format: LogFormat,
    scratch: &'a mut Scratch,
}

impl Visitor<'_> {
    fn name(&mut self, name: &str) {
        let name = name.strip_prefix("r#").unwrap_or(name);
        let prefix = if OWN.contains(&name) { ATTRIBUTES } else { "" };
        let attributes = &mut self.scratch.attributes;
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
    }

    /// A number or a boolean, which JSON writes as Rust does.
    fn json(&mut self, name: &str, value: impl fmt::Display) {
        if redact::is_sensitive(name) {
            return self.text(name, "");
        }
        self.name(name);
        let _ = write!(self.scratch.attributes, "{value}");
    }

    fn text(&mut self, name: &str, value: &str) {
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

    fn message(&mut self, value: &str) {
        let scrubbed = redact::scrub(value);
        let (some, whole) = cut(&scrubbed);
        self.scratch.message.push_str(some);
        if !whole {
            self.scratch.message.push('…');
        }
    }
}

impl Visit for Visitor<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.json(field.name(), value);
        } else {
            self.text(field.name(), &value.to_string());
        }
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
            self.message(value);
        } else {
            self.text(field.name(), value);
        }
    }

    /// The error under the field's name, what caused it under `NAME.sources`, from the nearest to the root.
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
        let mut text = std::mem::take(&mut self.scratch.text);
        text.clear();
        // A value that cannot be shown leaves what it has shown.
        let _ = write!(text, "{value:?}");
        self.record_str(field, &text);
        self.scratch.text = text;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use opentelemetry::trace::{SpanId, TraceFlags, TraceId, TraceState};
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt};

    use super::*;

    struct Lines {
        format: LogFormat,
        lines: Arc<Mutex<Vec<u8>>>,
    }

    impl<S: tracing::Subscriber> Layer<S> for Lines {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let span = SpanContext::new(
                TraceId::from(0xabc),
                SpanId::from(0xdef),
                TraceFlags::SAMPLED,
                true,
                TraceState::NONE,
            );
            super::event(self.format, "kitchen", event, Some(&span), |line| {
                self.lines.lock().unwrap().extend_from_slice(line);
            });
        }
    }

    fn lines(format: LogFormat, log: impl FnOnce()) -> String {
        let lines = Arc::default();
        let layer = Lines {
            format,
            lines: Arc::clone(&lines),
        };
        // As in the tests of adopters: a second subscriber has `tracing` ask both.
        let _second = tracing::Dispatch::new(tracing_subscriber::registry());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        let lines = lines.lock().unwrap().clone();
        String::from_utf8(lines).unwrap()
    }

    fn json_line(log: impl FnOnce()) -> Value {
        let text = lines(LogFormat::Json, log);
        assert_eq!(text.lines().count(), 1, "{text}");
        serde_json::from_str(&text).unwrap()
    }

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Failed(&'static str, #[source] Option<Box<Failed>>);

    #[test]
    fn a_json_line_has_the_ids_and_the_fields_with_their_types() {
        let mut line = json_line(|| {
            tracing::warn!(left = 2, price = 1.5, open = true, dish.name = "soup", why = ?Some(1), r#type = "x", "low");
        });
        let timestamp = line["timestamp"].take();
        let timestamp = timestamp.as_str().unwrap();
        let shape: String = timestamp
            .chars()
            .map(|char| if char.is_ascii_digit() { '0' } else { char })
            .collect();
        assert_eq!(shape, "0000-00-00T00:00:00.000000Z");
        assert_eq!(
            line,
            json!({
                "timestamp": null, "level": "WARN", "target": module_path!(), "service": "kitchen",
                "trace_id": "00000000000000000000000000000abc", "span_id": "0000000000000def", "trace_flags": "01",
                "message": "low",
                "left": 2, "price": 1.5, "open": true, "dish.name": "soup", "why": "Some(1)", "type": "x",
            })
        );
    }

    #[test]
    fn a_field_never_stands_in_for_one_of_the_line_s_own() {
        let line = json_line(|| tracing::info!(service = "bar", trace_id = 7, "one"));
        assert_eq!(
            (&line["service"], &line["attributes.service"]),
            (&json!("kitchen"), &json!("bar"))
        );
        assert_eq!(line["attributes.trace_id"], 7);
    }

    #[test]
    fn an_error_has_what_caused_it_beside_it() {
        let root = Failed("no route to postgres://a:b@db", None);
        let error = Failed(
            "cannot store",
            Some(Box::new(Failed("no connection", Some(Box::new(root))))),
        );
        let error: &dyn std::error::Error = &error;
        let line = json_line(|| tracing::error!(error, "failed"));
        assert_eq!(line["error"], "cannot store");
        assert_eq!(
            line["error.sources"],
            json!(["no connection", "no route to postgres://REDACTED@db"])
        );
        let alone: &dyn std::error::Error = &Failed("alone", None);
        let line = json_line(|| tracing::error!(error = alone, "failed"));
        assert_eq!(
            (&line["error"], line.get("error.sources")),
            (&json!("alone"), None)
        );
    }

    #[test]
    fn secrets_and_personal_data_are_taken_out_of_either_form() {
        let log = || {
            let error: &dyn std::error::Error =
                &Failed("hunter2", Some(Box::new(Failed("hunter2", None))));
            tracing::info!(
                password = "hunter2", pin.otp = 1_234_567, access_token = ?Some("hunter2"), secret = error,
                url = "http://me:hunter2@host", email = %"minji@example.com", "to x://me:hunter2@host",
            );
        };
        for format in [LogFormat::Json, LogFormat::Text] {
            let text = lines(format, log);
            for secret in ["hunter2", "1234567", "minji"] {
                assert!(!text.contains(secret), "{secret} is in {text}");
            }
            assert!(text.contains("to x://REDACTED@host"), "{text}");
        }
        assert_eq!(json_line(log)["password"], "REDACTED");
    }

    #[test]
    fn a_readable_line_cannot_be_forged_or_steer_the_terminal() {
        let text = lines(LogFormat::Text, || {
            tracing::info!(why = "a\n\u{1b}[2J", "one\n2026 ERROR two\u{1b}[31m\u{9b}");
        });
        assert_eq!(text.lines().count(), 1);
        assert!(!text.trim_end().chars().any(char::is_control), "{text:?}");
        let ids = " trace_id=00000000000000000000000000000abc span_id=0000000000000def\n";
        assert!(
            text.contains("  INFO telemetry::logs::line::tests one\\n2026"),
            "{text}"
        );
        assert!(text.ends_with(ids), "{text}");
    }

    #[test]
    fn what_is_long_is_cut_and_an_event_with_a_name_alone_says_it() {
        let long = "é".repeat(LONGEST);
        let line = json_line(|| tracing::info!(long, "{long}"));
        for key in ["long", "message"] {
            let text = line[key].as_str().unwrap();
            assert!(text.ends_with('…') && text.len() <= LONGEST + '…'.len_utf8());
        }
        let line = json_line(|| tracing::info!(name: "Span.Dropped", count = 1));
        assert_eq!(line["message"], "Span.Dropped");
        assert_eq!(json_line(|| tracing::info!(count = 1))["message"], "");
    }

    #[test]
    fn a_value_that_logs_while_it_is_shown_leaves_both_lines_whole() {
        struct Chatty;
        impl fmt::Display for Chatty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                line::inner();
                f.write_str("outer")
            }
        }
        mod line {
            pub(super) fn inner() {
                let mut scratch = super::SCRATCH.take();
                scratch.message.push_str("inner");
                super::SCRATCH.set(scratch);
            }
        }
        let line = json_line(|| tracing::info!(value = %Chatty, "said"));
        assert_eq!(
            (&line["value"], &line["message"]),
            (&json!("outer"), &json!("said"))
        );
    }

    #[test]
    fn numbers_that_json_has_not_are_texts() {
        let line = json_line(|| {
            tracing::info!(nan = f64::NAN, most = f64::INFINITY, big = u128::MAX, "x");
        });
        assert_eq!(
            (&line["nan"], &line["most"]),
            (&json!("NaN"), &json!("inf"))
        );
        assert_eq!(line["big"], u128::MAX.to_string());
    }

    proptest! {
        #[test]
        fn any_text_comes_through_a_json_line(text in "\\PC*|[\\x00-\\x7f]{0,40}") {
            prop_assume!(redact::scrub(&text) == text);
            let line = json_line(|| tracing::info!(text, "{text}"));
            prop_assert_eq!((line["text"].as_str(), line["message"].as_str()), (Some(text.as_str()), Some(text.as_str())));
        }
    }
}
