//! Spans in the form in which they are sent, from their start on: protobuf, as `opentelemetry.proto.trace.v1` of OTLP 1.x
//! defines it.
//!
//! An SDK keeps a span as a tree of texts and lists, which the thread of a request allocates, and the thread that exports
//! reads, encodes and frees. That is most of the cost of tracing: each piece of memory moves from one processor to
//! another and back. Here an attribute or event is encoded where it is set, and what waits for the export is a row of
//! bytes. Sensitive values ([`redact`]) are replaced in the same moment, so that no queue ever holds them.
//!
//! The attributes of a span, an event and a link are unique by their keys, as OTLP requires: the last value counts.

use std::sync::Arc;

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status};
use opentelemetry::{Array, InstrumentationScope, KeyValue, Value};

use crate::logs::redact::{self, REDACTED};
use crate::metrics::signals::{AttributeKey, AttributeValue, RawValue};

mod draft;
mod keys;
mod protobuf;
mod read;

pub(crate) use draft::Draft;
use keys::Keys;
pub(crate) use protobuf::Message;
#[cfg(any(feature = "test", test))]
pub(crate) use read::read;
pub(crate) use read::read_all;

/// The number of the field `spans` in a `ScopeSpans`.
pub(crate) const SPANS: u32 = 2;

/// A span that has ended.
#[derive(Debug)]
pub(crate) struct Ended<'a> {
    pub(crate) scope: &'a Arc<InstrumentationScope>,
    /// An encoded `Span`.
    pub(crate) bytes: Vec<u8>,
}

/// Writes the attributes of one span, event or link: each key once with its last value, up to the limit.
pub(crate) struct Attributes<'a> {
    message: &'a mut Message,
    /// Where the fields begin of the span, event or link in `message`.
    start: usize,
    field: u32,
    written: &'a mut Written,
    most: u32,
    length: Option<usize>,
}

/// Which attributes of a span, event or link are written.
#[derive(Debug, Default)]
pub(crate) struct Written {
    keys: Keys,
    count: Count,
}

/// How many attributes, events or links are written, and how many were dropped for the limit.
#[derive(Debug, Default)]
pub(crate) struct Count {
    written: u32,
    dropped: u32,
}

/// The fields of a `KeyValue`, and of an `AnyValue`, by their numbers.
mod key_value {
    pub(super) const KEY: u32 = 1;
    pub(super) const VALUE: u32 = 2;
}
mod any_value {
    pub(super) const STRING: u32 = 1;
    pub(super) const BOOL: u32 = 2;
    pub(super) const INT: u32 = 3;
    pub(super) const DOUBLE: u32 = 4;
    pub(super) const ARRAY: u32 = 5;
}
const ARRAY_VALUES: u32 = 1;

// === impl Attributes ===

