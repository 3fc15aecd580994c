//! Scenarios for the tests of the rules: input series minute by minute, and what Prometheus must make of them.

use std::collections::BTreeMap;

use serde::Serialize;

mod series;

pub(crate) use series::Series;

/// Input series, and what must be true at some of the minutes.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) title: String,
    pub(crate) series: Vec<Series>,
    pub(crate) checks: Vec<Check>,
}

/// What must be true at one minute.
#[derive(Debug, Clone)]
pub(crate) enum Check {
    /// Of the alerts of one name, exactly these fire.
    Alerts {
        minute: u32,
        alert: String,
        firing: Vec<Firing>,
    },
    /// An expression has exactly these samples.
    Samples {
        minute: u32,
        expr: String,
        samples: Vec<Sample>,
    },
}

/// An alert that must fire.
#[derive(Debug, Clone)]
pub(crate) struct Firing {
    /// The labels that tell its rule from others of the same name.
    pub(crate) rule: BTreeMap<&'static str, String>,
    /// The labels that come from the series.
    pub(crate) series: BTreeMap<&'static str, String>,
    /// Its value, as the description's template writes it.
    pub(crate) value: String,
}

/// One sample of an expression's result.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sample {
    pub(crate) labels: String,
    pub(crate) value: f64,
}

// === impl Scenario ===

impl Scenario {
    pub(crate) fn new(title: impl Into<String>, series: Vec<Series>) -> Self {
        Self {
            title: title.into(),
            series,
            checks: Vec::new(),
        }
    }

    /// Adds a check: at this minute exactly these alerts of this name fire.
    pub(crate) fn fires(mut self, minute: u32, alert: &str, firing: Vec<Firing>) -> Self {
        self.checks.push(Check::Alerts {
            minute,
            alert: alert.to_owned(),
            firing,
        });
        self
    }

    /// Adds a check: at this minute no alert of this name fires.
    pub(crate) fn silent(self, minute: u32, alert: &str) -> Self {
        self.fires(minute, alert, Vec::new())
    }

    /// Adds a check: at this minute the expression has exactly these samples.
    pub(crate) fn gives(
        mut self,
        minute: u32,
        expr: impl Into<String>,
        samples: Vec<Sample>,
    ) -> Self {
        self.checks.push(Check::Samples {
            minute,
            expr: expr.into(),
            samples,
        });
        self
    }
}

// === impl Firing ===

impl Firing {
    /// An alert with this value, whose rule is the only one of its name.
    pub(crate) fn value(value: impl Into<String>) -> Self {
        Self {
            rule: BTreeMap::new(),
            series: BTreeMap::new(),
            value: value.into(),
        }
    }

    /// The same, of the rule with this label.
    pub(crate) fn of_rule(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.rule.insert(label, value.into());
        self
    }

    /// The same, for a series with this label.
    pub(crate) fn of_series(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.series.insert(label, value.into());
        self
    }

    /// Whether a rule with these labels is the one that fires.
    pub(crate) fn is_of(&self, labels: &BTreeMap<&'static str, String>) -> bool {
        self.rule
            .iter()
            .all(|(label, value)| labels.get(label) == Some(value))
    }
}

// === impl Sample ===

impl Sample {
    /// A sample of a series that is written as in PromQL.
    pub(crate) fn new(labels: impl Into<String>, value: f64) -> Self {
        Self {
            labels: labels.into(),
            value,
        }
    }
}
