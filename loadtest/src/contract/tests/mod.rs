//! Checks of recorded metrics and made-up spans.

use std::path::PathBuf;

use super::Contract;
use crate::traces::{AttributeValue, Span, SpanKind, ValueType};

mod metrics;
mod names;
mod spans;

fn contract() -> Contract {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    Contract::load(&root).unwrap()
}

fn span(kind: SpanKind, name: &str, attributes: &[(&str, &str)]) -> Span {
    let attributes = attributes
        .iter()
        .map(|(key, value)| ((*key).to_owned(), AttributeValue::string(*value)));
    Span {
        id: "01".to_owned(),
        parent: None,
        name: name.to_owned(),
        kind,
        service: "auction".to_owned(),
        instance: "i".to_owned(),
        start_ns: 0,
        end_ns: 1,
        failed: false,
        attributes: attributes.collect(),
        links: Vec::new(),
    }
}

/// The span with one more attribute.
fn with(mut span: Span, key: &str, kind: ValueType, text: &str) -> Span {
    let text = text.to_owned();
    span.attributes
        .insert(key.to_owned(), AttributeValue { kind, text });
    span
}
