//! What the test cases mean that W3C publishes with Trace Context (`test/test.py` of w3c/trace-context), each under
//! the section that it comes from. There a service is asked for its next call; here a server's view is enough, since
//! what is read is what the next call goes on from.

use std::fmt::Write;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt};

use super::{DEFAULT, Propagators};

const TRACE: &str = "12345678901234567890123456789012";
const PARENT: &str = "00-12345678901234567890123456789012-1234567890123456-00";

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn read(lines: &[(&str, &str)]) -> SpanContext {
    let context = DEFAULT.read(&headers(lines), Context::new());
    context.span().span_context().clone()
}

/// Whether each of these goes on in the caller's trace.
fn continues(traceparents: &[&str], expected: bool) {
    for value in traceparents {
        let span = read(&[("traceparent", value)]);
        assert_eq!(span.is_valid(), expected, "{value:?}");
        assert_eq!(span.trace_id().to_string() == TRACE, expected, "{value:?}");
    }
}

/// The state that comes of these lines, as a header; the parent is the caller's whatever they are.
fn state(lines: &[&str]) -> String {
    let mut all = vec![("traceparent", PARENT)];
    all.extend(lines.iter().map(|line| ("tracestate", *line)));
    let span = read(&all);
    assert_eq!(span.trace_id().to_string(), TRACE, "{lines:?}");
    span.trace_state().header()
}

#[test]
fn section_3_1_without_headers_there_is_no_parent() {
    assert!(!read(&[]).is_valid());
}

#[test]
fn section_3_2_a_parent_needs_no_state_and_two_parents_are_none() {
    continues(
        &["00-12345678901234567890123456789012-1234567890123456-01"],
        true,
    );
    let two = [
        (
            "traceparent",
            "00-12345678901234567890123456789011-1234567890123456-01",
        ),
        (
            "traceparent",
            "00-12345678901234567890123456789012-1234567890123456-01",
        ),
    ];
    assert!(!read(&two).is_valid());
}

#[test]
fn section_3_2_1_the_name_is_one_word_in_any_case() {
    for name in ["trace-parent", "trace.parent"] {
        assert!(!read(&[(name, PARENT)]).is_valid(), "{name}");
    }
    for name in ["TraceParent", "TrAcEpArEnT", "TRACEPARENT"] {
        assert!(read(&[(name, PARENT)]).is_valid(), "{name}");
    }
}

#[test]
fn section_3_2_2_1_the_version_is_two_digits_and_not_ff() {
    continues(
        &[
            "ff-12345678901234567890123456789012-1234567890123456-01",
            ".0-12345678901234567890123456789012-1234567890123456-01",
            "0.-12345678901234567890123456789012-1234567890123456-01",
            "000-12345678901234567890123456789012-1234567890123456-01",
            "0000-12345678901234567890123456789012-1234567890123456-01",
            "0-12345678901234567890123456789012-1234567890123456-01",
            "CC-12345678901234567890123456789012-1234567890123456-01",
        ],
        false,
    );
}

#[test]
fn section_3_2_2_2_version_00_ends_with_its_flags() {
    continues(
        &[
            "00-12345678901234567890123456789012-1234567890123456-01.",
            "00-12345678901234567890123456789012-1234567890123456-01-",
            "00-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
        ],
        false,
    );
}

#[test]
fn section_3_2_4_a_later_version_may_go_on_after_a_dash() {
    continues(
        &[
            "cc-12345678901234567890123456789012-1234567890123456-01",
            "cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be-like",
        ],
        true,
    );
    continues(
        &[
            "cc-12345678901234567890123456789012-1234567890123456-01.what-the-future-will-be-like",
            "cc-12345678901234567890123456789012-1234567890123456-0",
        ],
        false,
    );
}

#[test]
fn section_3_2_2_3_the_trace_id_is_32_lower_case_digits_and_not_zero() {
    continues(
        &[
            "00-00000000000000000000000000000000-1234567890123456-01",
            "00-.2345678901234567890123456789012-1234567890123456-01",
            "00-1234567890123456789012345678901.-1234567890123456-01",
            "00-123456789012345678901234567890123-1234567890123456-01",
            "00-1234567890123456789012345678901-1234567890123456-01",
            "00-1234567890123456789012345678901A-1234567890123456-01",
        ],
        false,
    );
}

