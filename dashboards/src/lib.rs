//! The Grafana dashboards, as Rust values over the metric registry.
//!
//! A panel's query is built from declared metrics and labels, so a renamed metric is a compile error here and not an
//! empty panel there. `make generate` writes them as JSON to `dashboards/json`, which Grafana's provisioning
//! reads; `make check` fails when a file there is not current. [`queries`] gives every query to whoever wants to
//! try it on a running Prometheus.

mod business;
mod facts;
mod generate;
mod grafana;
mod messages;
mod model;
mod overview;
mod process;
mod query;
mod service;

use chassis::platform::Service;

pub use generate::generated;

use model::Dashboard;

/// What stands for Grafana's interval in [`queries`]: long enough to see a minute of load some minutes later.
pub const TEST_INTERVAL: &str = "5m";

/// One query of one panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelQuery {
    /// The dashboard's uid.
    pub dashboard: String,
    /// The row and the panel, by their titles.
    pub panel: String,
    /// The expression, with [`TEST_INTERVAL`] where Grafana puts its own.
    pub expr: String,
}

/// Every query that Prometheus is asked by any panel.
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
