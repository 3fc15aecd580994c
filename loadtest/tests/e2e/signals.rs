//! Every expression of a dashboard panel or a rule returns data on the running stack.

use std::collections::BTreeMap;
use std::time::Duration;

use loadtest::endpoints;
use loadtest::transport::{Transport, query_encoded};
use serde::Deserialize;

use crate::support::load::minute_of_auctions;
use crate::support::stack;

/// How long to wait for data: several scrapes and rule evaluations, which are 5 s apart.
const DATA_LIMIT: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct QueryResponse {
    #[serde(default)]
    data: Option<Data>,
    #[serde(default)]
    error: String,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<serde_json::Value>,
}

#[test]
fn every_panel_has_data() {
    stack::run(async |stack| {
        minute_of_auctions(&stack).await;
        let queries = dashboards::queries()
            .into_iter()
            .map(|query| (format!("{}: {}", query.dashboard, query.panel), query.expr));
        assert_data(queries).await;
    });
}

#[test]
fn every_rule_has_data_without_its_comparisons() {
    stack::run(async |stack| {
        minute_of_auctions(&stack).await;
        let rules = alerts::rules().expect("the objectives hold");
        let expressions = rules
            .into_iter()
            .map(|rule| (rule.name, rule.without_comparison));
        assert_data(expressions).await;
    });
}

#[test]
fn prometheus_evaluates_every_rule_that_is_generated() {
    #[derive(Deserialize)]
    struct Rules {
        data: Groups,
    }
    #[derive(Deserialize)]
    struct Groups {
        groups: Vec<Group>,
    }
    #[derive(Deserialize)]
    struct Group {
        rules: Vec<Loaded>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Loaded {
        name: String,
        health: String,
        #[serde(default)]
        last_error: String,
    }
    stack::run(async |_| {
        let prometheus = prometheus();
        let known: Rules = prometheus
            .get("/api/v1/rules")
            .await
            .and_then(|response| response.success()?.json())
            .expect("the rules");
        let loaded: Vec<Loaded> = known
            .data
            .groups
            .into_iter()
            .flat_map(|group| group.rules)
            .collect();
        for rule in &loaded {
            assert_ne!(rule.health, "err", "{}: {}", rule.name, rule.last_error);
        }
        let generated = alerts::rules().expect("the objectives hold");
        assert_eq!(
            loaded.len(),
            generated.len(),
            "every generated rule is loaded, and no other"
        );
    });
}

fn prometheus() -> Transport {
    Transport::new(endpoints::PROMETHEUS, Duration::from_secs(20)).expect("an address")
}

/// Evaluates the expressions until every one returns data, and fails with those that do not.
async fn assert_data(expressions: impl Iterator<Item = (String, String)>) {
    let prometheus = prometheus();
    let mut empty: BTreeMap<(String, String), String> =
        expressions.map(|named| (named, String::new())).collect();
    assert!(!empty.is_empty(), "there are expressions");
    let until = tokio::time::Instant::now() + DATA_LIMIT;
    while !empty.is_empty() && tokio::time::Instant::now() < until {
        let mut still = BTreeMap::new();
        for (named, _) in empty {
            let path = format!("/api/v1/query?query={}", query_encoded(&named.1));
            let response = prometheus.get(&path).await.expect("Prometheus responds");
            let response: QueryResponse = response.json().expect("a response of the API");
            if response.data.is_none_or(|data| data.result.is_empty()) {
                still.insert(named, response.error);
            }
        }
        empty = still;
        if !empty.is_empty() {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
    let lines: Vec<String> = empty
        .into_iter()
        .map(|((name, expression), error)| format!("{name}\n    {expression}\n    {error}"))
        .collect();
    assert!(
        lines.is_empty(),
        "{} return nothing:\n{}",
        lines.len(),
        lines.join("\n")
    );
}
