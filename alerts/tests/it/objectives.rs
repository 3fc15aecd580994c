//! The errors about objectives that are not valid.

use alerts::objectives::{self, Objective};

const GOOD: &str = r#"
objectives:
  - name: open-auction-latency
    title: Opening an auction is quick
    operation: open_auction
    target: 0.99
    window: 30d
    owner: auction
    min_bad_events: 5
    indicator:
      service: gateway
      metric: http.server.request.duration
      of:
        http.route: /v1/auctions
      threshold_seconds: 0.5
    runbook:
      meaning: It is slow.
      look: ["there"]
      act: ["this"]
"#;

fn parse(text: &str) -> Result<Vec<Objective>, String> {
    objectives::parse(text).map_err(|error| error.to_string())
}

/// The error when `from` is replaced by `to` in a valid file.
fn error(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from:?} is not in the example");
    parse(&GOOD.replace(from, to)).unwrap_err()
}

#[test]
fn a_valid_objective_is_loaded_as_it_is_written() {
    let objectives = parse(GOOD).unwrap();
    let [objective] = &objectives[..] else {
        panic!("{objectives:?}");
    };
    assert_eq!(objective.threshold_seconds(), Some(0.5));
    assert_eq!(objective.alert_name(), "OpenAuctionLatencyBudgetBurn");
    assert!((objective.budget() - 0.01).abs() < f64::EPSILON);
}

#[test]
fn the_objectives_of_the_repository_cover_both_operations_in_both_ways() {
    let objectives = objectives::built_in().unwrap();
    for operation in ["open_auction", "place_bid"] {
        let kinds: Vec<bool> = objectives
            .iter()
            .filter(|objective| objective.operation == operation)
            .map(|objective| objective.threshold_seconds().is_some())
            .collect();
        assert!(
            kinds.contains(&true),
            "{operation} has no latency objective"
        );
        assert!(
            kinds.contains(&false),
            "{operation} has no availability objective"
        );
    }
}

#[test]
fn an_error_names_the_objective_the_field_and_what_would_be_right() {
    for (from, to, expected) in [
        (
            "threshold_seconds: 0.5",
            "threshold_seconds: 0.3",
            &[
                "open-auction-latency",
                "indicator.threshold_seconds",
                "0.3",
                "0.25, 0.5",
            ][..],
        ),
        (
            "metric: http.server.request.duration",
            "metric: http.server.duration",
            &[
                "indicator.metric",
                "\"http.server.duration\"",
                "http.server.request.duration",
            ],
        ),
        (
            "metric: http.server.request.duration",
            "metric: http.server.active_requests",
            &["indicator.metric", "Gauge", "histogram"],
        ),
        (
            "http.route: /v1/auctions",
            "http.path: /v1/auctions",
            &["indicator.of", "\"http.path\"", "http.route"],
        ),
        (
            "http.route: /v1/auctions",
            "http.route: { matches: \"(\" }",
            &["indicator.of", "http.route", "unclosed group"],
        ),
        (
            "http.route: /v1/auctions",
            "http.route: { like: x }",
            &["{not: value}", "{matches: regular expression}"],
        ),
        (
            "service: gateway",
            "service: gate",
            &["indicator.service", "\"gate\"", "gateway"],
        ),
        (
            "target: 0.99",
            "target: 0.9",
            &["target", "0.9", "0.931", "14.4x"],
        ),
        (
            "target: 0.99",
            "target: 1.0",
            &["target", "leaves no budget"],
        ),
        ("target: 0.99", "target: .nan", &["target", "NaN"]),
        ("window: 30d", "window: 2h", &["window", "\"2h\"", "30d"]),
        ("window: 30d", "window: 3d", &["window", "not longer"]),
        (
            "min_bad_events: 5",
            "min_bad_events: 1",
            &["min_bad_events", "at least 2"],
        ),
        ("owner: auction", "owner: \"\"", &["owner", "empty"]),
        (
            "act: [\"this\"]",
            "act: []",
            &["runbook.act", "at least one"],
        ),
        (
            "name: open-auction-latency",
            "name: Open Auction",
            &["name", "lower-case", "open-auction-latency"],
        ),
        (
            "      threshold_seconds: 0.5\n",
            "",
            &["indicator", "either `bad`", "or `threshold_seconds`"],
        ),
        (
            "owner: auction",
            "ownr: auction",
            &["unknown field `ownr`", "line"],
        ),
    ] {
        let error = error(from, to);
        for part in expected {
            assert!(error.contains(part), "{to:?}: {part:?} is not in: {error}");
        }
    }
}

#[test]
fn a_name_must_be_unique() {
    let second = GOOD.trim_start().trim_start_matches("objectives:\n");
    let error = parse(&format!("{GOOD}{second}")).unwrap_err();
    assert!(error.contains("twice"), "{error}");
}
