//! The fields of spans and events as attributes, and those that say something else.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Debug;

use opentelemetry::trace::{SpanKind, Status};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use tracing::field::{Field, Visit};

/// The attributes of an error: its text, and the texts of what caused it.
const MESSAGE: &str = "exception.message";
const CAUSES: &str = "exception.stacktrace";

/// What the fields of a span say.
#[derive(Default)]
pub(crate) struct OfSpan {
    pub(crate) name: Option<String>,
    pub(crate) kind: Option<SpanKind>,
    pub(crate) status: Option<Status>,
    pub(crate) attributes: Vec<KeyValue>,
}

/// What the fields of an event say, of it and of its span.
#[derive(Default)]
pub(crate) struct OfEvent {
    /// Its message.
    pub(crate) name: Option<Cow<'static, str>>,
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) of_span: Vec<KeyValue>,
    pub(crate) status: Option<Status>,
}

/// An error as attributes: its text, and the chain of what caused it.
struct Told {
    text: StringValue,
    causes: Vec<StringValue>,
}

// === impl OfSpan ===

impl OfSpan {
    fn special(&mut self, field: &Field, text: impl FnOnce() -> String) -> Option<String> {
        let name = field.name();
        if !name.starts_with("otel.") {
            return Some(text());
        }
        match name {
            "otel.name" => self.name = Some(text()),
            "otel.kind" => self.kind = kind(&text()),
            "otel.status_code" => self.status = Some(status(&text())),
            "otel.status_description" => self.status = Some(Status::error(text())),
            _ => return Some(text()),
        }
        None
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.attributes.push(KeyValue::new(field.name(), value));
    }
}

impl Visit for OfSpan {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.put(field, value),
            Err(_) => self.put(field, value.to_string()),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if let Some(text) = self.special(field, || value.to_owned()) {
            self.put(field, text);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if let Some(text) = self.special(field, || format!("{value:?}")) {
            self.put(field, text);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let told = Told::of(value);
        self.attributes.extend(told.as_exception());
        self.attributes.extend(told.as_field(field));
    }
}

// === impl OfEvent ===

impl OfEvent {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.attributes.push(KeyValue::new(field.name(), value));
    }

    /// The macros give the error of an event as any other field; one without a message is an exception.
    fn text(
        &mut self,
        field: &Field,
        text: impl FnOnce() -> String,
        quoted: impl FnOnce() -> String,
    ) {
        match field.name() {
            "message" => self.name = Some(text().into()),
            "error" if self.name.is_none() => {
                let quoted = quoted();
                self.status = Some(Status::error(quoted.clone()));
                self.name = Some("exception".into());
                self.attributes.push(KeyValue::new(MESSAGE, quoted));
            }
            _ => self.put(field, text()),
        }
    }
}

impl Visit for OfEvent {
    fn record_bool(&mut self, field: &Field, value: bool) {
        match field.name() {
            "message" => self.name = Some(value.to_string().into()),
            _ => self.put(field, value),
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        match field.name() {
            "message" => self.name = Some(value.to_string().into()),
            _ => self.put(field, value),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        match field.name() {
            "message" => self.name = Some(value.to_string().into()),
            _ => self.put(field, value),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.record_i64(field, value),
            Err(_) => self.record_debug(field, &value),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, || value.to_owned(), || format!("{value:?}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, || format!("{value:?}"), || format!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let told = Told::of(value);
        self.attributes.extend(told.as_exception());
        self.of_span.extend(told.as_exception());
        self.attributes.extend(told.as_field(field));
    }
}

// === impl Told ===

impl Told {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let mut causes = Vec::new();
        let mut next = error.source();
        while let Some(cause) = next {
            causes.push(cause.to_string().into());
            next = cause.source();
        }
        Self {
            text: error.to_string().into(),
            causes,
        }
    }

    fn as_exception(&self) -> [KeyValue; 2] {
        [
            KeyValue::new(MESSAGE, self.text.clone()),
            KeyValue::new(CAUSES, self.chain()),
        ]
    }

    fn as_field(&self, field: &Field) -> [KeyValue; 2] {
        [
            KeyValue::new(field.name(), self.text.clone()),
            KeyValue::new(format!("{}.chain", field.name()), self.chain()),
        ]
    }

    fn chain(&self) -> Value {
        Value::Array(Array::String(self.causes.clone()))
    }
}

fn kind(text: &str) -> Option<SpanKind> {
    [
        ("server", SpanKind::Server),
        ("client", SpanKind::Client),
        ("producer", SpanKind::Producer),
        ("consumer", SpanKind::Consumer),
        ("internal", SpanKind::Internal),
    ]
    .into_iter()
    .find(|(name, _)| text.eq_ignore_ascii_case(name))
    .map(|(_, kind)| kind)
}

fn status(text: &str) -> Status {
    if text.eq_ignore_ascii_case("ok") {
        Status::Ok
    } else if text.eq_ignore_ascii_case("error") {
        Status::error("")
    } else {
        Status::Unset
    }
}
