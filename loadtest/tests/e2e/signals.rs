//! Nothing that is drawn, recorded or watched is empty: every expression returns data on the running stack.

use crate::stack::{self, Stack};
use loadtest::{
    run::{self, Load, Settings},
    schedule::Plan,
    slo,
    transport::{Transport, query_encoded},
};
use serde::Deserialize;
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::OnceCell;

const PROMETHEUS: &str = "http://127.0.0.1:9090";

/// A minute of auctions, as `make up` runs.
const LOAD: Plan = Plan {
    rate: 2.0,
    duration: Duration::from_mins(1),
    most_at_once: 500,
};

/// Some scrapes and evaluations, each 5 s apart.
const SCRAPED: Duration = Duration::from_secs(30);

static LOADED: OnceCell<()> = OnceCell::const_new();

#[derive(Deserialize)]
struct Answer {
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
fn every_rule_has_data_also_with_its_comparison_taken_off() {
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
        let known: Rules = prometheus.get("/api/v1/rules").await.expect("the rules");
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

/// Makes a minute of auctions, once for all tests here.
pub(crate) async fn minute_of_auctions(stack: &Stack) {
    LOADED
        .get_or_init(async || {
            stack.cast().await;
            let settings = Settings {
                load: Load {
                    plan: LOAD,
                    bidders: 4,
                    auction: Duration::from_secs(3),
                },
                objectives: slo::objectives().expect("the objectives hold"),
            };
            let report = run::run(
                &stack.gateway,
                &stack.jaeger,
                &stack::credentials(),
                &settings,
                |_| {},
            )
            .await
            .expect("a report");
            // Whether the SLOs are met is the load test's question: here the machine may be busy with other things.
            assert_eq!(report.confirmed, LOAD.arrivals(), "{}", report.summary());
            assert!(report.trace_id.is_some(), "a complete trace to show");
        })
        .await;
}

fn prometheus() -> Transport {
    Transport::new(PROMETHEUS, Duration::from_secs(20)).expect("an address")
}

/// Asks until every expression returns something, and names those that do not.
async fn assert_data(expressions: impl Iterator<Item = (String, String)>) {
    let prometheus = prometheus();
    let mut empty: BTreeMap<(String, String), String> =
        expressions.map(|named| (named, String::new())).collect();
    assert!(!empty.is_empty(), "there is something to ask");
    let until = tokio::time::Instant::now() + SCRAPED;
    while !empty.is_empty() && tokio::time::Instant::now() < until {
        let mut still = BTreeMap::new();
        for (named, _) in empty {
            let path = format!("/api/v1/query?query={}", query_encoded(&named.1));
            let answer = prometheus
                .send(
                    http::Method::GET,
                    &path,
                    http::HeaderMap::new(),
                    bytes::Bytes::new(),
                )
                .await
                .expect("Prometheus answers");
            let answer: Answer = answer.json().expect("an answer of the API");
            if answer.data.is_none_or(|data| data.result.is_empty()) {
                still.insert(named, answer.error);
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
