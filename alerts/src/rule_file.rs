//! Prometheus rule files as values: groups of recording rules and alerts.
//!
//! An alert's conditions keep the compared value apart from the comparison, so that the expression can also be written
//! without its comparisons: on a healthy system that form must return data, or the alert could never fire.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use crate::promql::number;
use crate::scenario::Scenario;

/// One file of rules.
#[derive(Debug, Clone)]
pub(crate) struct RuleFile {
    /// The name of the file and of its test file, without the extension.
    pub(crate) name: String,
    pub(crate) groups: Vec<Group>,
    /// Scenarios about the recording rules, or about several alerts at once.
    pub(crate) scenarios: Vec<Scenario>,
}

/// Rules that Prometheus evaluates one after the other, at the same timestamp.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// The evaluation interval, when it is not the global one.
    pub(crate) interval: Option<&'static str>,
    pub(crate) recordings: Vec<Recording>,
    pub(crate) alerts: Vec<Alert>,
}

/// A recording rule.
#[derive(Debug, Clone)]
pub(crate) struct Recording {
    pub(crate) record: String,
    pub(crate) expr: String,
    pub(crate) labels: BTreeMap<&'static str, String>,
}

/// An alerting rule.
#[derive(Debug, Clone)]
pub(crate) struct Alert {
    pub(crate) name: String,
    pub(crate) severity: Severity,
    /// All of them must hold.
    pub(crate) conditions: Vec<Condition>,
    /// The rule's `for`: how long the conditions must hold before it fires, such as `30s`.
    pub(crate) pending: Option<&'static str>,
    /// The labels besides `severity`.
    pub(crate) labels: BTreeMap<&'static str, String>,
    pub(crate) summary: String,
    /// May contain the templates `{{ $labels.x }}` and `{{ $value | humanize }}`.
    pub(crate) description: String,
    pub(crate) runbook: Runbook,
    /// At least one in which it fires and one in which it does not.
    pub(crate) scenarios: Vec<Scenario>,
}

/// A value that is compared with a threshold.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    /// An expression that binds tighter than a comparison, or is in parentheses.
    pub(crate) value: String,
    pub(crate) comparison: Comparison,
    pub(crate) threshold: f64,
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
    /// At once, also at night.
    Page,
    /// In the next working hours.
    Ticket,
}

/// The text of a runbook page.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runbook {
    /// What the alert means for the people who use the platform.
    pub meaning: String,
    /// Where to look, in this order.
    pub look: Vec<String>,
    /// What to do about what is found there.
    pub act: Vec<String>,
}

// === impl RuleFile ===

impl RuleFile {
    pub(crate) fn alerts(&self) -> impl Iterator<Item = &Alert> {
        self.groups.iter().flat_map(|group| &group.alerts)
    }

    /// The scenarios of its alerts, and those of the file.
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

    /// The path of its runbook page, from the root of the repository.
    pub(crate) fn runbook_path(&self) -> String {
        format!("alerts/runbooks/{}.md", self.name)
    }

    /// Its labels, `severity` included. A firing alert has those of the series too.
    pub(crate) fn all_labels(&self) -> BTreeMap<&'static str, String> {
        let mut labels = self.labels.clone();
        labels.insert("severity", self.severity.to_string());
        labels
    }

    /// Its annotations, with their templates.
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
    pub(crate) fn above(value: impl Into<String>, threshold: f64) -> Self {
        Self::new(value, Comparison::Above, threshold)
    }

    pub(crate) fn below(value: impl Into<String>, threshold: f64) -> Self {
        Self::new(value, Comparison::Below, threshold)
    }

    pub(crate) fn at_least(value: impl Into<String>, threshold: f64) -> Self {
        Self::new(value, Comparison::AtLeast, threshold)
    }

    pub(crate) fn equal(value: impl Into<String>, threshold: f64) -> Self {
        Self::new(value, Comparison::Equal, threshold)
    }

    fn new(value: impl Into<String>, comparison: Comparison, threshold: f64) -> Self {
        Self {
            value: value.into(),
            comparison,
            threshold,
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
        write!(f, "{} {comparison} {}", self.value, number(self.threshold))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_without_its_comparisons_keeps_every_value() {
        let condition = |value: &str| Condition::above(value, 1.5);
        let alert = Alert {
            name: "Hot".to_owned(),
            severity: Severity::Ticket,
            conditions: vec![condition("a"), condition("(b or vector(0))")],
            pending: None,
            labels: BTreeMap::new(),
            summary: String::new(),
            description: String::new(),
            runbook: Runbook {
                meaning: String::new(),
                look: Vec::new(),
                act: Vec::new(),
            },
            scenarios: Vec::new(),
        };
        assert_eq!(alert.expr(), "a > 1.5\nand (b or vector(0)) > 1.5");
        assert_eq!(alert.without_comparison(), "a\nand (b or vector(0))");
    }
}
