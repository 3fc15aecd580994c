//! What a span weighs in memory, and how its texts are kept short.

use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

/// About what a span occupies, in bytes.
pub(super) fn weight(span: &SpanData) -> usize {
    size_of::<SpanData>()
        + span.name.len()
        + of_all(&span.attributes)
        + span
            .events
            .iter()
            .map(|event| size_of_val(event) + event.name.len() + of_all(&event.attributes))
            .sum::<usize>()
        + span
            .links
            .iter()
            .map(|link| size_of_val(link) + of_all(&link.attributes))
            .sum::<usize>()
}

/// Cuts all texts among the values of a span's, its events' and its links' attributes to `limit` characters, as
/// the specification's attribute limits want it.
pub(super) fn shorten(span: &mut SpanData, limit: usize) {
    let of_events = span
        .events
        .events
        .iter_mut()
        .map(|event| &mut event.attributes);
    let of_links = span.links.links.iter_mut().map(|link| &mut link.attributes);
    for attribute in std::iter::once(&mut span.attributes)
        .chain(of_events)
        .chain(of_links)
        .flatten()
    {
        match &mut attribute.value {
            Value::String(text) => cut(text, limit),
            Value::Array(Array::String(texts)) => {
                for text in texts {
                    cut(text, limit);
                }
            }
            _ => {}
        }
    }
}

fn cut(text: &mut StringValue, limit: usize) {
    let whole = text.as_str();
    // No more bytes than that are no more characters either: the usual case costs one comparison.
    if whole.len() <= limit {
        return;
    }
    if let Some((end, _)) = whole.char_indices().nth(limit) {
        *text = whole[..end].to_owned().into();
    }
}

fn of_all(attributes: &[KeyValue]) -> usize {
    attributes
        .iter()
        .map(|attribute| {
            size_of::<KeyValue>() + attribute.key.as_str().len() + of_value(&attribute.value)
        })
        .sum()
}

fn of_value(value: &Value) -> usize {
    match value {
        Value::String(text) => text.as_str().len(),
        Value::Array(Array::String(texts)) => texts
            .iter()
            .map(|text| size_of::<StringValue>() + text.as_str().len())
            .sum(),
        Value::Array(Array::I64(values)) => size_of_val(values.as_slice()),
        Value::Array(Array::F64(values)) => size_of_val(values.as_slice()),
        Value::Array(Array::Bool(values)) => size_of_val(values.as_slice()),
        _ => 0,
    }
}
