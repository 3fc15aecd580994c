//! Events of `tracing` as events of a span of OpenTelemetry, the same as `tracing_opentelemetry` makes of them.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Debug;

use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Array, Context, KeyValue, StringValue, Value};
use tracing::Event;
use tracing::field::{Field, Visit};

use crate::trace::clock;

/// The attributes of an error: its text, and the texts of what caused it.
const MESSAGE: &str = "exception.message";
const CAUSES: &str = "exception.stacktrace";

/// What the fields of an event say, of it and of its span.
#[derive(Default)]
struct Fields {
    name: Option<Cow<'static, str>>,
    attributes: Vec<KeyValue>,
    of_span: Vec<KeyValue>,
}

/// An error as attributes: its text, and the chain of what caused it.
struct Chain {
    text: StringValue,
    causes: Vec<StringValue>,
}

/// Adds the event to the span of `context`, whose status stays: how a request ends is said by its protocol.
pub(super) fn add(event: &Event<'_>, context: &Context) {
    let metadata = event.metadata();
    let mut fields = Fields::default();
    fields.attributes.extend([
        KeyValue::new("level", metadata.level().as_str()),
        KeyValue::new("target", metadata.target()),
    ]);
    event.record(&mut fields);
    let span = context.span();
    if !fields.of_span.is_empty() {
        span.set_attributes(fields.of_span);
    }
    let name = fields.name.unwrap_or_else(|| metadata.name().into());
    span.add_event_with_timestamp(name, clock::now(), fields.attributes);
}

// === impl Fields ===

impl Fields {
    fn value(&mut self, field: &Field, value: impl Into<Value> + ToString) {
        match field.name() {
            "message" => self.name = Some(value.to_string().into()),
            name => self.attributes.push(KeyValue::new(name, value)),
        }
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
                self.name = Some("exception".into());
                self.attributes.push(KeyValue::new(MESSAGE, quoted()));
            }
            name => self.attributes.push(KeyValue::new(name, text())),
        }
    }
}

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.value(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.value(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.value(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, || value.to_owned(), || format!("{value:?}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, || format!("{value:?}"), || format!("{value:?}"));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let chain = Chain::of(value);
        self.attributes.extend(chain.as_exception());
        self.of_span.extend(chain.as_exception());
        self.attributes.extend(chain.as_field(field));
    }
}

// === impl Chain ===

impl Chain {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let causes = std::iter::successors(error.source(), |cause| Error::source(*cause));
        Self {
            text: error.to_string().into(),
            causes: causes.map(|cause| cause.to_string().into()).collect(),
        }
    }

    fn as_exception(&self) -> [KeyValue; 2] {
        [
            KeyValue::new(MESSAGE, self.text.clone()),
            KeyValue::new(CAUSES, self.causes()),
        ]
    }

    fn as_field(&self, field: &Field) -> [KeyValue; 2] {
        [
            KeyValue::new(field.name(), self.text.clone()),
            KeyValue::new(format!("{}.chain", field.name()), self.causes()),
        ]
    }

    fn causes(&self) -> Value {
        Value::Array(Array::String(self.causes.clone()))
    }
}