#[test]
fn section_3_2_2_4_the_parent_id_is_16_lower_case_digits_and_not_zero() {
    continues(
        &[
            "00-12345678901234567890123456789012-0000000000000000-01",
            "00-12345678901234567890123456789012-.234567890123456-01",
            "00-12345678901234567890123456789012-123456789012345.-01",
            "00-12345678901234567890123456789012-12345678901234567-01",
            "00-12345678901234567890123456789012-123456789012345-01",
            "00-12345678901234567890123456789012-123456789012345B-01",
        ],
        false,
    );
}

#[test]
fn section_3_2_2_5_the_flags_are_two_digits_of_which_two_bits_are_known() {
    continues(
        &[
            "00-12345678901234567890123456789012-1234567890123456-.0",
            "00-12345678901234567890123456789012-1234567890123456-0.",
            "00-12345678901234567890123456789012-1234567890123456-001",
            "00-12345678901234567890123456789012-1234567890123456-1",
            "00-12345678901234567890123456789012-1234567890123456-0A",
        ],
        false,
    );
    for (flags, known) in [("00", 0), ("01", 1), ("02", 2), ("ff", 3), ("fc", 0)] {
        let value = format!("00-{TRACE}-1234567890123456-{flags}");
        let span = read(&[("traceparent", &value)]);
        assert_eq!(span.trace_flags().to_u8(), known, "{flags}");
        assert!(span.is_remote());
    }
}

#[test]
fn section_3_2_2_white_space_around_the_parent_is_nothing() {
    let values =
        [" {}", "\t{}", "{} ", "{}\t", "\t {} \t"].map(|value| value.replace("{}", PARENT));
    continues(&values.each_ref().map(String::as_str), true);
}

#[test]
fn section_3_3_a_state_without_a_valid_parent_is_nothing() {
    let lone = read(&[("tracestate", "foo=1,bar=2")]);
    assert_eq!(lone, SpanContext::NONE);
    let broken = read(&[("traceparent", "00-1-2-01"), ("tracestate", "foo=1")]);
    assert_eq!(broken, SpanContext::NONE);
    assert_eq!(state(&["foo=1,bar=2"]), "foo=1,bar=2");
}

#[test]
fn section_3_3_1_the_name_of_the_state_is_one_word_in_any_case() {
    let named = |name| read(&[("traceparent", PARENT), (name, "foo=1")]);
    for name in ["trace-state", "trace.state"] {
        assert_eq!(named(name).trace_state().header(), "", "{name}");
    }
    for name in ["TraceState", "TrAcEsTaTe", "TRACESTATE"] {
        assert_eq!(named(name).trace_state().header(), "foo=1", "{name}");
    }
}

#[test]
fn section_3_3_1_1_lines_are_one_list_in_their_order_and_may_be_empty() {
    assert_eq!(state(&[""]), "");
    assert_eq!(state(&["foo=1", ""]), "foo=1");
    assert_eq!(state(&["", "foo=1"]), "foo=1");
    assert_eq!(state(&[",foo=1, \t ,bar=2,"]), "foo=1,bar=2");
    assert_eq!(
        state(&["foo=1,bar=2", "rojo=1,congo=2", "baz=3"]),
        "foo=1,bar=2,rojo=1,congo=2,baz=3"
    );
}

#[test]
fn section_3_3_1_1_white_space_around_members_is_nothing() {
    for list in [
        "foo=1 \t , \t bar=2, \t baz=3",
        "foo=1\t \t,\t \tbar=2,\t \tbaz=3",
    ] {
        assert_eq!(state(&[list]), "foo=1,bar=2,baz=3", "{list:?}");
    }
    for list in [" foo=1", "\tfoo=1", "foo=1 ", "foo=1\t", "\t foo=1 \t"] {
        assert_eq!(state(&[list]), "foo=1", "{list:?}");
    }
}

#[test]
fn section_3_3_1_1_there_are_32_members_at_most() {
    let list = |last: u32| {
        (1..=last).fold(String::new(), |mut list, number| {
            let comma = if list.is_empty() { "" } else { "," };
            write!(list, "{comma}bar{number:02}={number:02}").unwrap();
            list
        })
    };
    let (full, over) = (list(32), list(33));
    assert_eq!(state(&[&full]), full);
    assert_eq!(state(&full.split(',').collect::<Vec<_>>()), full);
    assert_eq!(state(&[&over]), "");
    assert_eq!(state(&over.split(',').collect::<Vec<_>>()), "");
}

