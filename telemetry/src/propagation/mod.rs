//! Reading contexts from headers and writing them there, with the propagators that were installed.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector};
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry::{Context, global};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

use crate::settings::{Propagator, Settings};

/// Makes the forms that the settings name those of the process.
pub(crate) fn install(settings: &Settings) {
    let propagators = settings
        .propagators
        .iter()
        .filter_map(
            |propagator| -> Option<Box<dyn TextMapPropagator + Send + Sync>> {
                match propagator {
                    Propagator::TraceContext => Some(Box::new(TraceContextPropagator::new())),
                    Propagator::Baggage => Some(Box::new(BaggagePropagator::new())),
                    Propagator::B3 | Propagator::B3Multi | Propagator::Jaeger => None,
                }
            },
        )
        .collect();
    global::set_text_map_propagator(TextMapCompositePropagator::new(propagators));
}

/// Name-value pairs as a carrier: the headers of a message, or the fields of a saved context.
#[derive(Debug, Default)]
pub(crate) struct Pairs(pub(crate) Vec<(String, String)>);

/// The context that the headers of a request carry; empty when they carry none that is well-formed.
pub(crate) fn extract(headers: &HeaderMap) -> Context {
    global::get_text_map_propagator(|propagator| {
        let carried = Carried::read(headers, propagator.fields());
        propagator.extract_with_context(&Context::new(), &carried)
    })
}

/// The context that the headers of a message carry.
pub(crate) fn extract_pairs(pairs: &[(String, String)]) -> Context {
    global::get_text_map_propagator(|propagator| {
        propagator.extract_with_context(&Context::new(), &BorrowedPairs(pairs))
    })
}

/// Writes `context` into the headers of a request, in place of what they carried.
pub(crate) fn inject(context: &Context, headers: &mut HeaderMap) {
    global::get_text_map_propagator(|propagator| {
        for field in propagator.fields() {
            headers.remove(field);
        }
        propagator.inject_context(context, &mut HeadersMut(headers));
    });
}

/// `context` as the headers of a message.
pub(crate) fn inject_pairs(context: &Context) -> Vec<(String, String)> {
    let mut pairs = Pairs::default();
    global::get_text_map_propagator(|propagator| propagator.inject_context(context, &mut pairs));
    pairs.0.retain(|(_, value)| !value.is_empty());
    pairs.0
}

/// The longest value of a context header that is read; W3C asks for 8192 bytes of baggage at most.
const MAX_VALUE: usize = 8192;

/// The context headers of a request: lists that came in several lines as one, and a `traceparent` only when
/// there is exactly one (W3C Trace Context, 3.2 and 3.3.1.1).
struct Carried<'a>(Vec<(&'a str, Cow<'a, str>)>);

struct HeadersMut<'a>(&'a mut HeaderMap);

struct BorrowedPairs<'a>(&'a [(String, String)]);

impl<'a> Carried<'a> {
    fn read(headers: &'a HeaderMap, fields: impl Iterator<Item = &'a str>) -> Self {
        let carried = fields.filter_map(|field| {
            let mut values = headers.get_all(field).iter();
            let first = values.next()?.to_str().ok()?;
            let rest: Vec<_> = values.filter_map(|value| value.to_str().ok()).collect();
            let value = match (field, rest.is_empty()) {
                (_, true) => Cow::Borrowed(first),
                ("tracestate" | "baggage", false) => {
                    Cow::Owned(format!("{first},{}", rest.join(",")))
                }
                (_, false) => return None,
            };
            (value.len() <= MAX_VALUE).then_some((field, value))
        });
        Self(carried.collect())
    }
}

impl Extractor for Carried<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(key))
            .map(|(_, value)| value.as_ref())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }
}

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        if value.is_empty() {
            return;
        }
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(key.as_bytes()),
            HeaderValue::try_from(value),
        ) {
            self.0.insert(name, value);
        }
    }
}

fn find<'a>(pairs: &'a [(String, String)], key: &str) -> Option<&'a str> {
    pairs
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(key))
        .map(|(_, value)| value.as_str())
}

impl Extractor for BorrowedPairs<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        find(self.0, key)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }
}

impl Extractor for Pairs {
    fn get(&self, key: &str) -> Option<&str> {
        find(&self.0, key)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).collect()
    }
}

impl Injector for Pairs {
    fn set(&mut self, key: &str, value: String) {
        self.0.push((key.to_owned(), value));
    }
}
