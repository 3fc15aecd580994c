//! What is written, held against what opentelemetry-proto makes of the same span.

use std::borrow::Cow;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{Event, Link, TraceFlags, TraceId, TraceState};
use opentelemetry::{Key, StringValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::metrics::signals::KnownErrorType;
use crate::metrics::signals::attributes::{ERROR_TYPE, TELEMETRY_KEEP, URL_PATH};
use crate::settings::Limits;

/// What is asserted of attributes must hold for those of events and links too.
fn written<'a>(
    span: &SpanData,
    scope: &'a Arc<InstrumentationScope>,
    limits: &Limits,
) -> Ended<'a> {
    let is_remote = span.parent_span_is_remote;
    let parent = SpanContext::new(
        span.span_context.trace_id(),
        span.parent_span_id,
        TraceFlags::SAMPLED,
        is_remote,
        TraceState::NONE,
    );
    let name = Cow::Borrowed("first");
    let kind = &span.span_kind;
    let mut draft = Draft::new(&span.span_context, &parent, name, kind, span.start_time);
    draft
        .attributes(limits)
        .extend(span.attributes.iter().cloned());
    for event in &span.events.events {
        let dropped = event.dropped_attributes_count;
        draft.event(
            &event.name,
            event.timestamp,
            &event.attributes,
            dropped,
            limits,
        );
    }
    for link in &span.links.links {
        let dropped = link.dropped_attributes_count;
        draft.link(&link.span_context, &link.attributes, dropped, limits);
    }
    draft.set_status(span.status.clone());
    draft.rename(span.name.clone());
    draft.end(scope, span.end_time)
}

fn identity() -> impl Strategy<Value = SpanContext> {
    let state = prop_oneof![Just(TraceState::NONE), Just("a=1,b=2".parse().unwrap())];
    (1_u128.., 1_u64.., any::<u8>(), any::<bool>(), state).prop_map(
        |(trace, span, flags, is_remote, state)| {
            let flags = TraceFlags::new(flags);
            SpanContext::new(trace.into(), span.into(), flags, is_remote, state)
        },
    )
}

fn time() -> impl Strategy<Value = SystemTime> {
    (0..u64::MAX / 2).prop_map(|nanoseconds| UNIX_EPOCH + Duration::from_nanos(nanoseconds))
}

/// Texts without secrets in them.
fn clean() -> impl Strategy<Value = String> {
    "[a-zé/.]{0,300}"
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::from),
        clean().prop_map(Value::from),
        vec(any::<bool>(), 1..4).prop_map(|all| Value::Array(all.into())),
        vec(any::<i64>(), 1..4).prop_map(|all| Value::Array(all.into())),
        vec(-1e300..1e300, 1..4).prop_map(|all| Value::Array(all.into())),
        vec(clean(), 0..4).prop_map(|all| {
            let all: Vec<StringValue> = all.into_iter().map(StringValue::from).collect();
            Value::Array(all.into())
        }),
    ]
}

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let attribute = ("[a-f.]{1,200}", value()).prop_map(|(key, value)| KeyValue::new(key, value));
    vec(attribute, 0..5).prop_map(|all| unique(&all, u32::MAX).0)
}

/// Attributes of which many have the same key.
fn repeated() -> impl Strategy<Value = Vec<KeyValue>> {
    let key = prop_oneof![
        "[a-d]",
        "http.request.header.[a-c]",
        "(session|dish|user).token",
        "[a-c]{130}",
    ];
    vec((key, value()), 0..20).prop_map(|all| {
        let all = all.into_iter();
        all.map(|(key, value)| KeyValue::new(key, value)).collect()
    })
}

/// What is left of attributes that are set one after the other: each key once with its last value, up to the limit; and
/// how many are dropped for that.
fn unique(said: &[KeyValue], limit: u32) -> (Vec<KeyValue>, u32) {
    let mut kept: Vec<KeyValue> = Vec::new();
    let mut dropped = 0;
    for attribute in said {
        let known = kept.iter().position(|other| other.key == attribute.key);
        if let Some(place) = known {
            kept.remove(place);
        } else if kept.len() >= limit as usize {
            dropped += 1;
            continue;
        }
        kept.push(attribute.clone());
    }
    (kept, dropped)
}

