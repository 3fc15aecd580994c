//! W3C Trace Context: `traceparent` and `tracestate`.
//!
//! Level 2 of the recommendation for the flags (its `random` flag passes through), level 1 for the keys of
//! `tracestate`, which the SDK's type requires. What fails in `tracestate` never touches `traceparent`, and
//! without a `traceparent` nobody looks at `tracestate` (3.3).

use std::borrow::Cow;
use std::iter;

use http::HeaderName;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

use super::carrier::{Sink, Source};
use super::hex::{self, Case};
use super::{Rejection, trace_state};

pub(super) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(super) static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The length of a `traceparent` of version 00, with which every later version begins.
const LENGTH: usize = 55;

/// `sampled`, and `random` of level 2; what other bits say is for versions to come.
const KNOWN_FLAGS: TraceFlags = TraceFlags::new(0x03);

/// The caller's span, and what was wrong with its state if that was left out.
pub(super) type Carried = (SpanContext, Option<Rejection>);

/// Reads the caller's span.
pub(super) fn extract(source: &impl Source) -> Result<Option<Carried>, Rejection> {
    let Some(value) = source.single(&TRACEPARENT)? else {
        return Ok(None);
    };
    let (trace, span, flags) = parse(value).ok_or(Rejection::Malformed)?;
    let mut lines = source.lines(&TRACESTATE);
    let (state, rejected) = match lines.next() {
        Some(first) => trace_state::parse(iter::once(first).chain(lines)),
        None => (TraceState::NONE, None),
    };
    let span = SpanContext::new(trace, span, flags, true, state);
    Ok(Some((span, rejected)))
}

/// Writes the span, or takes away what is there when there is none. Returns whether a part of the state did not fit.
pub(super) fn inject(span: &SpanContext, sink: &mut impl Sink) -> bool {
    if !span.is_valid() {
        sink.clear(&TRACEPARENT);
        sink.clear(&TRACESTATE);
        return false;
    }
    let mut text = [b'-'; LENGTH];
    if let Some(text) = format(span, &mut text) {
        sink.set(&TRACEPARENT, Cow::Borrowed(text));
    }
    let (state, cut) = trace_state::format(span.trace_state());
    if state.is_empty() {
        sink.clear(&TRACESTATE);
    } else {
        sink.set(&TRACESTATE, Cow::Owned(state));
    }
    cut
}

/// 3.2.2 and, for versions above 00, which are read as far as version 00 goes, 3.2.4.
fn parse(value: &[u8]) -> Option<(TraceId, SpanId, TraceFlags)> {
    let (known, rest) = value.split_at_checked(LENGTH)?;
    if [known[2], known[35], known[52]] != [b'-'; 3] {
        return None;
    }
    match (hex::number(&known[..2], Case::Lower)?, rest) {
        (0xff, _) => return None,
        (_, []) | (1.., [b'-', ..]) => {}
        _ => return None,
    }
    let trace = hex::trace_id(&known[3..35], Case::Lower)?;
    let span = hex::span_id(&known[36..52], Case::Lower)?;
    let flags = u8::try_from(hex::number(&known[53..], Case::Lower)?).ok()?;
    Some((trace, span, TraceFlags::new(flags) & KNOWN_FLAGS))
}

/// The separators are in `text` already.
fn format<'a>(span: &SpanContext, text: &'a mut [u8; LENGTH]) -> Option<&'a str> {
    let flags = (span.trace_flags() & KNOWN_FLAGS).to_u8();
    hex::write(&mut text[..2], &[0]);
    hex::write(&mut text[3..35], &span.trace_id().to_bytes());
    hex::write(&mut text[36..52], &span.span_id().to_bytes());
    hex::write(&mut text[53..], &[flags]);
    std::str::from_utf8(text).ok()
}
