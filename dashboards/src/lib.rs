//! The Grafana dashboards, as Rust values over the metric registry.
//!
//! A panel's query is built from declared metrics and labels, so that a renamed metric is a compile error and not an
//! empty panel. `make generate` writes them as JSON to `dashboards/json`, which Grafana's provisioning reads;
//! `make check` fails when a file there is stale. [`queries`] returns every query, for tests that send them to a
//! running Prometheus.

mod business;
mod generate;
mod grafana;
mod messages;
mod model;
mod overview;
mod process;
mod query;
mod sections;
mod service;

use chassis::platform::Service;

pub use generate::generated;

use model::Dashboard;

/// The value of Grafana's rate interval in [`queries`]: long enough to see a minute of load some minutes later.
pub const TEST_INTERVAL: &str = "5m";

/// One query of one panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelQuery {
    /// The dashboard's uid.
    pub dashboard: String,
    /// The row and the panel, by their titles.
    pub panel: String,
    /// The expression, with [`TEST_INTERVAL`] for Grafana's rate interval.
    pub expr: String,
}

/// Every query to Prometheus of every panel.
pub fn queries() -> Vec<PanelQuery> {
    let mut queries = Vec::new();
    for dashboard in dashboards() {
        for row in &dashboard.rows {
            for panel in &row.panels {
                queries.extend(panel.queries().iter().map(|query| PanelQuery {
                    dashboard: dashboard.uid.clone(),
                    panel: format!("{}: {}", row.title, panel.title),
                    expr: query.expr.replace(query::INTERVAL, TEST_INTERVAL),
                }));
            }
        }
    }
    queries
}

fn dashboards() -> Vec<Dashboard> {
    let mut dashboards = vec![overview::dashboard()];
    dashboards.extend(Service::ALL.map(service::dashboard));
    dashboards
}
