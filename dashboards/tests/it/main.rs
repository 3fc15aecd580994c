//! The generated dashboards.

#![allow(clippy::unwrap_used)] // Also in what the tests share.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use alerts::declared::DeclaredSeries;
use chassis::platform::Service;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn all() -> Vec<(String, Value)> {
    dashboards::generated()
        .unwrap()
        .iter()
        .map(|(path, text)| {
            let path = path.to_str().unwrap().to_owned();
            (path, serde_json::from_str(text).unwrap())
        })
        .collect()
}

fn panels(dashboard: &Value) -> &[Value] {
    dashboard["panels"].as_array().unwrap()
}

/// The queries to Prometheus in the generated file.
fn expressions(dashboard: &Value) -> Vec<&str> {
    panels(dashboard)
        .iter()
        .filter(|panel| panel["datasource"]["uid"] == "prometheus")
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap())
        .collect()
}

#[test]
fn the_generated_files_of_the_repository_are_current() {
    assert_eq!(
        dashboards::generated().unwrap().stale(&root()).unwrap(),
        Vec::<PathBuf>::new(),
        "run `make generate`"
    );
}

#[test]
fn the_first_line_of_each_says_what_generated_it_and_how() {
    for (path, text) in dashboards::generated().unwrap().iter() {
        let first = text.lines().next().unwrap();
        assert!(
            first.contains("`make generate`"),
            "{}: {first}",
            path.display()
        );
    }
}

#[test]
fn every_query_uses_declared_metrics_and_labels_only() {
    let declared = DeclaredSeries::all().unwrap();
    for query in dashboards::queries() {
        let problems = declared.problems(&query.expr);
        assert!(
            problems.is_empty(),
            "{}, {}: {problems:?}\n{}",
            query.dashboard,
            query.panel,
            query.expr
        );
    }
}

#[test]
fn the_library_returns_the_queries_of_the_files() {
    let given: BTreeSet<String> = dashboards::queries()
        .into_iter()
        .map(|query| query.expr)
        .collect();
    let written: BTreeSet<String> = all()
        .iter()
        .flat_map(|(_, dashboard)| expressions(dashboard))
        .map(|expr| expr.replace("$__rate_interval", dashboards::TEST_INTERVAL))
        .collect();
    assert_eq!(given, written);
    assert!(
        given.iter().all(|expr| !expr.contains('$')),
        "a variable is left"
    );
}

#[test]
fn there_is_an_overview_and_one_dashboard_for_each_service_under_a_stable_uid() {
    let uids: BTreeSet<String> = all()
        .iter()
        .map(|(_, dashboard)| dashboard["uid"].as_str().unwrap().to_owned())
        .collect();
    let mut expected: BTreeSet<String> = Service::ALL
        .iter()
        .map(|service| format!("bidtrace-{}", service.name()))
        .collect();
    expected.insert("bidtrace-overview".to_owned());
    assert_eq!(uids, expected);
    for uid in uids {
        assert!(uid.len() <= 40, "{uid} is longer than Grafana takes");
    }
}

#[test]
fn every_panel_says_what_to_read_from_it_and_where_its_data_is() {
    for (path, dashboard) in all() {
        for panel in panels(&dashboard)
            .iter()
            .filter(|panel| panel["type"] != "row")
        {
            let title = panel["title"].as_str().unwrap();
            let description = panel["description"].as_str().unwrap();
            assert!(
                !title.is_empty() && !description.is_empty(),
                "{path}: {title:?}"
            );
            let source = panel["datasource"]["uid"].as_str().unwrap();
            assert!(
                ["prometheus", "jaeger"].contains(&source),
                "{path}: {title}: {source}"
            );
            let targets = panel["targets"].as_array().unwrap();
            assert!(!targets.is_empty(), "{path}: {title} asks for nothing");
        }
    }
}

#[test]
fn panels_lie_on_the_grid_without_overlap_and_have_their_own_ids() {
    for (path, dashboard) in all() {
        let mut taken = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for panel in panels(&dashboard) {
            assert!(
                ids.insert(panel["id"].as_u64().unwrap()),
                "{path}: an id twice"
            );
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(
                at("x") + at("w") <= 24,
                "{path}: {} is too wide",
                panel["title"]
            );
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(
                        taken.insert((x, y)),
                        "{path}: {} lies on another",
                        panel["title"]
                    );
                }
            }
        }
    }
}

#[test]
fn request_latency_panels_show_exemplars() {
    for (path, dashboard) in all() {
        let latencies: Vec<_> = panels(&dashboard)
            .iter()
            .filter(|panel| {
                panel["type"] == "timeseries"
                    && panel["targets"].as_array().is_some_and(|targets| {
                        targets.iter().any(|target| {
                            let expr = target["expr"].as_str().unwrap_or_default();
                            expr.contains("histogram_quantile") && expr.contains("_server_")
                        })
                    })
            })
            .collect();
        assert!(
            !latencies.is_empty() || path.contains("overview"),
            "{path} has no latency"
        );
        for panel in latencies {
            assert_eq!(
                panel["targets"][0]["exemplar"], true,
                "{path}: {}",
                panel["title"]
            );
        }
    }
}

#[test]
fn a_link_to_a_dashboard_leads_to_one_that_exists() {
    let text: String = dashboards::generated()
        .unwrap()
        .iter()
        .map(|(_, text)| text)
        .collect();
    for (place, _) in text.match_indices("/d/") {
        let uid: String = text[place + 3..]
            .chars()
            .take_while(|letter| !['?', '"'].contains(letter))
            .collect();
        assert_eq!(
            uid, "bidtrace-${__field.labels.job}",
            "an unknown dashboard"
        );
    }
}