fn span() -> impl Strategy<Value = SpanData> {
    let kind = prop_oneof![
        Just(SpanKind::Internal),
        Just(SpanKind::Server),
        Just(SpanKind::Client),
        Just(SpanKind::Producer),
        Just(SpanKind::Consumer),
    ];
    let status = prop_oneof![
        Just(Status::Unset),
        Just(Status::Ok),
        clean().prop_map(Status::error),
    ];
    let event = (clean(), time(), attributes(), 0_u32..3)
        .prop_map(|(name, time, attributes, dropped)| Event::new(name, time, attributes, dropped));
    let link = (identity(), attributes(), 0_u32..3)
        .prop_map(|(to, attributes, dropped)| Link::new(to, attributes, dropped));
    (
        (identity(), any::<u64>(), any::<bool>(), clean()),
        (kind, status, time(), any::<u32>()),
        (attributes(), vec(event, 0..3), vec(link, 0..3)),
    )
        .prop_map(
            |(
                (span_context, parent, is_remote, name),
                (span_kind, status, start_time, lasted),
                (attributes, events, links),
            )| {
                let mut all_events = SpanEvents::default();
                all_events.events = events;
                let mut all_links = SpanLinks::default();
                all_links.links = links;
                SpanData {
                    // A span of this process.
                    span_context: SpanContext::new(
                        span_context.trace_id(),
                        span_context.span_id(),
                        span_context.trace_flags(),
                        false,
                        span_context.trace_state().clone(),
                    ),
                    parent_span_id: parent.into(),
                    parent_span_is_remote: is_remote && parent != 0,
                    span_kind,
                    name: name.into(),
                    start_time,
                    end_time: start_time + Duration::from_nanos(lasted.into()),
                    attributes,
                    dropped_attributes_count: 0,
                    events: all_events,
                    links: all_links,
                    status,
                    instrumentation_scope: InstrumentationScope::builder("kitchen").build(),
                }
            },
        )
}

proptest! {
    #[test]
    fn a_span_is_written_as_opentelemetry_proto_has_it_and_read_as_it_was(span in span()) {
        let scope = Arc::new(span.instrumentation_scope.clone());
        let ended = written(&span, &scope, &Limits::default());
        prop_assert_eq!(&read(&ended).unwrap(), &span);
        prop_assert_eq!(Span::decode(ended.bytes.as_slice()).unwrap(), Span::from(span));
    }

    #[test]
    fn a_key_is_there_once_with_its_last_value_wherever_it_is_set(
        said in repeated(), limit in 0_u32..8,
    ) {
        let limits = Limits {
            attributes: limit,
            attributes_per_event: limit,
            attributes_per_link: limit,
            ..Limits::default()
        };
        let (mut kept, dropped) = unique(&said, limit);
        for attribute in &mut kept {
            if redact::is_sensitive(attribute.key.as_str()) {
                attribute.value = match &attribute.value {
                    Value::Array(Array::String(secrets)) => {
                        Value::Array(vec![StringValue::from(REDACTED); secrets.len()].into())
                    }
                    _ => REDACTED.into(),
                };
            }
        }
        // The attributes of the span are set between events and links that have the same keys.
        let mut draft = begun(&plain());
        for attribute in &said {
            draft.attributes(&limits).put(attribute);
            draft.event("event", UNIX_EPOCH, &said, 1, &limits);
            draft.link(&plain().span_context, &said, 2, &limits);
        }
        draft.event("event", UNIX_EPOCH, &said, 1, &limits);
        draft.link(&plain().span_context, &said, 2, &limits);
        let scope = Arc::default();
        let read = read(&draft.end(&scope, UNIX_EPOCH)).unwrap();
        prop_assert_eq!((&read.attributes, read.dropped_attributes_count), (&kept, dropped));
        prop_assert_eq!(read.events.events.len(), said.len() + 1);
        for event in &read.events.events {
            let dropped = dropped + 1;
            prop_assert_eq!((&event.attributes, event.dropped_attributes_count), (&kept, dropped));
        }
        prop_assert_eq!(read.links.links.len(), said.len() + 1);
        for link in &read.links.links {
            let dropped = dropped + 2;
            prop_assert_eq!((&link.attributes, link.dropped_attributes_count), (&kept, dropped));
        }
    }

    #[test]
    fn texts_are_cut_to_their_characters_everywhere(text in "\\PC{0,40}", limit in 0_usize..40) {
        let texts = vec![StringValue::from(text.clone())];
        let said = [
            KeyValue::new("text", text.clone()),
            KeyValue::new("texts", Value::Array(texts.into())),
        ];
        let limits = Limits { attribute_length: Some(limit), ..Limits::default() };
        let cut: String = redact::scrub(&text).chars().take(limit).collect();
        for attributes in everywhere(&said, &limits) {
            prop_assert_eq!(attributes[0].value.as_str(), cut.as_str());
            let texts = vec![StringValue::from(cut.clone())];
            prop_assert_eq!(&attributes[1].value, &Value::Array(texts.into()));
        }
    }
}

