//! Unit tests of the rules, for `promtool test rules`.
//!
//! A [`Scenario`] is a course of input series, minute by minute, and what must be seen at some of the minutes.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use serde::Serialize;

use crate::rules::{Alert, RuleFile};

mod indicator;
mod objectives;
mod series;

pub(crate) use objectives::{burn_scenarios, no_data_scenarios, state_scenarios};
pub(crate) use series::Series;

/// The interval of samples and of evaluations.
const INTERVAL: &str = "1m";

/// What was, and what must be seen of it.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) title: String,
    pub(crate) series: Vec<Series>,
    pub(crate) checks: Vec<Check>,
}

/// What must be seen at one minute.
#[derive(Debug, Clone)]
pub(crate) enum Check {
    /// Exactly these alerts of one name fire.
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

/// One alert that fires.
#[derive(Debug, Clone)]
pub(crate) struct Firing {
    /// Labels that tell its rule from others of the same name.
    pub(crate) rule: BTreeMap<&'static str, String>,
    /// The labels that come from the series.
    pub(crate) series: BTreeMap<&'static str, String>,
    /// What the template makes of its value.
    pub(crate) value: String,
}

/// One sample of a result.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Sample {
    pub(crate) labels: String,
    pub(crate) value: f64,
}

#[derive(Serialize)]
struct TestFile {
    rule_files: Vec<String>,
    group_eval_order: Vec<String>,
    evaluation_interval: &'static str,
    fuzzy_compare: bool,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    name: String,
    interval: &'static str,
    input_series: Vec<InputSeries>,
    #[serde(rename = "alert_rule_test", skip_serializing_if = "Vec::is_empty")]
    alerts: Vec<AlertTest>,
    #[serde(rename = "promql_expr_test", skip_serializing_if = "Vec::is_empty")]
    expressions: Vec<ExprTest>,
}

#[derive(Serialize)]
struct InputSeries {
    series: String,
    values: String,
}

#[derive(Serialize)]
struct AlertTest {
    eval_time: String,
    alertname: String,
    exp_alerts: Vec<ExpectedAlert>,
}

#[derive(Serialize)]
struct ExpectedAlert {
    exp_labels: BTreeMap<&'static str, String>,
    exp_annotations: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct ExprTest {
    expr: String,
    eval_time: String,
    exp_samples: Vec<Sample>,
}

/// The test file of one rule file, in YAML. `all` are all rule files, since a scenario may look at any of them.
pub(crate) fn test_file(file: &RuleFile, all: &[RuleFile]) -> anyhow::Result<String> {
    let alerts: Vec<&Alert> = all.iter().flat_map(RuleFile::alerts).collect();
    let scenarios: Vec<&Scenario> = file.scenarios().collect();
    let tests = scenarios
        .iter()
        .map(|scenario| {
            scenario
                .test(&alerts)
                .with_context(|| format!("scenario {:?}", scenario.title))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let loaded: Vec<&RuleFile> = all
        .iter()
        .filter(|other| {
            other.name == file.name || scenarios.iter().any(|scenario| scenario.asks(other, file))
        })
        .collect();
    let content = TestFile {
        rule_files: loaded
            .iter()
            .map(|file| format!("../{}.yml", file.name))
            .collect(),
        group_eval_order: loaded
            .iter()
            .flat_map(|file| &file.groups)
            .map(|group| group.name.clone())
            .collect(),
        evaluation_interval: INTERVAL,
        fuzzy_compare: true,
        tests,
    };
    Ok(serde_yaml_ng::to_string(&content)?)
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

    /// At this minute exactly these alerts of this name fire.
    pub(crate) fn fires(mut self, minute: u32, alert: &str, firing: Vec<Firing>) -> Self {
        self.checks.push(Check::Alerts {
            minute,
            alert: alert.to_owned(),
            firing,
        });
        self
    }

    /// At this minute no alert of this name fires.
    pub(crate) fn silent(self, minute: u32, alert: &str) -> Self {
        self.fires(minute, alert, Vec::new())
    }

    /// At this minute the expression has exactly these samples.
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

    /// Whether it is about an alert of that file, and not about one of its own file.
    fn asks(&self, file: &RuleFile, own: &RuleFile) -> bool {
        let has = |file: &RuleFile, name: &str| file.alerts().any(|alert| alert.name == name);
        self.checks.iter().any(|check| match check {
            Check::Alerts { alert, .. } => has(file, alert) && !has(own, alert),
            Check::Samples { .. } => false,
        })
    }

    fn test(&self, rules: &[&Alert]) -> anyhow::Result<Test> {
        let mut test = Test {
            name: self.title.clone(),
            interval: INTERVAL,
            input_series: self
                .series
                .iter()
                .map(|series| InputSeries {
                    series: series.name(),
                    values: series.values(),
                })
                .collect(),
            alerts: Vec::new(),
            expressions: Vec::new(),
        };
        for check in &self.checks {
            match check {
                Check::Alerts {
                    minute,
                    alert,
                    firing,
                } => test.alerts.push(AlertTest {
                    eval_time: format!("{minute}m"),
                    alertname: alert.clone(),
                    exp_alerts: firing
                        .iter()
                        .map(|firing| firing.expected(alert, rules))
                        .collect::<anyhow::Result<_>>()?,
                }),
                Check::Samples {
                    minute,
                    expr,
                    samples,
                } => test.expressions.push(ExprTest {
                    expr: expr.clone(),
                    eval_time: format!("{minute}m"),
                    exp_samples: samples.clone(),
                }),
            }
        }
        Ok(test)
    }
}

// === impl Firing ===

impl Firing {
    /// The only rule of its name fires, with this value.
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

    /// Whether this is the rule that fires.
    pub(crate) fn is_of(&self, alert: &Alert) -> bool {
        self.rule
            .iter()
            .all(|(label, value)| alert.labels.get(label) == Some(value))
    }

    fn expected(&self, name: &str, alerts: &[&Alert]) -> anyhow::Result<ExpectedAlert> {
        let mut rules = alerts
            .iter()
            .filter(|alert| alert.name == name && self.is_of(alert));
        let (Some(alert), None) = (rules.next(), rules.next()) else {
            bail!("{name} with {:?} is not exactly one alert", self.rule);
        };
        let mut labels = alert.all_labels();
        labels.extend(self.series.clone());
        let annotations = alert
            .annotations()
            .into_iter()
            .map(|(key, template)| (key, self.render(&template, &labels)))
            .collect();
        Ok(ExpectedAlert {
            exp_labels: labels,
            exp_annotations: annotations,
        })
    }

    fn render(&self, template: &str, labels: &BTreeMap<&'static str, String>) -> String {
        let mut text = template.to_owned();
        for (label, value) in labels {
            text = text.replace(&format!("{{{{ $labels.{label} }}}}"), value);
        }
        for filter in ["humanizePercentage", "humanizeDuration", "humanize"] {
            text = text.replace(&format!("{{{{ $value | {filter} }}}}"), &self.value);
        }
        text
    }
}

// === impl Sample ===

impl Sample {
    /// A sample of a series, written as PromQL writes it.
    pub(crate) fn new(labels: impl Into<String>, value: f64) -> Self {
        Self {
            labels: labels.into(),
            value,
        }
    }
}
