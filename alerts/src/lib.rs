//! The service level objectives, and the Prometheus rules, tests and runbook pages that are generated from them.
//!
//! `alerts/slo.yaml` states each objective once, in terms of the metric registry ([`objectives`]). [`rules`] makes from
//! them the recording rules and the burn-rate alerts ([`burn_rate`]), and adds alerts about scrape targets, the
//! telemetry pipeline and the settlement of orders. Each alert carries the scenarios of its promtool tests and the text
//! of its runbook page, so no alert can be without them. `make generate` writes all of it to `alerts/generated` and
//! `alerts/runbooks`; `make check` fails when a file there is stale.

pub mod backends;
pub mod burn_rate;
pub mod declared;
mod generate;
pub mod objectives;
pub mod promql;
mod promtool;
mod rule_file;
pub mod rules;
mod runbook;
mod scenario;
mod service_metrics;

pub use generate::generated;
pub use rules::{Rule, RuleKind};

/// Every generated rule, with its expression with and without the alert's comparisons.
///
/// # Errors
/// When `alerts/slo.yaml` is not valid.
pub fn rules() -> Result<Vec<Rule>, objectives::ObjectivesError> {
    Ok(rules::rules(&objectives::built_in()?))
}
