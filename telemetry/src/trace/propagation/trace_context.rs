//! W3C Trace Context: `traceparent` and `tracestate`.
//!
//! Level 2 of the recommendation: the `random` flag passes through, and keys of `tracestate` may have at signs anywhere
//! but first. What is wrong with `tracestate` never affects `traceparent`, and without a valid `traceparent`
//! `tracestate` is not read (3.3).

use std::borrow::Cow;
use std::iter;

use http::HeaderName;
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId};

use super::Rejection;
use super::carrier::{Sink, Source};
use super::hex::{self, Case};
use super::trace_state::{self, FullList};

pub(super) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(super) static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The length of a `traceparent` of version 00. Every later version begins with these fields.
const LENGTH: usize = 55;

/// The flag of level 2 that says that the last seven bytes of the trace id are random (3.2.2.5.2).
pub(crate) const RANDOM: TraceFlags = TraceFlags::new(0x02);

/// `sampled` and `random`; later versions define the other bits.
const KNOWN_FLAGS: TraceFlags = TraceFlags::new(0x03);

/// The caller's span.
pub(super) struct Received {
    pub(super) span: SpanContext,
    /// The list of `tracestate`, when the span cannot hold all of it.
    pub(super) full_list: Option<FullList>,
    /// Why members of `tracestate` were left out, if some were.
    pub(super) rejected: Option<Rejection>,
}

/// Reads the caller's span.
pub(super) fn extract(source: &impl Source) -> Result<Option<Received>, Rejection> {
    let Some(value) = source.single(&TRACEPARENT)? else {
        return Ok(None);
    };
    let (trace, span, flags) = parse(value).ok_or(Rejection::Malformed)?;
    let mut lines = source.lines(&TRACESTATE);
    let list = match lines.next() {
        Some(first) => trace_state::parse(iter::once(first).chain(lines)),
        None => trace_state::Parsed::default(),
    };
    Ok(Some(Received {
        span: SpanContext::new(trace, span, flags, true, list.state),
        full_list: list.full.map(|list| FullList::new(trace, list)),
        rejected: list.rejected,
    }))
}

/// Writes the span, or removes the headers when it is invalid. Returns whether members of the state were left out.
pub(super) fn inject(
    span: &SpanContext,
    full_list: Option<&FullList>,
    sink: &mut impl Sink,
) -> bool {
    if !span.is_valid() {
        sink.clear(&TRACEPARENT);
        sink.clear(&TRACESTATE);
        return false;
    }
    let mut text = [b'-'; LENGTH];
    if let Some(text) = format(span, &mut text) {
        sink.set(&TRACEPARENT, Cow::Borrowed(text));
    }
    let (state, cut) = trace_state::format(span.trace_state(), full_list);
    if state.is_empty() {
        sink.clear(&TRACESTATE);
    } else {
        sink.set(&TRACESTATE, Cow::Owned(state));
    }
    cut
}

/// 3.2.2 and, for versions above 00, of which only the fields of version 00 are read, 3.2.4.
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
