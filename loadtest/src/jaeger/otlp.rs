//! The JSON encoding of OTLP, in which Jaeger returns traces.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::traces::{AttributeValue, Link, Span, SpanKind, ValueType};

/// The response to a query for traces.
#[derive(Deserialize)]
pub(super) struct TracesResponse {
    result: TracesData,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TracesData {
    #[serde(default)]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    #[serde(default)]
    resource: Resource,
    #[serde(default)]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Deserialize, Default)]
struct Resource {
    #[serde(default)]
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
struct ScopeSpans {
    #[serde(default)]
    spans: Vec<WireSpan>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSpan {
    span_id: String,
    #[serde(default)]
    parent_span_id: String,
    name: String,
    #[serde(default)]
    kind: u8,
    #[serde(default)]
    start_time_unix_nano: String,
    #[serde(default)]
    end_time_unix_nano: String,
    #[serde(default)]
    attributes: Vec<Attribute>,
    #[serde(default)]
    links: Vec<WireLink>,
    #[serde(default)]
    status: WireStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLink {
    trace_id: String,
    span_id: String,
}

#[derive(Deserialize, Default)]
struct WireStatus {
    #[serde(default)]
    code: u8,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    #[serde(default)]
    value: Value,
}

/// `STATUS_CODE_ERROR` of OTLP.
const STATUS_ERROR: u8 = 2;

// === impl TracesResponse ===

impl TracesResponse {
    pub(super) fn into_spans(self) -> Vec<Span> {
        let mut spans = Vec::new();
        for group in self.result.resource_spans {
            let resource = attributes(group.resource.attributes);
            let text = |key: &str| {
                let value = resource.get(key);
                value.map(|value| value.text.clone()).unwrap_or_default()
            };
            let (service, instance) = (text("service.name"), text("service.instance.id"));
            let found = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
            spans.extend(found.map(|span| span.into_span(&service, &instance)));
        }
        spans
    }
}

// === impl WireSpan ===

impl WireSpan {
    fn into_span(self, service: &str, instance: &str) -> Span {
        Span {
            id: self.span_id,
            parent: Some(self.parent_span_id).filter(|id| id.bytes().any(|digit| digit != b'0')),
            name: self.name,
            kind: match self.kind {
                2 => SpanKind::Server,
                3 => SpanKind::Client,
                4 => SpanKind::Producer,
                5 => SpanKind::Consumer,
                _ => SpanKind::Internal,
            },
            service: service.to_owned(),
            instance: instance.to_owned(),
            start_ns: self.start_time_unix_nano.parse().unwrap_or_default(),
            end_ns: self.end_time_unix_nano.parse().unwrap_or_default(),
            failed: self.status.code == STATUS_ERROR,
            attributes: attributes(self.attributes),
            links: self
                .links
                .into_iter()
                .map(|link| Link {
                    trace_id: link.trace_id,
                    span_id: link.span_id,
                })
                .collect(),
        }
    }
}

fn attributes(attributes: Vec<Attribute>) -> BTreeMap<String, AttributeValue> {
    attributes
        .into_iter()
        .map(|attribute| (attribute.key, value(&attribute.value)))
        .collect()
}

/// A value of OTLP: an object with one member that is named for the type.
fn value(value: &Value) -> AttributeValue {
    let kind = value_type(value);
    let text = member(value).map_or_else(String::new, |(_, value)| match (&kind, value) {
        (ValueType::Array(_), array) => elements(array).map(json).collect::<Value>().to_string(),
        (_, Value::String(text)) => text.clone(),
        (_, other) => other.to_string(),
    });
    AttributeValue { kind, text }
}

fn value_type(value: &Value) -> ValueType {
    let Some((name, value)) = member(value) else {
        return ValueType::Other;
    };
    match name {
        "stringValue" => ValueType::String,
        "intValue" => ValueType::Int,
        "doubleValue" => ValueType::Double,
        "boolValue" => ValueType::Boolean,
        "arrayValue" => {
            let mut types = Vec::new();
            for element in elements(value).map(value_type) {
                if !types.contains(&element) {
                    types.push(element);
                }
            }
            ValueType::Array(types)
        }
        _ => ValueType::Other,
    }
}

fn member(value: &Value) -> Option<(&str, &Value)> {
    let (name, value) = value.as_object()?.iter().next()?;
    Some((name, value))
}

fn elements(array: &Value) -> impl Iterator<Item = &Value> {
    array["values"].as_array().into_iter().flatten()
}

/// The value without its type.
fn json(value: &Value) -> Value {
    member(value).map_or(Value::Null, |(_, value)| value.clone())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::traces::Trace;

    fn read(response: Value) -> Trace {
        let response: TracesResponse = serde_json::from_value(response).expect("readable");
        Trace::new("5b8efff798038103d269b633813fc60c", response.into_spans())
    }

    #[test]
    fn a_span_is_read_with_its_service_kind_links_and_attributes() {
        let trace = read(json!({"result": {"resourceSpans": [{
            "resource": {"attributes": [
                {"key": "service.name", "value": {"stringValue": "auction"}},
                {"key": "service.instance.id", "value": {"stringValue": "i1"}}
            ]},
            "scopeSpans": [{"scope": {"name": "telemetry"}, "spans": [
                {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "root",
                 "kind": 2, "startTimeUnixNano": "1700000000000000001", "endTimeUnixNano": "1700000000500000000",
                 "attributes": [{"key": "n", "value": {"intValue": "5"}}, {"key": "b", "value": {"boolValue": true}}],
                 "status": {}},
                {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b175",
                 "parentSpanId": "eee19b7ec3c1b174", "name": "auction.award", "kind": 1,
                 "startTimeUnixNano": "1700000000000000002", "endTimeUnixNano": "1700000000500000000",
                 "links": [{"traceId": "aa", "spanId": "bb"}], "status": {"message": "bad", "code": 2}}
            ]}]
        }]}}));
        let [root, award] = trace.spans() else {
            panic!("{trace:?}");
        };
        assert_eq!(
            (root.kind, root.parent.as_deref()),
            (SpanKind::Server, None)
        );
        assert_eq!(
            (root.service.as_str(), root.instance.as_str()),
            ("auction", "i1")
        );
        assert_eq!(root.attribute("n"), Some("5"));
        assert_eq!(root.attribute("b"), Some("true"));
        assert_eq!(root.attribute("c"), None);
        assert_eq!(root.start_ns, 1_700_000_000_000_000_001);
        assert!(!root.failed && award.failed);
        assert_eq!(award.parent.as_deref(), Some("eee19b7ec3c1b174"));
        assert_eq!(
            award.links,
            [Link {
                trace_id: "aa".to_owned(),
                span_id: "bb".to_owned()
            }]
        );
    }

    #[test]
    fn a_parent_of_zeros_is_no_parent() {
        let trace = read(
            json!({"result": {"resourceSpans": [{"scopeSpans": [{"spans": [
                {"spanId": "01", "parentSpanId": "0000000000000000", "name": "root"}
            ]}]}]}}),
        );
        assert_eq!(trace.roots().count(), 1);
    }

    #[test]
    fn a_value_keeps_the_type_with_which_it_was_sent() {
        for (sent, kind, text) in [
            (json!({"stringValue": "5"}), ValueType::String, "5"),
            (json!({"intValue": "5"}), ValueType::Int, "5"),
            (json!({"doubleValue": 0.5}), ValueType::Double, "0.5"),
            (json!({"boolValue": false}), ValueType::Boolean, "false"),
            (
                json!({"arrayValue": {"values": [{"stringValue": "a"}, {"stringValue": "b"}]}}),
                ValueType::Array(vec![ValueType::String]),
                "[\"a\",\"b\"]",
            ),
            (json!({"arrayValue": {}}), ValueType::Array(vec![]), "[]"),
            (json!({}), ValueType::Other, ""),
        ] {
            let text = text.to_owned();
            assert_eq!(value(&sent), AttributeValue { kind, text }, "{sent}");
        }
    }
}
