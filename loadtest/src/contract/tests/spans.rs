//! Spans and the types of their attributes.

use super::{contract, span, with};
use crate::contract::LiveCheck;
use crate::traces::{AttributeValue, Span, SpanKind, ValueType};

/// The violations in a span.
fn violations(span: &Span) -> Vec<String> {
    let contract = contract();
    let mut check = LiveCheck::new(&contract);
    check.span(span);
    check.violations()
}

#[test]
fn a_span_must_be_as_it_is_declared() {
    let expire = |attributes| span(SpanKind::Internal, "auction.expire", attributes);
    assert!(violations(&expire(&[("auction.id", "a")])).is_empty());
    for (span, said) in [
        (expire(&[]), "the required attribute auction.id is missing"),
        (
            expire(&[("auction.id", "a"), ("auction.no", "7")]),
            "the attribute auction.no is not declared",
        ),
        (
            span(SpanKind::Internal, "auction.expired", &[]),
            "the Internal span auction \"auction.expired\" is not declared",
        ),
        (
            span(SpanKind::Client, "auction.expire", &[("auction.id", "a")]),
            "the Client span auction \"auction.expire\" is not declared",
        ),
        (
            with(
                expire(&[("auction.id", "a")]),
                "telemetry.keep",
                ValueType::Boolean,
                "yes",
            ),
            "telemetry.keep may not be \"yes\"",
        ),
    ] {
        let found = violations(&span);
        assert!(
            found.iter().any(|violation| violation.contains(said)),
            "{span:?}: {found:?}"
        );
    }
}

#[test]
fn an_attribute_that_was_sent_with_another_type_than_declared_is_named() {
    let strings = || ValueType::Array(vec![ValueType::String]);
    let bid = || {
        let bid = span(SpanKind::Internal, "auction.bid", &[("auction.id", "a")]);
        with(bid, "bid.price", ValueType::Int, "1250")
    };
    let request = || {
        span(
            SpanKind::Server,
            "GET",
            &[
                ("http.request.method", "GET"),
                ("url.path", "/"),
                ("url.scheme", "http"),
                ("network.protocol.version", "1.1"),
            ],
        )
    };
    let header = "http.request.header.x-tenant";
    for good in [
        bid(),
        with(bid(), "telemetry.keep", ValueType::Boolean, "true"),
        with(request(), header, strings(), "[\"a\"]"),
        with(request(), header, ValueType::Array(vec![]), "[]"),
        // Jaeger's storages that have no arrays return JSON text.
        with(request(), header, ValueType::String, "[\"a\"]"),
    ] {
        assert_eq!(violations(&good), Vec::<String>::new());
    }
    for (bad, said) in [
        (
            with(bid(), "bid.price", ValueType::String, "1250"),
            "bid.price is declared as int and was sent as string",
        ),
        (
            with(bid(), "bid.price", ValueType::Double, "1250"),
            "bid.price is declared as int and was sent as double",
        ),
        (
            with(bid(), "auction.id", ValueType::Int, "7"),
            "auction.id is declared as string and was sent as int",
        ),
        (
            with(bid(), "telemetry.keep", ValueType::String, "true"),
            "telemetry.keep is declared as boolean and was sent as string",
        ),
        (
            with(request(), header, ValueType::String, "a"),
            "http.request.header.x-tenant is declared as string[] and was sent as string",
        ),
        (
            with(
                request(),
                header,
                ValueType::Array(vec![ValueType::Int]),
                "[7]",
            ),
            "http.request.header.x-tenant is declared as string[] and was sent as int[]",
        ),
    ] {
        let found = violations(&bad);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].ends_with(said), "{found:?}");
    }
}

#[test]
fn spans_with_variable_names_are_recognised_by_their_attributes() {
    let contract = contract();
    let mut check = LiveCheck::new(&contract);
    check.span(&span(
        SpanKind::Client,
        "SELECT auctions",
        &[
            ("db.system.name", "sqlite"),
            ("db.query.summary", "SELECT auctions"),
        ],
    ));
    check.span(&span(
        SpanKind::Server,
        "POST /v1/bids",
        &[
            ("http.request.method", "POST"),
            ("http.request.header.x-tenant", "[\"a\"]"),
            ("http.route", "/v1/bids"),
            ("url.path", "/v1/bids"),
            ("url.scheme", "http"),
            ("network.protocol.version", "1.1"),
        ],
    ));
    assert_eq!(check.violations(), Vec::<String>::new());
    let missing = check.missing(&[]);
    let has = |item: &str| missing.iter().any(|missing| missing == item);
    assert!(!has("span db.client") && !has("span http.server"));
    assert!(has("span db.client: error.type") && has("span http.client"));
    assert!(!has("span http.server: url.query"), "it must be asked for");
}

#[test]
fn a_name_omits_missing_attributes_and_attributes_of_jaeger_are_ignored() {
    let mut request = span(
        SpanKind::Server,
        "GET",
        &[
            ("http.request.method", "GET"),
            ("url.path", "/nowhere"),
            ("url.scheme", "http"),
            ("network.protocol.version", "1.1"),
            ("@jaeger@warnings", "[\"clock skew\"]"),
        ],
    );
    assert_eq!(violations(&request), Vec::<String>::new());
    let route = AttributeValue::string("/somewhere");
    let route = ("http.route".to_owned(), route);
    request.attributes.extend([route]);
    let found = violations(&request);
    assert!(found[0].contains("is not declared"), "{found:?}");
}
