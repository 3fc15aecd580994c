//! Metrics, and what is missing.

use super::contract;
use crate::contract::LiveCheck;

/// The metrics of a gateway, shortened.
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

/// The metrics with all buckets of the histogram.
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

/// The violations in the metrics of a gateway.
fn violations(text: &str) -> Vec<String> {
    let contract = contract();
    let mut check = LiveCheck::new(&contract);
    check.metrics("gateway", text);
    check.violations()
}

#[test]
fn declared_metrics_have_no_violation() {
    assert_eq!(violations(&scrape()), Vec::<String>::new());
}

#[test]
fn what_is_exposed_and_not_declared_is_named() {
    for (found, instead, said) in [
        (
            "bidtrace_gateway_rate_limited",
            "bidtrace_gateway_limited",
            "the metric bidtrace_gateway_limited is not declared",
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
            "the label url_sheme of http.server.request.duration is not declared",
        ),
        ("le=\"0.25\"", "le=\"0.3\"", "has other buckets"),
        (
            "bidtrace_outcome=\"accepted\"",
            "otel_metric_overflow=\"true\"",
            "more series than its maximum",
        ),
        ("# EOF", "what is this", "cannot be parsed"),
    ] {
        let violations = violations(&scrape().replace(found, instead));
        assert!(
            violations.iter().any(|violation| violation.contains(said)),
            "{instead}: {violations:?}"
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
    let violations = violations(&text);
    assert_eq!(violations.len(), 1, "{violations:?}");
    assert!(violations[0].contains("has 201 values"), "{violations:?}");
}

#[test]
fn what_is_declared_and_not_emitted_is_named_unless_it_is_an_exception() {
    let contract = contract();
    let mut check = LiveCheck::new(&contract);
    check.metrics("gateway", &scrape());
    let missing = check.missing(&[]);
    let has = |item: &str| missing.iter().any(|missing| missing == item);
    assert!(
        has("metric bidtrace.gateway.rate_limited"),
        "it has not counted"
    );
    assert!(
        !has("metric bidtrace.gateway.live_clients"),
        "a gauge says 0 as well"
    );
    assert!(
        !has("metric bidtrace.auction.bids")
            && !has("metric bidtrace.auction.bids: bidtrace.outcome")
    );
    assert!(
        has("metric http.server.request.duration: error.type"),
        "it is empty in every series"
    );
    assert!(!has("metric http.server.request.duration: http.route"));
    assert!(has("span auction.award") && has("span auction.award: auction.id"));
    let excepted = check.missing(&[
        ("span auction.award", "no auction ends"),
        ("metric nothing", "it does not exist"),
    ]);
    assert!(
        !excepted
            .iter()
            .any(|item| item.starts_with("span auction.award"))
    );
    assert!(
        excepted
            .iter()
            .any(|item| item.contains("not declared: metric nothing"))
    );
    assert_eq!(excepted.len(), missing.len() - 5 + 1);
}
