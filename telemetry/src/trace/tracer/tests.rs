//! Spans as the tracer makes them, held against those of the SDK.

use std::sync::Mutex;
use std::time::SystemTime;

use opentelemetry::trace::{
    Link, Span as _, SpanId, Status, TraceFlags, TraceId, TraceState, Tracer as _,
};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanLimits, SpanProcessor};

use super::*;
use crate::trace::sampling;
use crate::trace::wire;

#[derive(Debug, Clone, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl Sink for Kept {
    fn started(&self) {}

    fn ended(&self, span: Ended<'_>) {
        self.0.lock().unwrap().push(wire::read(&span).unwrap());
    }
}

impl SpanProcessor for Kept {
    fn on_start(&self, _: &mut opentelemetry_sdk::trace::Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        self.0.lock().unwrap().push(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: std::time::Duration) -> OTelSdkResult {
        Ok(())
    }
}

const LIMITS: Limits = Limits {
    events: 2,
    attributes: 2,
    links: 2,
    attributes_per_event: 1,
    attributes_per_link: 1,
    attribute_length: None,
};

/// The same for the SDK.
const THEIR_LIMITS: SpanLimits = SpanLimits {
    max_events_per_span: 2,
    max_attributes_per_span: 2,
    max_links_per_span: 2,
    max_attributes_per_event: 1,
    max_attributes_per_link: 1,
};

fn tracer(kept: &Kept) -> Tracer {
    Tracer::new(
        sampling::everything(),
        LIMITS,
        Vec::new(),
        Some(Arc::new(kept.clone())),
    )
}

fn context(sampled: bool) -> Context {
    let flags = TraceFlags::default().with_sampled(sampled);
    let state: TraceState = "vendor=1".parse().unwrap();
    let span = SpanContext::new(TraceId::from(1), SpanId::from(2), flags, true, state);
    Context::new().with_remote_span_context(span)
}

fn attributes() -> Vec<KeyValue> {
    vec![KeyValue::new("a", 1), KeyValue::new("b", "2")]
}

/// Does everything that the API knows, more often than the limits allow.
fn use_all(tracer: &impl opentelemetry::trace::Tracer) {
    let other = context(true).span().span_context().clone();
    let builder = SpanBuilder::from_name("first")
        .with_kind(SpanKind::Client)
        .with_start_time(SystemTime::UNIX_EPOCH)
        .with_attributes(attributes())
        .with_links(vec![Link::new(other.clone(), attributes(), 0)]);
    let mut span = tracer.build_with_context(builder, &context(true));
    span.set_attribute(KeyValue::new("c", true));
    for _ in 0..3 {
        span.add_event_with_timestamp("event", SystemTime::UNIX_EPOCH, attributes());
        span.add_link(other.clone(), attributes());
    }
    span.set_status(Status::error("first"));
    span.set_status(Status::Ok);
    span.set_status(Status::error("last"));
    span.update_name("renamed");
    assert!(span.is_recording());
    span.end_with_timestamp(SystemTime::UNIX_EPOCH);
    assert!(!span.is_recording());
    span.set_attribute(KeyValue::new("late", true));
    span.end();
    let mut plain = tracer.start_with_context("plain", &Context::new());
    plain.set_status(Status::Ok);
    drop(plain);
}

/// Without what is made anew each time.
fn comparable(kept: &Kept) -> Vec<SpanData> {
    let mut spans = kept.0.lock().unwrap().clone();
    for span in &mut spans {
        let identity = &span.span_context;
        let ids = match span.name.as_ref() {
            "plain" => TraceId::from(7),
            _ => identity.trace_id(),
        };
        let state = identity
            .trace_state()
            .get("vendor")
            .map_or_else(TraceState::default, |value| {
                TraceState::from_key_value([("vendor", value)]).unwrap()
            });
        // The SDK does not say that its ids are random.
        let flags = identity.trace_flags() & TraceFlags::SAMPLED;
        span.span_context = SpanContext::new(ids, SpanId::from(9), flags, false, state);
        span.start_time = SystemTime::UNIX_EPOCH;
        span.end_time = SystemTime::UNIX_EPOCH;
        span.instrumentation_scope = InstrumentationScope::default();
    }
    spans
}

#[test]
fn a_span_is_what_the_sdk_makes_of_the_same_calls() {
    let (ours, theirs) = (Kept::default(), Kept::default());
    use_all(&tracer(&ours));
    let provider = SdkTracerProvider::builder()
        .with_span_limits(THEIR_LIMITS)
        .with_span_processor(theirs.clone())
        .build();
    use_all(&opentelemetry::trace::TracerProvider::tracer(
        &provider, "x",
    ));
    let ours = comparable(&ours);
    assert_eq!(ours.len(), 2);
    assert_eq!(ours, comparable(&theirs));
}

#[test]
fn a_new_trace_has_the_random_flag_and_a_child_passes_on_that_of_its_parent() {
    let tracer = tracer(&Kept::default());
    let flags = |parent: &Context| {
        let start = Start::within(parent.clone(), SpanKind::Server);
        let (begun, _) = tracer.begin(start, || "x".into(), |_| {});
        let built = tracer.start_with_context("x", parent);
        let flags = begun.span().span_context().trace_flags();
        assert_eq!(built.span_context().trace_flags(), flags);
        flags.to_u8()
    };
    assert_eq!(flags(&Context::new()), 3);
    for from_parent in 0..=3 {
        let span = SpanContext::new(
            TraceId::from(1),
            SpanId::from(2),
            TraceFlags::new(from_parent),
            true,
            TraceState::NONE,
        );
        let parent = Context::new().with_remote_span_context(span);
        assert_eq!(flags(&parent), from_parent);
    }
}

#[test]
fn a_span_that_is_not_sampled_is_asked_for_nothing() {
    let kept = Kept::default();
    let (within, recorded) = tracer(&kept).begin(
        Start::within(context(false), SpanKind::Server),
        || unreachable!("nobody wants its name"),
        |_| unreachable!("nobody wants its attributes"),
    );
    assert!(!recorded);
    let span = within.span();
    let identity = span.span_context();
    assert_eq!(identity.trace_id(), TraceId::from(1));
    assert_ne!(identity.span_id(), SpanId::from(2));
    assert_eq!(identity.trace_state().get("vendor"), Some("1"));
    assert!(!identity.is_sampled() && !identity.is_remote());
    assert!(tracer(&kept).leaves_out(&within));
    assert!(!tracer(&kept).leaves_out(&context(true)));
    assert!(!tracer(&kept).leaves_out(&Context::new()));
    assert!(kept.0.lock().unwrap().is_empty());
}

#[test]
fn a_disabled_tracer_passes_its_parent_on() {
    let tracer = Tracer::disabled();
    let parent = context(true);
    let (within, recorded) = tracer.begin(
        Start::within(parent.clone(), SpanKind::Server),
        || "x".into(),
        |_| {},
    );
    assert!(!recorded);
    let same = parent.span().span_context().clone();
    assert_eq!(within.span().span_context(), &same);
    let span = tracer.start_with_context("x", &parent);
    assert_eq!(span.span_context(), &same);
}

#[test]
fn a_proxy_for_a_span_changes_it_and_does_not_end_it() {
    let kept = Kept::default();
    let tracer = tracer(&kept);
    let context = Context::new().with_span(tracer.start_with_context("it", &Context::new()));
    let mut other = proxy_for(context.clone(), || tracer.start("other"));
    other.set_attribute(KeyValue::new("told", true));
    other.end();
    assert!(kept.0.lock().unwrap().is_empty() && other.is_recording());
    context.span().end();
    let spans = kept.0.lock().unwrap();
    assert_eq!((spans.len(), spans[0].name.as_ref()), (1, "it"));
    assert_eq!(spans[0].attributes, [KeyValue::new("told", true)]);
}
