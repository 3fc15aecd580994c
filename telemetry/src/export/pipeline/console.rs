//! The console exporter: spans as JSON lines on standard output.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{SpanId, Status};
use opentelemetry::{Array, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;
use prost::DecodeError;
use serde_json::{Map, json};

use crate::export::account::Loss;
use crate::export::batch::{Batch, Scoped};
use crate::export::otlp::{Failure, Receipt, Retry};
use crate::trace::wire;

/// Writes one line per span.
pub(super) fn write(batch: &Batch) -> Result<Receipt, Failure> {
    let text = lines(batch).map_err(|error| failure(Loss::Encoding, &error))?;
    let mut output = std::io::stdout().lock();
    output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
        .map(|()| Receipt::default())
        .map_err(|error| failure(Loss::Refused, &error))
}

fn lines(batch: &Batch) -> Result<String, DecodeError> {
    let mut text = String::new();
    for Scoped { scope, spans } in batch.scopes() {
        for span in wire::read_all(scope, spans.as_ref())? {
            text.push_str(&line(&span).to_string());
            text.push('\n');
        }
    }
    Ok(text)
}

fn failure(loss: Loss, error: &dyn std::error::Error) -> Failure {
    Failure {
        loss,
        retry: Retry::Never,
        status: None,
        message: error.to_string(),
    }
}

fn line(span: &SpanData) -> serde_json::Value {
    let parent = span.parent_span_id;
    let (status, message) = match &span.status {
        Status::Unset => ("unset", ""),
        Status::Ok => ("ok", ""),
        Status::Error { description } => ("error", description.as_ref()),
    };
    json!({
        "trace_id": span.span_context.trace_id().to_string(),
        "span_id": span.span_context.span_id().to_string(),
        "parent_span_id": (parent != SpanId::INVALID).then(|| parent.to_string()),
        "name": span.name,
        "kind": format!("{:?}", span.span_kind).to_lowercase(),
        "start_unix_nano": nanoseconds(span.start_time),
        "end_unix_nano": nanoseconds(span.end_time),
        "status": status,
        "status_message": message,
        "attributes": object(&span.attributes),
        "events": span.events.iter().map(|event| json!({
            "name": event.name,
            "time_unix_nano": nanoseconds(event.timestamp),
            "attributes": object(&event.attributes),
        })).collect::<Vec<_>>(),
        "links": span.links.iter().map(|link| json!({
            "trace_id": link.span_context.trace_id().to_string(),
            "span_id": link.span_context.span_id().to_string(),
            "attributes": object(&link.attributes),
        })).collect::<Vec<_>>(),
        "scope": span.instrumentation_scope.name(),
    })
}

fn object(attributes: &[KeyValue]) -> Map<String, serde_json::Value> {
    attributes
        .iter()
        .map(|attribute| (attribute.key.to_string(), value(&attribute.value)))
        .collect()
}

fn value(value: &Value) -> serde_json::Value {
    match value {
        Value::Bool(flag) => json!(flag),
        Value::I64(number) => json!(number),
        Value::F64(number) => json!(number),
        Value::Array(Array::Bool(flags)) => json!(flags),
        Value::Array(Array::I64(numbers)) => json!(numbers),
        Value::Array(Array::F64(numbers)) => json!(numbers),
        Value::Array(Array::String(texts)) => {
            json!(texts.iter().map(StringValue::as_str).collect::<Vec<_>>())
        }
        other => json!(other.as_str()),
    }
}

#[allow(clippy::cast_possible_truncation)] // Until the year 2554.
fn nanoseconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Event, Link};

    use super::*;

    #[test]
    fn a_line_has_everything_that_is_in_a_span() {
        let mut span = wire::read(&crate::export::pipeline::empty_span()).unwrap();
        span.parent_span_id = SpanId::from(2);
        span.status = Status::error("burnt");
        span.attributes = vec![
            KeyValue::new("dish", "bibimbap"),
            KeyValue::new("count", 2),
            KeyValue::new("hot", true),
            KeyValue::new("sizes", Value::Array(vec![1_i64, 2].into())),
        ];
        let event = Event::new("served", UNIX_EPOCH, vec![KeyValue::new("to", 7)], 0);
        span.events.events.push(event);
        let link = Link::new(span.span_context.clone(), Vec::new(), 0);
        span.links.links.push(link);
        assert_eq!(
            line(&span),
            json!({
                "trace_id": "00000000000000000000000000000001",
                "span_id": "0000000000000001",
                "parent_span_id": "0000000000000002",
                "name": "test",
                "kind": "internal",
                "start_unix_nano": 0,
                "end_unix_nano": 0,
                "status": "error",
                "status_message": "burnt",
                "attributes": {"dish": "bibimbap", "count": 2, "hot": true, "sizes": [1, 2]},
                "events": [{"name": "served", "time_unix_nano": 0, "attributes": {"to": 7}}],
                "links": [{
                    "trace_id": "00000000000000000000000000000001",
                    "span_id": "0000000000000001",
                    "attributes": {},
                }],
                "scope": "",
            })
        );
    }
}