impl Attributes<'_> {
    /// Sets an attribute that this crate's registry declares, whose key is known not to be sensitive.
    pub(crate) fn set<'v, T: ?Sized>(
        &mut self,
        key: AttributeKey<T>,
        value: impl AttributeValue<'v, T>,
    ) {
        if !self.admits(key.name()) {
            return;
        }
        let (key, length) = (key.name(), self.length);
        match value.into_raw() {
            RawValue::Static(text) | RawValue::FromCode(text) => self.text(key, text),
            RawValue::Text(text) => self.text(key, &redact::scrub(text)),
            RawValue::Owned(text) => self.text(key, &redact::scrub(text.as_str())),
            RawValue::Integer(number) => self.value(key, |message| {
                message.integer(any_value::INT, number);
            }),
            RawValue::Double(number) => self.value(key, |message| {
                message.double(any_value::DOUBLE, number);
            }),
            RawValue::Flag(flag) => self.value(key, |message| message.flag(any_value::BOOL, flag)),
            RawValue::Array(values) => self.value(key, |message| {
                of_any(message, &Value::Array(values), length);
            }),
        }
    }

    /// Sets any attribute.
    pub(crate) fn put(&mut self, attribute: &KeyValue) {
        let (key, length) = (attribute.key.as_str(), self.length);
        if !self.admits(key) {
            return;
        }
        match &attribute.value {
            value if redact::is_sensitive_again(key) => match value {
                Value::Array(Array::String(secrets)) => {
                    self.value(key, |message| redacted(message, secrets.len()));
                }
                _ => self.text(key, REDACTED),
            },
            Value::String(text) => self.text(key, &redact::scrub(text.as_str())),
            other => self.value(key, |message| of_any(message, other, length)),
        }
    }

    /// Whether an attribute of this key may be written now: there is room for it, or it takes the place of the value that
    /// the key had before, which is removed here.
    #[inline]
    fn admits(&mut self, key: &str) -> bool {
        let is_new = self.written.keys.is_new(key);
        if !is_new && self.removes(key) {
            return true;
        }
        let is_written = self.written.count.one_more(self.most);
        if is_written && is_new {
            self.written.keys.insert(key);
        }
        is_written
    }

    fn removes(&mut self, key: &str) -> bool {
        let is_wanted = |attribute: &[u8]| {
            let field = protobuf::split_field(attribute);
            field.is_some_and(|(_, contents, _)| contents == key.as_bytes())
        };
        self.message.remove(self.start, self.field, is_wanted)
    }

    /// A text that has been redacted.
    #[inline]
    fn text(&mut self, key: &str, text: &str) {
        let text = shortened(text, self.length);
        // Below this, each of the lengths takes one byte.
        if key.len() + text.len() < 120 {
            let fields = [key_value::KEY, key_value::VALUE, any_value::STRING];
            self.message.short_pair(self.field, fields, [key, text]);
        } else {
            self.value(key, |message| message.text(any_value::STRING, text));
        }
    }

    fn value(&mut self, key: &str, write: impl FnOnce(&mut Message)) {
        self.message.nested(self.field, |message| {
            message.text(key_value::KEY, key);
            message.nested(key_value::VALUE, write);
        });
    }
}

impl Extend<KeyValue> for Attributes<'_> {
    fn extend<T: IntoIterator<Item = KeyValue>>(&mut self, attributes: T) {
        for attribute in attributes {
            self.put(&attribute);
        }
    }
}

fn of_any(message: &mut Message, value: &Value, length: Option<usize>) {
    match value {
        Value::Bool(flag) => message.flag(any_value::BOOL, *flag),
        Value::I64(number) => message.integer(any_value::INT, *number),
        Value::F64(number) => message.double(any_value::DOUBLE, *number),
        Value::Array(values) => message.nested(any_value::ARRAY, |message| match values {
            Array::Bool(flags) => each(message, flags, |message, flag| {
                message.flag(any_value::BOOL, *flag);
            }),
            Array::I64(numbers) => each(message, numbers, |message, number| {
                message.integer(any_value::INT, *number);
            }),
            Array::F64(numbers) => each(message, numbers, |message, number| {
                message.double(any_value::DOUBLE, *number);
            }),
            Array::String(texts) => each(message, texts, |message, value| {
                text(message, value.as_str(), length);
            }),
            _ => {}
        }),
        other => text(message, &other.as_str(), length),
    }
}

/// A list of texts stays one, and keeps its length.
fn redacted(message: &mut Message, count: usize) {
    message.nested(any_value::ARRAY, |message| {
        let secrets = vec![REDACTED; count];
        each(message, &secrets, |message, text| {
            message.text(any_value::STRING, text);
        });
    });
}

fn each<T>(message: &mut Message, values: &[T], write: impl Fn(&mut Message, &T)) {
    for value in values {
        message.nested(ARRAY_VALUES, |message| write(message, value));
    }
}

/// A text as a value, redacted and cut to the length limit.
fn text(message: &mut Message, value: &str, length: Option<usize>) {
    message.text(any_value::STRING, shortened(&redact::scrub(value), length));
}

/// The first `length` characters of a text.
fn shortened(text: &str, length: Option<usize>) -> &str {
    match length {
        // A text of no more bytes has no more characters either.
        Some(length) if text.len() > length => {
            let cut = text.char_indices().nth(length);
            cut.map_or(text, |(end, _)| &text[..end])
        }
        _ => text,
    }
}

// === impl Count ===

impl Count {
    /// Counts one more. Returns whether there is room for it.
    fn one_more(&mut self, most: u32) -> bool {
        let is_written = self.written < most;
        if is_written {
            self.written += 1;
        } else {
            self.dropped += 1;
        }
        is_written
    }
}

#[cfg(test)]
mod tests;
