//! B3, the headers of Zipkin: `b3` alone, or several that begin with `x-b3-`.
//!
//! As OpenTelemetry's specification of its B3 propagator has it: both forms are read, the single header first,
//! whichever is written; parent ids are validated and never written; debug means sampled and is passed on.

use std::borrow::Cow;

use http::HeaderName;
use opentelemetry::trace::{SpanContext, TraceFlags};

use super::carrier::{Sink, Source};
use super::hex::{self, Case, SPAN_DIGITS, TRACE_DIGITS};
use super::{Rejection, Remote, SamplingRequest};

pub(super) static SINGLE: HeaderName = HeaderName::from_static("b3");
pub(super) static TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
pub(super) static SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");
static PARENT_SPAN_ID: HeaderName = HeaderName::from_static("x-b3-parentspanid");
pub(super) static SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
pub(super) static FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");

/// Which of the two formats is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Single,
    Multi,
}

/// Reads the caller's span, or its sampling request alone.
pub(super) fn extract(source: &impl Source) -> Result<Option<Remote>, Rejection> {
    let single = match source.single(&SINGLE) {
        Ok(None) => None,
        Ok(Some(value)) => match parse(value) {
            Some(remote) => return Ok(Some(remote)),
            None => Some(Rejection::Malformed),
        },
        Err(rejection) => Some(rejection),
    };
    match (extract_multi(source)?, single) {
        (None, Some(rejection)) => Err(rejection),
        (remote, _) => Ok(remote),
    }
}

/// Writes the span, or the sampling request when there is no span. Former headers have been removed by [`clear`]. Returns
/// false, since everything fits.
pub(super) fn inject(
    form: Form,
    span: &SpanContext,
    request: Option<SamplingRequest>,
    sink: &mut impl Sink,
) -> bool {
    let state = state(span, request);
    if form == Form::Single {
        let value = match (span.is_valid(), state) {
            (true, "") => format!("{}-{}", span.trace_id(), span.span_id()),
            (true, state) => format!("{}-{}-{state}", span.trace_id(), span.span_id()),
            (false, "") => return false,
            (false, state) => state.to_owned(),
        };
        sink.set(&SINGLE, Cow::Owned(value));
        return false;
    }
    if span.is_valid() {
        sink.set(&TRACE_ID, Cow::Owned(span.trace_id().to_string()));
        sink.set(&SPAN_ID, Cow::Owned(span.span_id().to_string()));
    }
    match state {
        "" => {}
        // Which implies that it is sampled.
        "d" => sink.set(&FLAGS, Cow::Borrowed("1")),
        state => sink.set(&SAMPLED, Cow::Borrowed(state)),
    }
    false
}

/// Removes the headers of earlier hops, in both formats.
pub(super) fn clear(sink: &mut impl Sink) {
    let multi = [&TRACE_ID, &SPAN_ID, &PARENT_SPAN_ID, &SAMPLED, &FLAGS];
    sink.clear(&SINGLE);
    for name in multi {
        sink.clear(name);
    }
}

fn extract_multi(source: &impl Source) -> Result<Option<Remote>, Rejection> {
    let flags = source.single(&FLAGS)?;
    let sampled = source.single(&SAMPLED)?;
    let request = match (flags, sampled) {
        (Some(b"1"), _) => Some(SamplingRequest::Debug),
        (_, Some(sampled)) => Some(request(sampled).ok_or(Rejection::Malformed)?),
        _ => None,
    };
    match (source.single(&TRACE_ID)?, source.single(&SPAN_ID)?) {
        (None, None) => Ok(request.map(Remote::Request)),
        (Some(trace), Some(span)) => {
            let parent = source.single(&PARENT_SPAN_ID)?;
            let remote = remote(trace, span, parent, request);
            remote.ok_or(Rejection::Malformed).map(Some)
        }
        _ => Err(Rejection::Malformed),
    }
}

/// `{trace}-{span}`, `{trace}-{span}-{sampling}`, `{trace}-{span}-{sampling}-{parent}`, or `{sampling}` alone.
fn parse(value: &[u8]) -> Option<Remote> {
    let mut parts = value.split(|byte| *byte == b'-');
    let first = parts.next()?;
    let Some(span) = parts.next() else {
        return request(first).map(Remote::Request);
    };
    let state = parts.next();
    let parent = parts.next();
    if parts.next().is_some() {
        return None;
    }
    let request = match state {
        Some(state) => Some(request(state)?),
        None => None,
    };
    remote(first, span, parent, request)
}

