//! A client of Jaeger's query API, version 3: a trace as OpenTelemetry's own JSON.

use crate::{
    traces::{Kind, Link, Span, Trace},
    transport::{Transport, TransportError, query_encoded},
};
use http::{HeaderMap, Method, StatusCode};
use prost_types::Timestamp;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

const TIME_OUT: Duration = Duration::from_secs(20);

/// How long a trace may take to be there: the services send spans in batches, and Jaeger shows nothing of a trace before
/// its tail sampler has decided, 15 s after the first span. The rest is to spare.
pub const ARRIVAL: Duration = Duration::from_secs(45);

/// How often a trace that is not whole yet is read again.
const AGAIN: Duration = Duration::from_millis(500);

/// A client of one Jaeger.
#[derive(Debug, Clone)]
pub struct Jaeger {
    transport: Transport,
}

// === impl Jaeger ===

impl Jaeger {
    /// A client of the Jaeger at `url`, such as `http://127.0.0.1:16686`.
    ///
    /// # Errors
    /// When `url` is no such address.
    pub fn new(url: &str) -> Result<Self, TransportError> {
        Ok(Self {
            transport: Transport::new(url, TIME_OUT)?,
        })
    }

    /// Where a person looks at a trace.
    pub fn page(&self, trace_id: &str) -> String {
        format!("{}/trace/{trace_id}", self.transport.base())
    }

    /// The trace as far as the store has it now; empty when it has nothing of it.
    ///
    /// # Errors
    /// When Jaeger does not answer, or not with a trace.
    pub async fn trace(&self, trace_id: &str) -> Result<Trace, TransportError> {
        let path = format!("/api/v3/traces/{trace_id}");
        let answer = self
            .transport
            .send(Method::GET, &path, HeaderMap::new(), bytes::Bytes::new())
            .await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(Trace::new(trace_id, vec![]));
        }
        let found: Found = answer.json()?;
        Ok(found.result.into_trace(trace_id))
    }

    /// The spans, of whatever service, of the latest `most` traces in which `service` took part and that began within
    /// `since`; as they were exported.
    ///
    /// # Errors
    /// When Jaeger does not answer, or not with traces.
    pub async fn recent(
        &self,
        service: &str,
        since: Duration,
        most: usize,
    ) -> Result<Vec<Span>, TransportError> {
        let now = SystemTime::now();
        let begin = now.checked_sub(since).unwrap_or(SystemTime::UNIX_EPOCH);
        let [begin, end] =
            [begin, now].map(|time| query_encoded(&Timestamp::from(time).to_string()));
        let path = format!(
            "/api/v3/traces?query.service_name={service}&query.start_time_min={begin}&query.start_time_max={end}\
             &query.num_traces={most}&query.raw_traces=true"
        );
        let answer = self
            .transport
            .send(Method::GET, &path, HeaderMap::new(), bytes::Bytes::new())
            .await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(vec![]);
        }
        let found: Found = answer.json()?;
        Ok(found.result.into_spans())
    }

    /// Reads the trace again and again until `judge` has nothing to object or `limit` has passed: spans arrive in
    /// batches. Returns the last reading and what was still objected to.
    ///
    /// One answer that fails is none: Jaeger's memory sorts the attributes of a trace where they lie, and panics when two
    /// ask for the same trace at once.
    ///
    /// # Errors
    /// When Jaeger does not answer for as long.
    pub async fn settled<F>(
        &self,
        trace_id: &str,
        limit: Duration,
        mut judge: impl FnMut(&Trace) -> Vec<F>,
    ) -> Result<(Trace, Vec<F>), TransportError> {
        let until = tokio::time::Instant::now() + limit;
        loop {
            let over = tokio::time::Instant::now() >= until;
            match self.trace(trace_id).await {
                Ok(trace) => {
                    let findings = judge(&trace);
                    if findings.is_empty() || over {
                        return Ok((trace, findings));
                    }
                }
                Err(error) if over => return Err(error),
                Err(_) => {}
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

#[derive(Deserialize)]
struct Found {
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
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLink {
    trace_id: String,
    span_id: String,
}

#[derive(Deserialize, Default)]
struct Status {
    #[serde(default)]
    code: u8,
}

#[derive(Deserialize)]
struct Attribute {
    key: String,
    #[serde(default)]
    value: serde_json::Value,
}

/// `STATUS_CODE_ERROR` of OTLP.
const STATUS_ERROR: u8 = 2;

// === impl TracesData ===

impl TracesData {
    fn into_trace(self, id: &str) -> Trace {
        Trace::new(id, self.into_spans())
    }

    fn into_spans(self) -> Vec<Span> {
        let mut spans = Vec::new();
        for group in self.resource_spans {
            let resource = texts(group.resource.attributes);
            let of = |key: &str| resource.get(key).cloned().unwrap_or_default();
            let (service, instance) = (of("service.name"), of("service.instance.id"));
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
                2 => Kind::Server,
                3 => Kind::Client,
                4 => Kind::Producer,
                5 => Kind::Consumer,
                _ => Kind::Internal,
            },
            service: service.to_owned(),
            instance: instance.to_owned(),
            start_ns: self.start_time_unix_nano.parse().unwrap_or_default(),
            end_ns: self.end_time_unix_nano.parse().unwrap_or_default(),
            failed: self.status.code == STATUS_ERROR,
            attributes: texts(self.attributes),
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

/// The attributes as text. A value is an object with one member, named for its type.
fn texts(attributes: Vec<Attribute>) -> BTreeMap<String, String> {
    attributes
        .into_iter()
        .map(|attribute| {
            let value = attribute
                .value
                .as_object()
                .and_then(|members| members.values().next())
                .map_or_else(String::new, |value| match value {
                    serde_json::Value::String(text) => text.clone(),
                    other => other.to_string(),
                });
            (attribute.key, value)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Found;
    use crate::traces::{Kind, Link};
    use serde_json::json;

    fn read(value: serde_json::Value) -> crate::traces::Trace {
        let found: Found = serde_json::from_value(value).expect("readable");
        found.result.into_trace("5b8efff798038103d269b633813fc60c")
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
        assert_eq!((root.kind, root.parent.as_deref()), (Kind::Server, None));
        assert_eq!(
            (root.service.as_str(), root.instance.as_str()),
            ("auction", "i1")
        );
        assert_eq!((root.attribute("n"), root.attribute("b")), ("5", "true"));
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
}