#[test]
fn section_3_3_1_2_the_same_key_twice_makes_the_list_invalid() {
    for lines in [
        &["foo=1,foo=1"][..],
        &["foo=1,foo=2"],
        &["foo=1", "foo=1"],
        &["foo=1", "foo=2"],
    ] {
        assert_eq!(state(lines), "", "{lines:?}");
    }
}

#[test]
fn section_3_3_1_3_all_allowed_characters_are_kept() {
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let allowed = |byte: &char| !",=".contains(*byte);
    let value: String = (' '..='~').filter(allowed).collect();
    for key in [key.to_owned(), format!("{key}@a-z0-9_-*/")] {
        let member = format!("{key}={value}");
        assert_eq!(state(&[&member]), member);
    }
}

#[test]
fn section_3_3_1_3_1_one_illegal_key_makes_the_list_invalid() {
    for list in ["foo =1", "FOO=1", "foo.bar=1", "=1", "_foo=1", "foo", "é=1"] {
        let list = format!("a=1,{list}");
        assert_eq!(state(&[&list]), "", "{list}");
    }
    for list in [
        "foo@=1,bar=2",
        "@foo=1,bar=2",
        "foo@@bar=1,bar=2",
        "foo@bar@baz=1,bar=2",
    ] {
        assert_eq!(state(&[list]), "", "{list}");
    }
}

#[test]
fn section_3_3_1_3_1_keys_have_256_characters_at_most_tenants_241_and_systems_14() {
    let (z, t, v) = ("z".repeat(256), "t".repeat(241), "v".repeat(14));
    let long = format!("{z}=1");
    assert_eq!(state(&["foo=1", &long]), format!("foo=1,{long}"));
    assert_eq!(state(&["foo=1", &format!("z{long}")]), "");
    // Allowed, but more than the SDK's type holds: the others stay.
    assert_eq!(state(&["foo=1", &format!("{t}@{v}=1")]), "foo=1");
    let tenant = format!("{t}@{}=1", &v[1..]);
    assert_eq!(state(&["foo=1", &tenant]), format!("foo=1,{tenant}"));
    assert_eq!(state(&["foo=1", &format!("t{t}@v=1")]), "");
    assert_eq!(state(&["foo=1", &format!("t@v{v}=1")]), "");
}

#[test]
fn section_3_3_1_3_2_a_value_is_printable_not_empty_and_has_256_characters_at_most() {
    for list in ["foo=bar=baz", "foo=,bar=3", "foo= \t,bar=3", "foo=a\tb"] {
        assert_eq!(state(&[list]), "", "{list:?}");
    }
    let longest = format!("foo={}", "1".repeat(256));
    assert_eq!(state(&[&longest]), longest);
    assert_eq!(state(&[&format!("{longest}1")]), "");
}

#[test]
fn section_3_3_1_5_of_a_long_list_512_bytes_are_passed_on_and_long_members_go_first() {
    let long = format!("long={}", "x".repeat(200));
    let short = |number: usize| format!("s{number:02}={}", "y".repeat(40));
    let mut members: Vec<String> = (0..10).map(short).collect();
    members.insert(1, long.clone());
    let carried = written(&members.join(","));
    assert_eq!(carried, (0..10).map(short).collect::<Vec<_>>().join(","));
    members.extend((10..14).map(short));
    let carried = written(&members.join(","));
    assert_eq!(carried, (0..11).map(short).collect::<Vec<_>>().join(","));
    assert!(carried.len() <= 512);
    assert_eq!(written(&format!("a=1,{long}")), format!("a=1,{long}"));
}

/// What the next call carries when this one had the state `list`.
fn written(list: &str) -> String {
    let came = headers(&[("traceparent", PARENT), ("tracestate", list)]);
    let context = DEFAULT.read(&came, Context::new());
    let mut sent = HeaderMap::new();
    Propagators::write(&DEFAULT, &context, &mut sent);
    assert_eq!(sent["traceparent"], PARENT);
    sent["tracestate"].to_str().unwrap().to_owned()
}