fn remote(
    trace: &[u8],
    span: &[u8],
    parent: Option<&[u8]>,
    request: Option<SamplingRequest>,
) -> Option<Remote> {
    let full = |id: &[u8]| id.len() == SPAN_DIGITS;
    let parent_is_id = parent.is_none_or(|id| full(id) && hex::number(id, Case::Lower).is_some());
    if !(full(trace) || trace.len() == TRACE_DIGITS) || !full(span) || !parent_is_id {
        return None;
    }
    let sampled = matches!(
        request,
        Some(SamplingRequest::Accept | SamplingRequest::Debug)
    );
    let span = hex::remote(
        hex::trace_id(trace, Case::Lower)?,
        hex::span_id(span, Case::Lower)?,
        TraceFlags::default().with_sampled(sampled),
    );
    Some(match request {
        None => Remote::Span(span, Some(SamplingRequest::Defer)),
        Some(SamplingRequest::Debug) => Remote::Span(span, Some(SamplingRequest::Debug)),
        Some(_) => Remote::Span(span, None),
    })
}

/// `true` and `false` are what old tracers write.
fn request(state: &[u8]) -> Option<SamplingRequest> {
    match state {
        b"0" | b"false" => Some(SamplingRequest::Deny),
        b"1" | b"true" => Some(SamplingRequest::Accept),
        b"d" => Some(SamplingRequest::Debug),
        _ => None,
    }
}

fn state(span: &SpanContext, request: Option<SamplingRequest>) -> &'static str {
    match (request, span.is_valid()) {
        (Some(SamplingRequest::Debug), _) => "d",
        (Some(SamplingRequest::Defer), true) if span.is_remote() => "",
        (Some(SamplingRequest::Deny), false) => "0",
        (Some(SamplingRequest::Accept), false) => "1",
        (_, false) => "",
        (_, true) if span.is_sampled() => "1",
        (_, true) => "0",
    }
}

#[cfg(test)]
mod tests {
    use super::super::carrier::Pairs;
    use super::*;

    const IDS: &str = "80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1";
    const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
    const SPAN: &str = "e457b5a2e4d86bd1";
    const PARENT: &str = "05e3ac9a4f6e3b90";

