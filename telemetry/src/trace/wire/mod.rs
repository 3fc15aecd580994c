//! Spans in the form in which they are sent, from their first moment on: protobuf, as `opentelemetry.proto.trace.v1` of
//! OTLP 1.x has it.
//!
//! An SDK keeps a span as a tree of texts and lists, which the thread of a request allocates, and the thread that exports
//! reads, encodes and frees. Most of what tracing costs is that: each piece of memory goes from one processor to another and
//! back. Here what a span says is written down where it is said, and what waits for the export is a row of bytes.
//! What must not be written down ([`redact`]) is left out in the same moment, so that no queue has it either.

use std::sync::Arc;

use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status};
use opentelemetry::{Array, InstrumentationScope, KeyValue, Value};

use crate::logs::redact::{self, REDACTED};

mod draft;
mod protobuf;
mod read;

pub(crate) use draft::Draft;
pub(crate) use protobuf::Message;
#[cfg(any(feature = "test", test))]
pub(crate) use read::read;
pub(crate) use read::read_all;

/// The field of a `ScopeSpans` that has its spans.
pub(crate) const SPANS: u32 = 2;

/// A span that has ended.
#[derive(Debug)]
pub(crate) struct Ended<'a> {
    pub(crate) scope: &'a Arc<InstrumentationScope>,
    /// A `Span` of the protocol.
    pub(crate) bytes: Vec<u8>,
}

/// The value of an attribute that this crate sets itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Plain<'a> {
    /// One that comes from the service's own code: nothing has to be left out of it.
    Known(&'a str),
    Text(&'a str),
    Integer(i64),
    Flag(bool),
}

/// Writes the attributes of one span, event or link, as far as there is room for them.
pub(crate) struct Attributes<'a> {
    message: &'a mut Message,
    field: u32,
    count: &'a mut Count,
    most: u32,
    length: Option<usize>,
}

/// How many of something are written, and how many found no room.
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
    /// Sets one of this crate's own, whose key is known not to be sensitive.
    pub(crate) fn set<'v>(&mut self, key: &'static str, value: impl Into<Plain<'v>>) {
        if !self.count.one_more(self.most) {
            return;
        }
        match value.into() {
            Plain::Known(text) => self.text(key, text),
            Plain::Text(text) => self.text(key, &redact::scrub(text)),
            Plain::Integer(number) => self.value(key, |message| {
                message.integer(any_value::INT, number);
            }),
            Plain::Flag(flag) => self.value(key, |message| message.flag(any_value::BOOL, flag)),
        }
    }

    /// Sets any.
    pub(crate) fn put(&mut self, attribute: &KeyValue) {
        if !self.count.one_more(self.most) {
            return;
        }
        let (key, length) = (attribute.key.as_str(), self.length);
        match &attribute.value {
            value if redact::is_sensitive_again(key) => match value {
                Value::Array(values) => {
                    let count = count_of(values);
                    self.value(key, |message| redacted(message, count));
                }
                _ => self.text(key, REDACTED),
            },
            Value::String(text) => self.text(key, &redact::scrub(text.as_str())),
            other => self.value(key, |message| of_any(message, other, length)),
        }
    }

    /// A text without anything that must be left out.
    #[inline]
    fn text(&mut self, key: &str, text: &str) {
        let text = shortened(text, self.length);
        // What has fewer than these takes one byte for each of its lengths.
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

/// A list keeps its length: only what is in it is taken out.
fn redacted(message: &mut Message, count: usize) {
    message.nested(any_value::ARRAY, |message| {
        let secrets = vec![REDACTED; count];
        each(message, &secrets, |message, text| {
            message.text(any_value::STRING, text);
        });
    });
}

fn count_of(values: &Array) -> usize {
    match values {
        Array::Bool(values) => values.len(),
        Array::I64(values) => values.len(),
        Array::F64(values) => values.len(),
        Array::String(values) => values.len(),
        _ => 0,
    }
}

fn each<T>(message: &mut Message, values: &[T], write: impl Fn(&mut Message, &T)) {
    for value in values {
        message.nested(ARRAY_VALUES, |message| write(message, value));
    }
}

/// A text as a value, without the credentials in it, and not longer than allowed.
fn text(message: &mut Message, value: &str, length: Option<usize>) {
    message.text(any_value::STRING, shortened(&redact::scrub(value), length));
}

/// At most so many characters of it.
fn shortened(text: &str, length: Option<usize>) -> &str {
    match length {
        // No more bytes than that are no more characters either.
        Some(length) if text.len() > length => {
            let cut = text.char_indices().nth(length);
            cut.map_or(text, |(end, _)| &text[..end])
        }
        _ => text,
    }
}

// === impl Plain ===

impl<'a> From<&'a str> for Plain<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Plain<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Plain<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u16> for Plain<'_> {
    fn from(number: u16) -> Self {
        Self::Integer(i64::from(number))
    }
}

impl From<bool> for Plain<'_> {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

// === impl Count ===

impl Count {
    /// Counts one more, and says whether there is room for it.
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
