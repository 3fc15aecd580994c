//! Recording rules and alerts, as values.
//!
//! An alert's condition is kept in parts, so that the expression with its comparison taken off exists by
//! construction: on a healthy system that one must return data, or the alert could never fire. An alert also
//! carries the [scenarios](crate::promtool::Scenario) that show it to fire and to keep silent, and its runbook.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::{Objective, Runbook};
use crate::promtool::Scenario;

pub mod burn;
mod pipeline;
mod settlement;
mod targets;

/// Rules that Prometheus reads from one file.
#[derive(Debug, Clone)]
pub(crate) struct RuleFile {
    /// The name of the file and of its tests, without the extension.
    pub(crate) name: String,
    pub(crate) groups: Vec<Group>,
    /// Scenarios that are about the recording rules, or about several alerts at once.
    pub(crate) scenarios: Vec<Scenario>,
}

/// Rules that are evaluated one after the other, at the same moment.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// How often, when not as often as everything else.
    pub(crate) interval: Option<&'static str>,
    pub(crate) recordings: Vec<Recording>,
    pub(crate) alerts: Vec<Alert>,
}

/// An expression whose result is kept as a series.
#[derive(Debug, Clone)]
pub(crate) struct Recording {
    pub(crate) record: String,
    pub(crate) expr: String,
    pub(crate) labels: BTreeMap<&'static str, String>,
}

/// An expression whose result is somebody's business.
#[derive(Debug, Clone)]
pub(crate) struct Alert {
    pub(crate) name: String,
    pub(crate) severity: Severity,
    /// All must hold.
    pub(crate) conditions: Vec<Condition>,
    /// For how long they must hold, such as `30s`; empty for not at all.
    pub(crate) pending: &'static str,
    /// Beside the severity.
    pub(crate) labels: BTreeMap<&'static str, String>,
    pub(crate) summary: String,
    /// May hold `{{ $labels.x }}` and `{{ $value | humanize }}`.
    pub(crate) description: String,
    pub(crate) runbook: Runbook,
    /// At least one that makes it fire and one that does not.
    pub(crate) scenarios: Vec<Scenario>,
}

/// A comparison.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    /// An expression that binds tighter than a comparison, or is in parentheses.
    pub(crate) value: String,
    pub(crate) comparison: Comparison,
    pub(crate) bound: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Above,
    Below,
    AtLeast,
    Equal,
}

/// How soon a person must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Now, also at night.
    Page,
    /// In the next working hours.
    Ticket,
}

/// What a rule makes of its expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A series.
    Recording,
    /// An alert.
    Alert,
}

/// One rule, for whoever wants to try its expression on a running Prometheus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The series or alert, with the labels that tell it from others of the same name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The expression as Prometheus evaluates it.
    pub expr: String,
    /// The same with the comparisons taken off, which returns data whether all is well or not. Equal to `expr` for
    /// a recording rule.
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
pub(crate) fn recorded(objectives: &[Objective]) -> std::collections::BTreeSet<String> {
    files(objectives)
        .into_iter()
        .flat_map(|file| file.groups)
        .flat_map(|group| group.recordings)
        .map(|recording| recording.record)
        .collect()
}

// === impl RuleFile ===

impl RuleFile {
    pub(crate) fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.groups.iter().flat_map(|group| &group.alerts)
    }

    /// The scenarios of its alerts, and its own.
    pub(crate) fn scenarios(&self) -> impl Iterator<Item = &Scenario> {
        self.alerts()
            .flat_map(|alert| &alert.scenarios)
            .chain(&self.scenarios)
    }
}

// === impl Alert ===

impl Alert {
    pub(crate) fn expr(&self) -> String {
        let conditions: Vec<_> = self.conditions.iter().map(ToString::to_string).collect();
        conditions.join("\nand ")
    }

    pub(crate) fn without_comparison(&self) -> String {
        let values: Vec<_> = self
            .conditions
            .iter()
            .map(|condition| condition.value.as_str())
            .collect();
        values.join("\nand ")
    }

    /// Where its page is, from the root of the repository.
    pub(crate) fn runbook_path(&self) -> String {
        format!("alerts/runbooks/{}.md", self.name)
    }

    /// The labels that Prometheus puts on it, beside those of the series.
    pub(crate) fn all_labels(&self) -> BTreeMap<&'static str, String> {
        let mut labels = self.labels.clone();
        labels.insert("severity", self.severity.to_string());
        labels
    }

    /// Its annotations, templates included.
    pub(crate) fn annotations(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("summary", self.summary.clone()),
            ("description", self.description.clone()),
            ("runbook", self.runbook_path()),
        ])
    }
}

// === impl Condition ===

impl Condition {
    pub(crate) fn above(value: impl Into<String>, bound: f64) -> Self {
        Self::new(value, Comparison::Above, bound)
    }

    pub(crate) fn below(value: impl Into<String>, bound: f64) -> Self {
        Self::new(value, Comparison::Below, bound)
    }

    pub(crate) fn at_least(value: impl Into<String>, bound: f64) -> Self {
        Self::new(value, Comparison::AtLeast, bound)
    }

    pub(crate) fn equal(value: impl Into<String>, bound: f64) -> Self {
        Self::new(value, Comparison::Equal, bound)
    }

    fn new(value: impl Into<String>, comparison: Comparison, bound: f64) -> Self {
        Self {
            value: value.into(),
            comparison,
            bound,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let comparison = match self.comparison {
            Comparison::Above => ">",
            Comparison::Below => "<",
            Comparison::AtLeast => ">=",
            Comparison::Equal => "==",
        };
        let bound = crate::promql::number(self.bound);
        write!(f, "{} {comparison} {bound}", self.value)
    }
}

// === impl Severity ===

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        })
    }
}

// === impl Rule ===

impl From<&Recording> for Rule {
    fn from(recording: &Recording) -> Self {
        Self {
            name: distinguished(&recording.record, &recording.labels),
            kind: Kind::Recording,
            expr: recording.expr.clone(),
            without_comparison: recording.expr.clone(),
        }
    }
}

impl From<&Alert> for Rule {
    fn from(alert: &Alert) -> Self {
        Self {
            name: distinguished(&alert.name, &alert.labels),
            kind: Kind::Alert,
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
    use crate::promtool::{Check, Firing};

    #[test]
    fn every_alert_is_shown_to_fire_and_to_keep_silent() {
        let objectives = crate::model::built_in().unwrap();
        let files = files(&objectives);
        for file in &files {
            // Only what a file's own scenarios say counts: that is what its tests load.
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
                let holds = |firing: &[Firing]| firing.iter().any(|firing| firing.is_of(alert));
                let mut seen = checks.iter().filter(|(named, _)| *named == alert.name);
                assert!(
                    seen.clone().any(|(_, firing)| holds(firing)),
                    "{name} never fires"
                );
                assert!(
                    seen.any(|(_, firing)| !holds(firing)),
                    "{name} is never silent"
                );
            }
        }
    }

    #[test]
    fn an_expression_without_its_comparisons_keeps_every_value() {
        let condition = |value: &str| Condition::above(value, 1.5);
        let mut alert = settlement::file().groups.remove(0).alerts.remove(0);
        alert.conditions = vec![condition("a"), condition("(b or vector(0))")];
        assert_eq!(alert.expr(), "a > 1.5\nand (b or vector(0)) > 1.5");
        assert_eq!(alert.without_comparison(), "a\nand (b or vector(0))");
    }
}