    fn carrier(headers: &[(&str, &str)]) -> Pairs<Vec<(String, String)>> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Pairs(headers.iter().map(owned).collect())
    }

    fn read(headers: &[(&str, &str)]) -> Result<Option<Remote>, Rejection> {
        extract(&carrier(headers))
    }

    /// The ids, whether they are sampled, and what else was said.
    fn span(headers: &[(&str, &str)]) -> (String, bool, Option<SamplingRequest>) {
        match read(headers) {
            Ok(Some(Remote::Span(span, request))) => {
                let ids = format!("{}-{}", span.trace_id(), span.span_id());
                assert!(span.is_remote());
                (ids, span.is_sampled(), request)
            }
            other => panic!("{headers:?} are {other:?}"),
        }
    }

    #[test]
    fn one_header_has_ids_a_request_and_a_parent() {
        for (rest, sampled, request) in [
            ("", false, Some(SamplingRequest::Defer)),
            ("-1", true, None),
            ("-0", false, None),
            ("-true", true, None),
            ("-false", false, None),
            ("-d", true, Some(SamplingRequest::Debug)),
            ("-1-05e3ac9a4f6e3b90", true, None),
        ] {
            let value = format!("{IDS}{rest}");
            assert_eq!(
                span(&[("b3", &value)]),
                (IDS.to_owned(), sampled, request),
                "{value}"
            );
        }
    }

    #[test]
    fn a_trace_id_of_64_bits_is_filled_up_with_zeros() {
        let (ids, ..) = span(&[("b3", "64fe8b2a57d3eff7-e457b5a2e4d86bd1-1")]);
        assert_eq!(ids, "000000000000000064fe8b2a57d3eff7-e457b5a2e4d86bd1");
        let (ids, ..) = span(&[("X-B3-TraceId", "64fe8b2a57d3eff7"), ("X-B3-SpanId", SPAN)]);
        assert_eq!(ids, "000000000000000064fe8b2a57d3eff7-e457b5a2e4d86bd1");
    }

    #[test]
    fn several_headers_say_the_same() {
        let with = |more: &[(&'static str, &'static str)]| {
            let ids = [("X-B3-TraceId", TRACE), ("X-B3-SpanId", SPAN)];
            let (read, sampled, request) = span(&[&ids[..], more].concat());
            assert_eq!(read, IDS);
            (sampled, request)
        };
        assert_eq!(with(&[]), (false, Some(SamplingRequest::Defer)));
        for (value, sampled) in [("1", true), ("true", true), ("0", false), ("false", false)] {
            assert_eq!(with(&[("X-B3-Sampled", value)]), (sampled, None), "{value}");
        }
        assert_eq!(
            with(&[("X-B3-ParentSpanId", PARENT), ("X-B3-Sampled", "1")]),
            (true, None)
        );
        // Debug implies that it is sampled, whatever else is said.
        let debug = (true, Some(SamplingRequest::Debug));
        assert_eq!(with(&[("X-B3-Flags", "1")]), debug);
        assert_eq!(with(&[("X-B3-Flags", "1"), ("X-B3-Sampled", "0")]), debug);
        assert_eq!(
            with(&[("X-B3-Flags", "0"), ("X-B3-Sampled", "0")]),
            (false, None)
        );
    }

    #[test]
    fn a_request_may_come_alone() {
        for (headers, request) in [
            ([("b3", "0")], SamplingRequest::Deny),
            ([("b3", "1")], SamplingRequest::Accept),
            ([("b3", "d")], SamplingRequest::Debug),
            ([("x-b3-sampled", "0")], SamplingRequest::Deny),
            ([("x-b3-flags", "1")], SamplingRequest::Debug),
        ] {
            assert_eq!(
                read(&headers),
                Ok(Some(Remote::Request(request))),
                "{headers:?}"
            );
        }
        assert_eq!(read(&[("x-b3-flags", "0")]), Ok(None));
    }

    #[test]
    fn what_is_not_b3_is_malformed() {
        for value in [
            "",
            "2",
            "-",
            IDS.to_uppercase().as_str(),
            &IDS[1..],
            &IDS[..IDS.len() - 1],
            "00000000000000000000000000000000-e457b5a2e4d86bd1-1",
            "80f198ee56343ba864fe8b2a57d3eff7-0000000000000000-1",
            &format!("{IDS}-"),
            &format!("{IDS}-2"),
            &format!("{IDS}-1-"),
            &format!("{IDS}-1-5e3ac9a4f6e3b90"),
            &format!("{IDS}-1-{PARENT}-1"),
            "b3\u{e9}",
        ] {
            assert_eq!(
                read(&[("b3", value)]),
                Err(Rejection::Malformed),
                "{value:?}"
            );
        }
        for lone in [
            ("x-b3-traceid", TRACE),
            ("x-b3-spanid", SPAN),
            ("x-b3-sampled", "yes"),
        ] {
            assert_eq!(read(&[lone]), Err(Rejection::Malformed), "{lone:?}");
        }
        assert_eq!(
            read(&[("b3", "0"), ("B3", "1")]),
            Err(Rejection::Duplicated)
        );
    }

    #[test]
    fn the_single_header_goes_first_and_the_others_stand_in_when_it_is_bad() {
        let multi = [
            ("x-b3-traceid", TRACE),
            ("x-b3-spanid", SPAN),
            ("x-b3-sampled", "1"),
        ];
        let single = ("b3", "00000000000000010000000000000001-0000000000000001-0");
        let (ids, sampled, _) = span(&[&multi[..], &[single]].concat());
        assert!(!sampled && ids.starts_with("0000000000000001"));
        let (ids, sampled, _) = span(&[&multi[..], &[("b3", "nonsense")]].concat());
        assert_eq!((ids.as_str(), sampled), (IDS, true));
    }

    #[test]
    fn what_is_written_says_the_same_and_no_parent() {
        for rest in ["", "-0", "-1", "-d"] {
            let value = format!("{IDS}{rest}");
            let came = [("b3", value.as_str())];
            let Ok(Some(Remote::Span(span, request))) = read(&came) else {
                panic!("{value} was not read");
            };
            for form in [Form::Single, Form::Multi] {
                let mut sent = Pairs(Vec::new());
                inject(form, &span, request, &mut sent);
                assert_eq!(extract(&sent), read(&came), "{value} as {form:?}");
                assert!(sent.0.iter().all(|(name, _)| name != "x-b3-parentspanid"));
                if form == Form::Single {
                    assert_eq!(sent.0, [("b3".to_owned(), value.clone())]);
                }
            }
        }
        for request in [
            SamplingRequest::Deny,
            SamplingRequest::Accept,
            SamplingRequest::Debug,
        ] {
            for form in [Form::Single, Form::Multi] {
                let mut sent = Pairs(Vec::new());
                inject(form, &SpanContext::NONE, Some(request), &mut sent);
                assert_eq!(extract(&sent), Ok(Some(Remote::Request(request))));
            }
        }
    }
}
