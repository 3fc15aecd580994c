//! The headers of Jaeger's own clients: `uber-trace-id`, and `uberctx-KEY` for each member of the baggage.
//!
//! Ids are read with or without their leading zeros, and the whole value percent-encoded or not. They are written in
//! full; the parent's id is written as 0, since it is deprecated.

use std::borrow::Cow;

use http::HeaderName;
use opentelemetry::baggage::Baggage;
use opentelemetry::trace::{SpanContext, TraceFlags};

use super::carrier::{MAX_BYTES, Sink, Source, trim};
use super::hex::{self, Case, SPAN_DIGITS, TRACE_DIGITS};
use super::{Rejection, Remote, SamplingRequest, baggage, percent};
use crate::token::is_token;

pub(super) static UBER_TRACE_ID: HeaderName = HeaderName::from_static("uber-trace-id");
const BAGGAGE_PREFIX: &str = "uberctx-";

/// Bits of the flags.
const SAMPLED: u8 = 1;
const DEBUG: u8 = 2;

/// Maximum length of `{trace}:{span}:{parent}:{flags}` with every byte percent-encoded.
const MAX_LENGTH: usize = 3 * (TRACE_DIGITS + SPAN_DIGITS + SPAN_DIGITS + 2 + 3);

/// Reads the caller's span.
pub(super) fn extract(source: &impl Source) -> Result<Option<Remote>, Rejection> {
    let Some(value) = source.single(&UBER_TRACE_ID)? else {
        return Ok(None);
    };
    if value.len() > MAX_LENGTH {
        return Err(Rejection::Oversized);
    }
    parse(&percent::decode(value))
        .ok_or(Rejection::Malformed)
        .map(Some)
}

/// Reads the members into `baggage`. Returns why members were left out, if some were.
pub(super) fn extract_baggage(source: &impl Source, baggage: &mut Baggage) -> Option<Rejection> {
    let mut left_out = None;
    let mut budget = MAX_BYTES;
    for (key, value) in source.prefixed(BAGGAGE_PREFIX) {
        let Some(rest) = budget.checked_sub(key.len() + value.len() + 1) else {
            return Some(Rejection::Oversized);
        };
        budget = rest;
        let value = percent::decode(trim(value));
        match std::str::from_utf8(&value) {
            Ok(value) if is_token(key.as_bytes()) => {
                let (value, metadata) = (value.to_owned(), String::new());
                baggage::insert(baggage, key, value, metadata, &mut left_out);
            }
            _ => left_out = Some(Rejection::Malformed),
        }
    }
    left_out
}

/// Writes the span, or removes the header when it is invalid.
pub(super) fn inject(span: &SpanContext, request: Option<SamplingRequest>, sink: &mut impl Sink) {
    if !span.is_valid() {
        sink.clear(&UBER_TRACE_ID);
        return;
    }
    let flags = match request {
        Some(SamplingRequest::Debug) => SAMPLED | DEBUG,
        _ => u8::from(span.is_sampled()),
    };
    let value = format!("{}:{}:0:{flags:x}", span.trace_id(), span.span_id());
    sink.set(&UBER_TRACE_ID, Cow::Owned(value));
}

/// Writes the members that fit and removes those of earlier hops. Returns whether some did not fit.
pub(super) fn inject_baggage(baggage: &Baggage, sink: &mut impl Sink) -> bool {
    sink.clear_prefixed(BAGGAGE_PREFIX);
    let mut members: Vec<_> = baggage.iter().collect();
    members.sort_unstable_by_key(|(key, _)| *key);
    let mut budget = MAX_BYTES;
    let mut cut = false;
    for (key, (value, _)) in members {
        let mut text = String::new();
        percent::encode(&mut text, value.as_str(), |byte| byte.is_ascii_graphic());
        match budget.checked_sub(key.as_str().len() + text.len() + 1) {
            Some(rest) => {
                budget = rest;
                sink.set_prefixed(BAGGAGE_PREFIX, key.as_str(), text);
            }
            None => cut = true,
        }
    }
    cut
}

fn parse(value: &[u8]) -> Option<Remote> {
    let mut parts = value.split(|byte| *byte == b':');
    let mut part = || parts.next();
    let (trace, span, parent, flags) = (part()?, part()?, part()?, part()?);
    if part().is_some() || parent.len() > SPAN_DIGITS || flags.len() > 2 {
        return None;
    }
    hex::number(parent, Case::Any)?;
    let flags = u8::try_from(hex::number(flags, Case::Any)?).ok()?;
    let debug = flags & DEBUG != 0;
    let span = hex::remote(
        hex::trace_id(trace, Case::Any)?,
        hex::span_id(span, Case::Any)?,
        TraceFlags::default().with_sampled(debug || flags & SAMPLED != 0),
    );
    Some(Remote::Span(span, debug.then_some(SamplingRequest::Debug)))
}

#[cfg(test)]
mod tests {
    use super::super::carrier::Pairs;
    use super::*;

    const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";

    fn read(value: &str) -> Result<Option<Remote>, Rejection> {
        extract(&Pairs(vec![("Uber-Trace-Id".to_owned(), value.to_owned())]))
    }

