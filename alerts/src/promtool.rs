//! The rules' unit tests, as files for `promtool test rules`.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use serde::Serialize;

use crate::rule_file::{Alert, RuleFile};
use crate::scenario::{Check, Firing, Sample, Scenario};

/// The interval of input samples and of rule evaluations.
const INTERVAL: &str = "1m";

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

/// The test file of one rule file, in YAML. `all` are all rule files, since a scenario may check alerts of another file.
pub(crate) fn test_file(file: &RuleFile, all: &[RuleFile]) -> anyhow::Result<String> {
    let alerts: Vec<&Alert> = all.iter().flat_map(RuleFile::alerts).collect();
    let scenarios: Vec<&Scenario> = file.scenarios().collect();
    let tests = scenarios
        .iter()
        .map(|scenario| {
            test(scenario, &alerts).with_context(|| format!("scenario {:?}", scenario.title))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let loaded: Vec<&RuleFile> = all
        .iter()
        .filter(|other| {
            other.name == file.name
                || scenarios
                    .iter()
                    .any(|scenario| checks_alert_of(scenario, other, file))
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

/// Whether the scenario checks an alert of `other` that is not one of its own file.
fn checks_alert_of(scenario: &Scenario, other: &RuleFile, own: &RuleFile) -> bool {
    let has = |file: &RuleFile, name: &str| file.alerts().any(|alert| alert.name == name);
    scenario.checks.iter().any(|check| match check {
        Check::Alerts { alert, .. } => has(other, alert) && !has(own, alert),
        Check::Samples { .. } => false,
    })
}

fn test(scenario: &Scenario, rules: &[&Alert]) -> anyhow::Result<Test> {
    let mut test = Test {
        name: scenario.title.clone(),
        interval: INTERVAL,
        input_series: scenario
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
    for check in &scenario.checks {
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
                    .map(|firing| expected(firing, alert, rules))
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

/// The labels and annotations that Prometheus gives to the firing alert.
fn expected(firing: &Firing, name: &str, alerts: &[&Alert]) -> anyhow::Result<ExpectedAlert> {
    let mut rules = alerts
        .iter()
        .filter(|alert| alert.name == name && firing.is_of(&alert.labels));
    let (Some(alert), None) = (rules.next(), rules.next()) else {
        bail!("{name} with {:?} is not exactly one alert", firing.rule);
    };
    let mut labels = alert.all_labels();
    labels.extend(firing.series.clone());
    let annotations = alert
        .annotations()
        .into_iter()
        .map(|(key, template)| (key, render(&template, &labels, &firing.value)))
        .collect();
    Ok(ExpectedAlert {
        exp_labels: labels,
        exp_annotations: annotations,
    })
}

/// The text of a template, with its labels and its value filled in.
fn render(template: &str, labels: &BTreeMap<&'static str, String>, value: &str) -> String {
    let mut text = template.to_owned();
    for (label, value) in labels {
        text = text.replace(&format!("{{{{ $labels.{label} }}}}"), value);
    }
    for filter in ["humanizePercentage", "humanizeDuration", "humanize"] {
        text = text.replace(&format!("{{{{ $value | {filter} }}}}"), value);
    }
    text
}
