//! The same for spans, on their way out: the thread that exports pays for it, not the request.

use std::borrow::Cow;
use std::collections::HashMap;

use opentelemetry::trace::Status;
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::{REDACTED, is_sensitive, scrub};

/// How many keys are remembered: more than a service has, unless it makes them up.
const KEYS: usize = 1024;

/// Takes what must not be written down out of spans.
#[derive(Debug, Default)]
pub(crate) struct SpanRedactor {
    /// Whether keys that came before are sensitive.
    known: HashMap<Key, bool>,
}

// === impl SpanRedactor ===

impl SpanRedactor {
    /// Takes it out of the attributes, the events and the status of a span.
    pub(crate) fn redact(&mut self, span: &mut SpanData) {
        self.attributes(&mut span.attributes);
        for event in &mut span.events.events {
            // The bridge from `tracing` puts a message here.
            replace(&mut event.name);
            self.attributes(&mut event.attributes);
        }
        for link in &mut span.links.links {
            self.attributes(&mut link.attributes);
        }
        if let Status::Error { description } = &mut span.status {
            replace(description);
        }
    }

    fn attributes(&mut self, attributes: &mut [KeyValue]) {
        for KeyValue { key, value, .. } in attributes {
            if self.is_sensitive(key) {
                *value = REDACTED.into();
                continue;
            }
            match value {
                Value::String(text) => replace_value(text),
                Value::Array(Array::String(texts)) => texts.iter_mut().for_each(replace_value),
                _ => {}
            }
        }
    }

    fn is_sensitive(&mut self, key: &Key) -> bool {
        if let Some(known) = self.known.get(key) {
            return *known;
        }
        if self.known.len() >= KEYS {
            self.known.clear();
        }
        let sensitive = is_sensitive(key.as_str());
        self.known.insert(key.clone(), sensitive);
        sensitive
    }
}

fn replace(text: &mut Cow<'static, str>) {
    if let Cow::Owned(scrubbed) = scrub(text) {
        *text = scrubbed.into();
    }
}

fn replace_value(text: &mut StringValue) {
    if let Cow::Owned(scrubbed) = scrub(text.as_str()) {
        *text = scrubbed.into();
    }
}
