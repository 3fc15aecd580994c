//! Decoding spans, for the console exporter and for tests.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{
    Event, Link, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId,
};
use opentelemetry::{Array, InstrumentationScope, KeyValue, Value};
use opentelemetry_proto::tonic::common::v1 as common;
use opentelemetry_proto::tonic::trace::v1 as proto;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use prost::{DecodeError, Message};

use super::Ended;

/// The flag that says that the parent, or the target of a link, is remote.
const IS_REMOTE: u32 = 0x200;

/// Decodes a span.
pub(crate) fn read(span: &Ended<'_>) -> Result<SpanData, DecodeError> {
    let read = proto::Span::decode(span.bytes.as_slice())?;
    Ok(data(read, span.scope))
}

/// Decodes the spans of one scope, which are the fields `spans` of a `ScopeSpans`.
pub(crate) fn read_all(
    scope: &InstrumentationScope,
    spans: &[u8],
) -> Result<Vec<SpanData>, DecodeError> {
    let read = proto::ScopeSpans::decode(spans)?;
    let spans = read.spans.into_iter();
    Ok(spans.map(|span| data(span, scope)).collect())
}

fn data(span: proto::Span, scope: &InstrumentationScope) -> SpanData {
    let kind = span.kind();
    let mut events = SpanEvents::default();
    events.dropped_count = span.dropped_events_count;
    events.events = span.events.into_iter().map(event).collect();
    let mut links = SpanLinks::default();
    links.dropped_count = span.dropped_links_count;
    links.links = span.links.into_iter().map(link).collect();
    let parent_span_is_remote = span.flags & IS_REMOTE != 0;
    SpanData {
        span_context: identity(
            &span.trace_id,
            &span.span_id,
            span.flags,
            false,
            &span.trace_state,
        ),
        parent_span_id: span_id(&span.parent_span_id),
        parent_span_is_remote,
        span_kind: match kind {
            proto::span::SpanKind::Server => SpanKind::Server,
            proto::span::SpanKind::Client => SpanKind::Client,
            proto::span::SpanKind::Producer => SpanKind::Producer,
            proto::span::SpanKind::Consumer => SpanKind::Consumer,
            proto::span::SpanKind::Internal | proto::span::SpanKind::Unspecified => {
                SpanKind::Internal
            }
        },
        start_time: time(span.start_time_unix_nano),
        end_time: time(span.end_time_unix_nano),
        attributes: attributes(span.attributes),
        dropped_attributes_count: span.dropped_attributes_count,
        events,
        links,
        status: span.status.map_or(Status::Unset, status),
        name: span.name.into(),
        instrumentation_scope: scope.clone(),
    }
}

fn event(event: proto::span::Event) -> Event {
    Event::new(
        event.name,
        time(event.time_unix_nano),
        attributes(event.attributes),
        event.dropped_attributes_count,
    )
}

fn link(link: proto::span::Link) -> Link {
    let to = identity(
        &link.trace_id,
        &link.span_id,
        link.flags,
        link.flags & IS_REMOTE != 0,
        &link.trace_state,
    );
    Link::new(
        to,
        attributes(link.attributes),
        link.dropped_attributes_count,
    )
}

fn status(status: proto::Status) -> Status {
    match status.code() {
        proto::status::StatusCode::Unset => Status::Unset,
        proto::status::StatusCode::Ok => Status::Ok,
        proto::status::StatusCode::Error => Status::error(status.message),
    }
}

fn identity(trace: &[u8], span: &[u8], flags: u32, is_remote: bool, state: &str) -> SpanContext {
    let trace = <[u8; 16]>::try_from(trace).map_or(TraceId::INVALID, TraceId::from_bytes);
    // The flags of W3C are the lowest byte.
    let flags = TraceFlags::new(flags.to_le_bytes()[0]);
    let state = state.parse().unwrap_or_default();
    SpanContext::new(trace, span_id(span), flags, is_remote, state)
}

fn span_id(bytes: &[u8]) -> SpanId {
    <[u8; 8]>::try_from(bytes).map_or(SpanId::INVALID, SpanId::from_bytes)
}

fn time(nanoseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanoseconds)
}

fn attributes(attributes: Vec<common::KeyValue>) -> Vec<KeyValue> {
    let attributes = attributes.into_iter();
    attributes
        .map(|attribute| {
            let value = attribute.value.and_then(|value| value.value);
            KeyValue::new(attribute.key, value.map_or_else(|| "".into(), any))
        })
        .collect()
}

fn any(value: common::any_value::Value) -> Value {
    use common::any_value::Value as Any;
    match value {
        Any::BoolValue(flag) => flag.into(),
        Any::IntValue(number) => number.into(),
        Any::DoubleValue(number) => number.into(),
        Any::StringValue(text) => text.into(),
        Any::ArrayValue(array) => Value::Array(of_one_kind(array.values)),
        // Not written by this crate.
        _ => "".into(),
    }
}

/// The values of an array are of one kind, as OpenTelemetry's attributes have it.
fn of_one_kind(values: Vec<common::AnyValue>) -> Array {
    let values: Vec<Value> = values
        .into_iter()
        .filter_map(|value| Some(any(value.value?)))
        .collect();
    match values.first() {
        Some(Value::Bool(_)) => pick(&values, |value| match value {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        })
        .into(),
        Some(Value::I64(_)) => pick(&values, |value| match value {
            Value::I64(number) => Some(*number),
            _ => None,
        })
        .into(),
        Some(Value::F64(_)) => pick(&values, |value| match value {
            Value::F64(number) => Some(*number),
            _ => None,
        })
        .into(),
        _ => pick(&values, |value| match value {
            Value::String(text) => Some(text.clone()),
            _ => None,
        })
        .into(),
    }
}

fn pick<T>(values: &[Value], of: impl Fn(&Value) -> Option<T>) -> Vec<T> {
    values.iter().filter_map(of).collect()
}