fn begun(span: &SpanData) -> Draft {
    Draft::new(
        &span.span_context,
        &SpanContext::NONE,
        "own".into(),
        &SpanKind::Server,
        UNIX_EPOCH,
    )
}

/// A span without attributes, events and links.
fn plain() -> SpanData {
    SpanData {
        span_context: SpanContext::new(
            TraceId::from(1),
            SpanId::from(1),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "plain".into(),
        start_time: UNIX_EPOCH,
        end_time: UNIX_EPOCH,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}

/// What becomes of attributes of a span, of an event, and of a link.
fn everywhere(said: &[KeyValue], limits: &Limits) -> [Vec<KeyValue>; 3] {
    let mut span = plain();
    span.attributes = said.to_vec();
    let event = Event::new("event", UNIX_EPOCH, said.to_vec(), 0);
    span.events.events.push(event);
    let link = Link::new(span.span_context.clone(), said.to_vec(), 0);
    span.links.links.push(link);
    let mut read = read(&written(&span, &Arc::default(), limits)).unwrap();
    [
        read.attributes,
        read.events.events.remove(0).attributes,
        read.links.links.remove(0).attributes,
    ]
}

#[test]
fn what_must_not_be_written_down_is_not_wherever_it_is_said() {
    const SECRET: &str = "Bearer eyJhbGciOi.1-2_3";
    let texts = vec![StringValue::from(SECRET)];
    let said = [
        KeyValue::new("user.password", 12_345),
        KeyValue::new(Key::from("set-cookie".to_owned()), SECRET),
        KeyValue::new("dish", SECRET),
        KeyValue::new("dishes", Value::Array(texts.into())),
        KeyValue::new("place", "mapo"),
    ];
    let clean = StringValue::from("Bearer REDACTED");
    for attributes in everywhere(&said, &Limits::default()) {
        let values: Vec<_> = attributes.iter().map(|said| said.value.clone()).collect();
        let wanted = [
            REDACTED.into(),
            REDACTED.into(),
            clean.clone().into(),
            Value::Array(vec![clean.clone()].into()),
            "mapo".into(),
        ];
        assert_eq!(values, wanted);
    }
    let mut span = plain();
    span.status = Status::error(SECRET);
    let event = Event::new(SECRET, UNIX_EPOCH, Vec::new(), 0);
    span.events.events.push(event);
    let read = read(&written(&span, &Arc::default(), &Limits::default())).unwrap();
    assert_eq!(read.status, Status::error("Bearer REDACTED"));
    assert_eq!(read.events.events[0].name, "Bearer REDACTED");
    let mut draft = begun(&span);
    let limits = Limits::default();
    draft.attributes(&limits).set(URL_PATH, SECRET);
    let read = super::read(&draft.end(&Arc::default(), UNIX_EPOCH)).unwrap();
    assert_eq!(read.attributes, [KeyValue::new("url.path", clean)]);
}

#[test]
fn an_attribute_of_this_crate_is_there_once_like_any_other() {
    let (mut draft, limits) = (begun(&plain()), Limits::default());
    let mut attributes = draft.attributes(&limits);
    attributes.set(TELEMETRY_KEEP, true);
    attributes.set(URL_PATH, "/first");
    attributes.set(ERROR_TYPE, "timeout");
    attributes.put(&KeyValue::new("url.path", 7));
    attributes.set(TELEMETRY_KEEP, true);
    attributes.set(URL_PATH, "/last");
    draft
        .attributes(&limits)
        .set(ERROR_TYPE, KnownErrorType::Panic);
    let read = super::read(&draft.end(&Arc::default(), UNIX_EPOCH)).unwrap();
    let expected = [
        KeyValue::new("telemetry.keep", true),
        KeyValue::new("url.path", "/last"),
        KeyValue::new("error.type", "panic"),
    ];
    assert_eq!(read.attributes, expected);
    assert_eq!(read.dropped_attributes_count, 0);
}

/// Their values are written without asking whether the key is sensitive.
#[test]
fn no_attribute_of_this_crate_has_a_sensitive_name() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/registry");
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines() {
            let line = line.trim();
            let name = line.strip_prefix("- ref: ").or(line.strip_prefix("- id: "));
            if let Some(name) = name {
                assert!(!redact::is_sensitive(name), "{name}");
                count += 1;
            }
        }
    }
    assert!(count > 100, "{count}");
}
