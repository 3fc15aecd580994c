//! The names of declared items in messages: `metric NAME`, `metric NAME: LABEL`, `span ID`, `span ID: ATTRIBUTE`.

use telemetry_codegen::{Metric, Span, Use};

pub(super) fn metric(name: &str) -> String {
    format!("metric {name}")
}

pub(super) fn label(metric: &Metric, label: &Use) -> String {
    format!("metric {}: {}", metric.name, label.key())
}

pub(super) fn span(span: &Span) -> String {
    span.id.replacen("span.", "span ", 1)
}

pub(super) fn attribute(span: &Span, key: &str) -> String {
    format!("{}: {key}", self::span(span))
}
