//! On recorded text.

use super::*;
use std::path::PathBuf;

/// What a gateway exposed, shortened.
const SCRAPE: &str = "\
# TYPE http_server_request_duration_seconds histogram
# UNIT http_server_request_duration_seconds seconds
http_server_request_duration_seconds_bucket{http_request_method=\"GET\",url_scheme=\"http\",http_route=\"/v1/auctions\",http_response_status_code=\"200\",network_protocol_version=\"1.1\",error_type=\"\",le=\"+Inf\"} 2
http_server_request_duration_seconds_count{http_request_method=\"GET\",url_scheme=\"http\",http_route=\"/v1/auctions\",http_response_status_code=\"200\",network_protocol_version=\"1.1\",error_type=\"\"} 2
# TYPE bidtrace_gateway_rate_limited counter
bidtrace_gateway_rate_limited_total 0
# TYPE bidtrace_auction_bids counter
bidtrace_auction_bids_total{bidtrace_outcome=\"accepted\"} 3
# TYPE bidtrace_gateway_live_clients gauge
bidtrace_gateway_live_clients 0
# TYPE target info
target_info{service_name=\"gateway\",team=\"soup\"} 1
# EOF
";

fn contract() -> Contract {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    Contract::load(&root).unwrap()
}

/// The scrape with all buckets of its histogram.
fn scrape() -> String {
    let whole = [
        "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1.0", "2.5",
        "5.0", "7.5", "10.0",
    ];
    let line = SCRAPE.lines().find(|line| line.contains("+Inf")).unwrap();
    let buckets: Vec<_> = whole
        .iter()
        .map(|bound| line.replace("+Inf", bound))
        .chain([line.to_owned()])
        .collect();
    SCRAPE.replace(line, &buckets.join("\n"))
}

fn complaints(text: &str) -> Vec<String> {
    let contract = contract();
    let mut emitted = Emitted::new(&contract);
    emitted.scrape("gateway", text);
    emitted.undeclared()
}

fn span(kind: Kind, name: &str, attributes: &[(&str, &str)]) -> Span {
    let attributes = attributes
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Span {
        id: "01".to_owned(),
        parent: None,
        name: name.to_owned(),
        kind,
        service: "auction".to_owned(),
        instance: "i".to_owned(),
        start_ns: 0,
        end_ns: 1,
        failed: false,
        attributes: attributes.collect(),
        links: Vec::new(),
    }
}

fn span_complaints(span: &Span) -> Vec<String> {
    let contract = contract();
    let mut emitted = Emitted::new(&contract);
    emitted.span(span);
    emitted.undeclared()
}

#[test]
fn a_scrape_of_what_is_declared_is_nothing_to_complain_of() {
    assert_eq!(complaints(&scrape()), Vec::<String>::new());
}

#[test]
fn what_a_scrape_has_and_nobody_declares_is_named() {
    for (found, instead, said) in [
        (
            "bidtrace_gateway_rate_limited",
            "bidtrace_gateway_limited",
            "nobody declares the metric",
        ),
        (
            "rate_limited counter",
            "rate_limited gauge",
            "is exposed as gauge",
        ),
        (
            "duration_seconds seconds",
            "duration_seconds bytes",
            "is exposed in \"bytes\"",
        ),
        (
            "url_scheme=\"http\"",
            "url_scheme=\"ftp\"",
            "url.scheme of http.server.request.duration may not be \"ftp\"",
        ),
        (
            "status_code=\"200\"",
            "status_code=\"ok\"",
            "may not be \"ok\"",
        ),
        (
            "bidtrace_outcome=\"accepted\"",
            "bidtrace_outcome=\"taken\"",
            "outcome of bidtrace.auction.bids may not be \"taken\"",
        ),
        (
            "url_scheme=",
            "url_sheme=",
            "nobody declares the label url_sheme",
        ),
        ("le=\"0.25\"", "le=\"0.3\"", "has other buckets"),
        (
            "bidtrace_outcome=\"accepted\"",
            "otel_metric_overflow=\"true\"",
            "more series than it may",
        ),
        ("# EOF", "what is this", "is no sample"),
    ] {
        let complaints = complaints(&scrape().replace(found, instead));
        assert!(
            complaints.iter().any(|complaint| complaint.contains(said)),
            "{instead}: {complaints:?}"
        );
    }
}

#[test]
fn more_values_than_a_label_may_have_are_named() {
    let line = "bidtrace_gateway_rate_limited_total 0\n";
    let mut text = scrape().replace(line, "");
    text.push_str("# TYPE rpc_server_open_streams gauge\n");
    let streams =
        (0..201).map(|number| format!("rpc_server_open_streams{{rpc_method=\"m{number}\"}} 0\n"));
    text.extend(streams);
    let complaints = complaints(&text);
    assert_eq!(complaints.len(), 1, "{complaints:?}");
    assert!(complaints[0].contains("has 201 values"), "{complaints:?}");
}

#[test]
fn what_is_declared_and_does_not_come_is_named_unless_it_is_excused() {
    let contract = contract();
    let mut emitted = Emitted::new(&contract);
    emitted.scrape("gateway", &scrape());
    let missing = emitted.missing(&[]);
    let has = |item: &str| missing.iter().any(|missing| missing == item);
    assert!(
        has("metric bidtrace.gateway.rate_limited"),
        "it has not counted"
    );
    assert!(
        !has("metric bidtrace.gateway.live_clients"),
        "a gauge says 0 as well"
    );
    assert!(!has("metric bidtrace.auction.bids") && !has("metric bidtrace.auction.bids: outcome"));
    assert!(
        has("metric http.server.request.duration: error.type"),
        "it is always empty"
    );
    assert!(!has("metric http.server.request.duration: http.route"));
    assert!(has("span auction.award") && has("span auction.award: auction.id"));
    let excused = emitted.missing(&[
        ("span auction.award", "no auction ends"),
        ("metric nothing", "it is not there"),
    ]);
    assert!(
        !excused
            .iter()
            .any(|item| item.starts_with("span auction.award"))
    );
    assert!(
        excused
            .iter()
            .any(|item| item.contains("nobody declares: metric nothing"))
    );
    assert_eq!(excused.len(), missing.len() - 5 + 1);
}

#[test]
fn a_span_is_held_to_its_declaration() {
    let expire = |attributes| span(Kind::Internal, "auction.expire", attributes);
    assert!(span_complaints(&expire(&[("auction.id", "a")])).is_empty());
    for (span, said) in [
        (expire(&[]), "lacks auction.id"),
        (
            expire(&[("auction.id", "a"), ("auction.no", "7")]),
            "nobody declares the attribute auction.no",
        ),
        (
            span(Kind::Internal, "auction.expired", &[]),
            "nobody declares the Internal span",
        ),
        (
            span(Kind::Client, "auction.expire", &[("auction.id", "a")]),
            "nobody declares the Client span",
        ),
        (
            expire(&[("auction.id", "a"), ("telemetry.keep", "yes")]),
            "telemetry.keep may not be \"yes\"",
        ),
    ] {
        let complaints = span_complaints(&span);
        assert!(
            complaints.iter().any(|complaint| complaint.contains(said)),
            "{span:?}: {complaints:?}"
        );
    }
}

#[test]
fn spans_that_are_named_by_what_varies_are_told_by_their_attributes() {
    let contract = contract();
    let mut emitted = Emitted::new(&contract);
    emitted.span(&span(
        Kind::Client,
        "SELECT auctions",
        &[
            ("db.system.name", "sqlite"),
            ("db.query.summary", "SELECT auctions"),
        ],
    ));
    emitted.span(&span(
        Kind::Server,
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
    assert_eq!(emitted.undeclared(), Vec::<String>::new());
    let missing = emitted.missing(&[]);
    let has = |item: &str| missing.iter().any(|missing| missing == item);
    assert!(!has("span db.client") && !has("span http.server"));
    assert!(has("span db.client: error.type") && has("span http.client"));
    assert!(!has("span http.server: url.query"), "it must be asked for");
}

#[test]
fn a_name_has_no_attribute_that_the_span_lacks_and_what_jaeger_adds_is_nobodys() {
    let mut request = span(
        Kind::Server,
        "GET",
        &[
            ("http.request.method", "GET"),
            ("url.path", "/nowhere"),
            ("url.scheme", "http"),
            ("network.protocol.version", "1.1"),
            ("@jaeger@warnings", "[\"clock skew\"]"),
        ],
    );
    assert_eq!(span_complaints(&request), Vec::<String>::new());
    let route = ("http.route".to_owned(), "/somewhere".to_owned());
    request.attributes.extend([route]);
    let complaints = span_complaints(&request);
    assert!(complaints[0].contains("nobody declares"), "{complaints:?}");
}
