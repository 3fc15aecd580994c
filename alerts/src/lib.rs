//! The service level objectives, and everything that follows from them.
//!
//! `alerts/slo.yaml` states each objective once, in terms of the metric registry ([`model`]). From it come the
//! recording rules and burn-rate alerts; beside them stand alerts about targets, about the telemetry pipeline and
//! about work that must go on ([`rules`]). Each alert carries the scenarios of its promtool tests and the text of
//! its runbook page, so that none can be without. `make generate` writes it all to `alerts/generated` and
//! `alerts/runbooks`; `make check` fails when a file there is not current.

pub mod backends;
pub mod declared;
mod generate;
pub mod model;
pub mod promql;
mod promtool;
pub mod rules;
mod runbook;

pub use generate::generated;
pub use rules::{Kind, Rule};

/// Every rule, with its expression in both forms.
///
/// # Errors
/// When the objectives cannot hold.
pub fn rules() -> Result<Vec<Rule>, model::ModelError> {
    Ok(rules::rules(&model::built_in()?))
}
