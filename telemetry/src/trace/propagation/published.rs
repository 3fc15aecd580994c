//! The test cases that W3C publishes with Trace Context (`test/test.py` of w3c/trace-context), by their meaning, each
//! under the section of level 2 that it comes from. There a service is asked for its next call; here what a server reads,
//! and what is written from that.

use std::fmt::Write;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::trace::{SpanContext, TraceContextExt, TraceState};

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

/// The `tracestate` of the next call for these lines; its trace is the caller's whatever they are.
fn state(lines: &[&str]) -> String {
    let mut all = vec![("traceparent", PARENT)];
    all.extend(lines.iter().map(|line| ("tracestate", *line)));
    let sent = sent(&all);
    assert_eq!(sent["traceparent"], PARENT, "{lines:?}");
    let state = sent.get("tracestate");
    state.map_or_else(String::new, |state| state.to_str().unwrap().to_owned())
}

/// The headers of the next call for these.
fn sent(lines: &[(&str, &str)]) -> HeaderMap {
    let context = DEFAULT.read(&headers(lines), Context::new());
    let mut sent = HeaderMap::new();
    Propagators::write(&DEFAULT, &context, &mut sent);
    sent
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
fn section_3_2_2_5_the_flags_that_are_known_are_passed_on_and_the_others_are_not() {
    for (flags, passed_on) in [
        ("00", "00"),
        ("01", "01"),
        ("02", "02"),
        ("03", "03"),
        ("ff", "03"),
        ("fc", "00"),
    ] {
        for version in ["00", "cc"] {
            let value = format!("{version}-{TRACE}-1234567890123456-{flags}");
            let expected = format!("00-{TRACE}-1234567890123456-{passed_on}");
            assert_eq!(sent(&[("traceparent", &value)])["traceparent"], expected);
        }
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
fn section_3_3_1_2_of_a_key_that_comes_twice_the_first_member_is_kept() {
    for (lines, expected) in [
        (&["foo=1,foo=1"][..], "foo=1"),
        (&["foo=1,foo=2"], "foo=1"),
        (&["foo=1", "foo=1"], "foo=1"),
        (&["foo=1", "foo=2"], "foo=1"),
        (
            &["foo=1,bar=2", "", "baz=3,foo=4,bar=5"],
            "foo=1,bar=2,baz=3",
        ),
        (&["a@@b=1,foo=2,a@@b=3"], "a@@b=1,foo=2"),
    ] {
        assert_eq!(state(lines), expected, "{lines:?}");
    }
    let many = "foo=1,".repeat(33);
    assert_eq!(state(&[&many]), "", "members that come twice count too");
}

#[test]
fn section_3_3_1_3_all_allowed_characters_are_kept() {
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let allowed = |byte: &char| !",=".contains(*byte);
    let value: String = (' '..='~').filter(allowed).collect();
    let keys = ["", "@", "@@", "@_", "@a-z0-9_-*/", "@a@b"];
    for key in keys.map(|end| format!("{key}{end}")) {
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
}

#[test]
fn section_3_3_1_3_1_an_at_sign_may_stand_anywhere_but_first() {
    for list in [
        "foo@=1,bar=2",
        "foo@@bar=1,bar=2",
        "foo@bar@baz=1,bar=2",
        "bar=2,0@_foo=1,baz=3",
        "foo@@bar=1",
        "fw529a3039@dt=FfTgQD,tenant@@x=1,k@=2",
    ] {
        assert_eq!(state(&[list]), list);
        assert_eq!(state(&list.split(',').collect::<Vec<_>>()), list);
    }
    for list in ["@foo=1,bar=2", "bar=2,@=1", "bar=2,_@foo=1"] {
        assert_eq!(state(&[list]), "", "{list}");
    }
}

#[test]
fn section_3_3_1_3_1_keys_have_256_characters_at_most_at_signs_among_them() {
    let long = |length: usize| format!("foo=1,{}=1", "z".repeat(length));
    assert_eq!(state(&[&long(256)]), long(256));
    assert_eq!(state(&[&long(257)]), "");
    for (tenant, system) in [(241, 14), (242, 13), (1, 254), (255, 0)] {
        let key = format!("{}@{}", "t".repeat(tenant), "v".repeat(system));
        assert_eq!(key.len(), 256);
        let list = format!("foo=1,{key}=1");
        assert_eq!(state(&[&list]), list);
        assert_eq!(state(&["foo=1", &format!("{key}=1")]), list);
        assert_eq!(state(&[&format!("foo=1,{key}v=1")]), "");
    }
}

#[test]
fn section_3_5_a_changed_member_comes_first_and_a_removed_one_does_not_come_back() {
    let list = "foo@@bar=1,foo=2,baz=3";
    let came = headers(&[("traceparent", PARENT), ("tracestate", list)]);
    let context = DEFAULT.read(&came, Context::new());
    let span = context.span().span_context().clone();
    let carried = |state: TraceState| {
        let (trace, id) = (span.trace_id(), span.span_id());
        let span = SpanContext::new(trace, id, span.trace_flags(), false, state);
        let mut sent = HeaderMap::new();
        DEFAULT.write(&context.with_remote_span_context(span), &mut sent);
        sent["tracestate"].to_str().unwrap().to_owned()
    };
    let state = span.trace_state();
    assert_eq!(carried(state.clone()), list);
    let changed = state.insert("baz", "4").unwrap();
    assert_eq!(carried(changed), "baz=4,foo@@bar=1,foo=2");
    let added = state.insert("new", "5").unwrap();
    assert_eq!(carried(added), "new=5,foo@@bar=1,foo=2,baz=3");
    let removed = state.delete("foo").unwrap();
    assert_eq!(carried(removed), "foo@@bar=1,baz=3");
    assert_eq!(carried(TraceState::NONE), "foo@@bar=1");
}

#[test]
fn section_3_5_a_list_of_32_members_to_which_one_is_added_loses_the_last() {
    let members: Vec<_> = (0..32).map(|number| format!("v@@{number:02}=x")).collect();
    let came = headers(&[("traceparent", PARENT), ("tracestate", &members.join(","))]);
    let context = DEFAULT.read(&came, Context::new());
    let span = context.span().span_context().clone();
    let state = span.trace_state().insert("new", "1").unwrap();
    let (trace, id) = (span.trace_id(), span.span_id());
    let span = SpanContext::new(trace, id, span.trace_flags(), false, state);
    let mut sent = HeaderMap::new();
    DEFAULT.write(&context.with_remote_span_context(span), &mut sent);
    let expected = format!("new=1,{}", members[..31].join(","));
    assert_eq!(sent["tracestate"], expected);
}

#[test]
fn section_3_3_a_list_is_not_carried_on_in_another_trace() {
    let came = headers(&[("traceparent", PARENT), ("tracestate", "foo@@bar=1")]);
    let context = DEFAULT.read(&came, Context::new());
    let other = read(&[(
        "traceparent",
        "00-11111111111111111111111111111111-1111111111111111-01",
    )]);
    let mut sent = HeaderMap::new();
    DEFAULT.write(&context.with_remote_span_context(other), &mut sent);
    assert!(!sent.contains_key("tracestate"), "{sent:?}");
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
    let carried = state(&[&members.join(",")]);
    assert_eq!(carried, (0..10).map(short).collect::<Vec<_>>().join(","));
    members.extend((10..14).map(short));
    let carried = state(&[&members.join(",")]);
    assert_eq!(carried, (0..11).map(short).collect::<Vec<_>>().join(","));
    assert!(carried.len() <= 512);
    assert_eq!(state(&[&format!("a=1,{long}")]), format!("a=1,{long}"));
}
