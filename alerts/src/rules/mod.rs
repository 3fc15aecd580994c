//! The recording rules and alerts that follow from the objectives, and those about scrape targets, the telemetry
//! pipeline and the settlement of orders.

use std::collections::{BTreeMap, BTreeSet};

use crate::objectives::Objective;
use crate::rule_file::{Alert, Recording, RuleFile};

mod burn;
mod pipeline;
mod settlement;
mod targets;

/// Which kind of rule it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    /// A recording rule.
    Recording,
    /// An alerting rule.
    Alert,
}

/// One rule, for tests that evaluate its expression on a running Prometheus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The name of the recorded series or of the alert, with the labels that tell it from others of the same name.
    pub name: String,
    /// Which kind it is.
    pub kind: RuleKind,
    /// The expression as Prometheus evaluates it.
    pub expr: String,
    /// The same without an alert's comparisons: it returns data whether the alert fires or not. Equal to `expr` for a
    /// recording rule.
    pub without_comparison: String,
}

/// The rule files that follow from these objectives.
pub(crate) fn files(objectives: &[Objective]) -> Vec<RuleFile> {
    objectives
        .iter()
        .map(burn::file)
        .chain([targets::file(), pipeline::file(), settlement::file()])
        .collect()
}

/// Every rule that follows from these objectives.
pub fn rules(objectives: &[Objective]) -> Vec<Rule> {
    files(objectives)
        .into_iter()
        .flat_map(|file| file.groups)
        .flat_map(|group| {
            let recordings = group.recordings.iter().map(Rule::from).collect::<Vec<_>>();
            let alerts = group.alerts.iter().map(Rule::from).collect::<Vec<_>>();
            recordings.into_iter().chain(alerts)
        })
        .collect()
}

/// The names of the series that the rules record.
pub(crate) fn recorded(objectives: &[Objective]) -> BTreeSet<String> {
    files(objectives)
        .into_iter()
        .flat_map(|file| file.groups)
        .flat_map(|group| group.recordings)
        .map(|recording| recording.record)
        .collect()
}

// === impl Rule ===

impl From<&Recording> for Rule {
    fn from(recording: &Recording) -> Self {
        Self {
            name: distinguished(&recording.record, &recording.labels),
            kind: RuleKind::Recording,
            expr: recording.expr.clone(),
            without_comparison: recording.expr.clone(),
        }
    }
}

impl From<&Alert> for Rule {
    fn from(alert: &Alert) -> Self {
        Self {
            name: distinguished(&alert.name, &alert.labels),
            kind: RuleKind::Alert,
            expr: alert.expr(),
            without_comparison: alert.without_comparison(),
        }
    }
}

fn distinguished(name: &str, labels: &BTreeMap<&'static str, String>) -> String {
    if labels.is_empty() {
        return name.to_owned();
    }
    let labels: Vec<_> = labels
        .iter()
        .map(|(label, value)| format!("{label}={value}"))
        .collect();
    format!("{name}{{{}}}", labels.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Check, Firing};

    #[test]
    fn every_alert_is_shown_to_fire_and_to_keep_silent() {
        let objectives = crate::objectives::built_in().unwrap();
        let files = files(&objectives);
        for file in &files {
            // A file's tests load only that file, so only its own scenarios count.
            let checks: Vec<(&str, &[Firing])> = file
                .scenarios()
                .flat_map(|scenario| &scenario.checks)
                .filter_map(|check| match check {
                    Check::Alerts { alert, firing, .. } => Some((alert.as_str(), &firing[..])),
                    Check::Samples { .. } => None,
                })
                .collect();
            for alert in file.alerts() {
                let name = distinguished(&alert.name, &alert.labels);
                let holds =
                    |firing: &[Firing]| firing.iter().any(|firing| firing.is_of(&alert.labels));
                let mut seen = checks.iter().filter(|(named, _)| *named == alert.name);
                assert!(
                    seen.clone().any(|(_, firing)| holds(firing)),
                    "{name} never fires in its scenarios"
                );
                assert!(
                    seen.any(|(_, firing)| !holds(firing)),
                    "{name} fires in all of its scenarios"
                );
            }
        }
    }
}