    /// The ids, whether they are sampled, and whether for debugging.
    fn span(value: &str) -> (String, String, bool, bool) {
        match read(value) {
            Ok(Some(Remote::Span(span, debug))) => (
                span.trace_id().to_string(),
                span.span_id().to_string(),
                span.is_sampled(),
                debug == Some(SamplingRequest::Debug),
            ),
            other => panic!("{value} is {other:?}"),
        }
    }

    #[test]
    fn ids_are_read_with_and_without_their_leading_zeros() {
        let full = format!("{TRACE}:00f067aa0ba902b7:0:1");
        let ids = (TRACE.to_owned(), "00f067aa0ba902b7".to_owned(), true, false);
        assert_eq!(span(&full), ids);
        assert_eq!(span(&full.replace(":00f0", ":f0")), ids);
        assert_eq!(span(&full.to_uppercase()), ids);
        let (trace, ..) = span("abc:1:0:1");
        assert_eq!(trace, format!("{:0>32}", "abc"));
    }

    #[test]
    fn the_value_may_be_percent_encoded() {
        let encoded = format!("{TRACE}%3A00f067aa0ba902b7%3a0%3A1");
        assert_eq!(span(&encoded).0, TRACE);
    }

    #[test]
    fn of_the_flags_one_bit_is_sampled_and_one_is_debug() {
        for (flags, sampled, debug) in [
            ("0", false, false),
            ("1", true, false),
            ("01", true, false),
            ("2", true, true),
            ("3", true, true),
            ("fc", false, false),
        ] {
            let (.., is_sampled, is_debug) = span(&format!("{TRACE}:1:0:{flags}"));
            assert_eq!((is_sampled, is_debug), (sampled, debug), "{flags}");
        }
    }

    #[test]
    fn what_is_no_context_of_jaeger_is_malformed() {
        for value in [
            "",
            "1:1:0",
            "1:1:0:",
            "1:1:0:1:1",
            "0:1:0:1",
            "1:0:0:1",
            "1:1::1",
            "1:1:0:100",
            "g:1:0:1",
            "1:g:0:1",
            "1:1:g:1",
            "1:1:0:g",
            "\u{e9}:1:0:1",
            "100000000000000000000000000000000:1:0:1",
            "1:10000000000000000:0:1",
            "1:1:10000000000000000:1",
        ] {
            assert_eq!(read(value), Err(Rejection::Malformed), "{value:?}");
        }
        let long = format!("1:1:0:1{}", " %20".repeat(MAX_LENGTH));
        assert_eq!(read(&long), Err(Rejection::Oversized));
    }

    #[test]
    fn what_is_written_is_what_was_read() {
        for flags in ["0", "1", "3"] {
            let value = format!("{TRACE}:00f067aa0ba902b7:0:{flags}");
            let Ok(Some(Remote::Span(span, request))) = read(&value) else {
                panic!("{value} was not read");
            };
            let mut sent = Pairs(Vec::new());
            inject(&span, request, &mut sent);
            assert_eq!(sent.0, [("uber-trace-id".to_owned(), value)]);
        }
    }

    #[test]
    fn each_member_of_the_baggage_has_a_header_of_its_own() {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let came = Pairs(vec![
            header("uberctx-dish", "bibim%20bap"),
            header("UberCtx-city", " Seoul "),
            header("uberctx-bad", "%ff"),
            header("uberctx-", "nameless"),
            header("uberctxtable", "7"),
        ]);
        let mut baggage = Baggage::new();
        assert_eq!(
            extract_baggage(&came, &mut baggage),
            Some(Rejection::Malformed)
        );
        assert_eq!(baggage.len(), 2);
        let mut sent = Pairs(Vec::new());
        assert!(!inject_baggage(&baggage, &mut sent));
        let expected = [
            header("uberctx-city", "Seoul"),
            header("uberctx-dish", "bibim%20bap"),
        ];
        assert_eq!(sent.0, expected);
    }

    #[test]
    fn baggage_that_does_not_fit_is_left_out_and_told() {
        let header = |number: usize, value: &str| (format!("uberctx-k{number}"), value.to_owned());
        let mut baggage = Baggage::new();
        let long = Pairs(vec![header(1, "1"), header(2, &"x".repeat(MAX_BYTES))]);
        assert_eq!(
            extract_baggage(&long, &mut baggage),
            Some(Rejection::Oversized)
        );
        assert_eq!(baggage.len(), 1);
        let many = Pairs(
            (0..65)
                .map(|number| header(number, "1"))
                .collect::<Vec<_>>(),
        );
        let mut baggage = Baggage::new();
        assert_eq!(
            extract_baggage(&many, &mut baggage),
            Some(Rejection::Oversized)
        );
        assert_eq!(baggage.len(), 64);
        let mut baggage = Baggage::new();
        baggage.insert("a", "é".repeat(MAX_BYTES / 4));
        baggage.insert("b", "1");
        let mut sent = Pairs(Vec::new());
        assert!(inject_baggage(&baggage, &mut sent));
        assert_eq!(sent.0, [("uberctx-b".to_owned(), "1".to_owned())]);
    }
}
