//! Checks that an expression uses only declared metrics, and only labels that they have.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::parser::{self, Expr, VectorSelector};
use telemetry::signals::{Kind, label_name};

use crate::burn_rate::SLO;
use crate::{backends, objectives, rules, service_metrics};

/// The labels that Prometheus adds to every scraped series.
const TARGET_LABELS: [&str; 2] = ["job", "instance"];
/// The labels of `ALERTS` that rules and dashboards may use.
const ALERT_LABELS: [&str; 5] = ["alertname", "alertstate", "severity", "service", "slo"];

/// All declared series, with their labels.
#[derive(Debug)]
pub struct DeclaredSeries {
    series: BTreeMap<String, BTreeSet<String>>,
}

// === impl DeclaredSeries ===

impl DeclaredSeries {
    /// The series of the services, of the backends and of the recording rules.
    ///
    /// # Errors
    /// When `alerts/slo.yaml` is not valid.
    pub fn all() -> Result<Self, objectives::ObjectivesError> {
        let mut all = Self {
            series: BTreeMap::new(),
        };
        for metric in service_metrics::all() {
            let labels: Vec<_> = metric.labels.iter().map(|key| label_name(key)).collect();
            let labels = labels.iter().map(AsRef::as_ref).chain(TARGET_LABELS);
            let name = metric.prometheus_name();
            if metric.kind == Kind::Histogram {
                let labels: Vec<_> = labels.collect();
                all.add(
                    format!("{name}_bucket"),
                    labels.iter().copied().chain(["le"]),
                );
                all.add(format!("{name}_count"), labels.iter().copied());
                all.add(format!("{name}_sum"), labels.iter().copied());
            } else {
                all.add(name, labels);
            }
        }
        for metric in backends::ALL {
            let labels = metric.labels.iter().copied().chain(TARGET_LABELS);
            all.add(metric.name.to_owned(), labels);
        }
        all.add(backends::UP.to_owned(), TARGET_LABELS.into_iter());
        all.add(backends::ALERTS.to_owned(), ALERT_LABELS.into_iter());
        for record in rules::recorded(&objectives::built_in()?) {
            all.add(record, [SLO].into_iter());
        }
        Ok(all)
    }

    /// What is wrong with the expression: a syntax error, or the undeclared series and labels that it uses.
    pub fn problems(&self, expr: &str) -> Vec<String> {
        match parser::parse(expr) {
            Ok(parsed) => {
                let mut problems = Vec::new();
                self.walk(&parsed, &mut problems);
                problems
            }
            Err(error) => vec![format!("syntax error: {error}")],
        }
    }

    fn add<'a>(&mut self, name: String, labels: impl Iterator<Item = &'a str>) {
        self.series
            .insert(name, labels.map(ToOwned::to_owned).collect());
    }

    /// Adds the problems of the expression and returns the names of its series.
    fn walk(&self, expr: &Expr, problems: &mut Vec<String>) -> BTreeSet<String> {
        match expr {
            Expr::Aggregate(aggregate) => {
                let names = self.walk(&aggregate.expr, problems);
                if let Some(by) = &aggregate.modifier {
                    for label in &by.labels().labels {
                        self.check_label(&names, label, problems);
                    }
                }
                names
            }
            Expr::Binary(binary) => {
                let mut names = self.walk(&binary.lhs, problems);
                names.extend(self.walk(&binary.rhs, problems));
                names
            }
            Expr::Unary(unary) => self.walk(&unary.expr, problems),
            Expr::Paren(inner) => self.walk(&inner.expr, problems),
            Expr::Subquery(subquery) => self.walk(&subquery.expr, problems),
            Expr::Call(call) => call
                .args
                .args
                .iter()
                .flat_map(|argument| self.walk(argument, problems))
                .collect(),
            Expr::VectorSelector(selector) => self.check_selector(selector, problems),
            Expr::MatrixSelector(selector) => self.check_selector(&selector.vs, problems),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => BTreeSet::new(),
        }
    }

    fn check_selector(
        &self,
        selector: &VectorSelector,
        problems: &mut Vec<String>,
    ) -> BTreeSet<String> {
        let Some(name) = &selector.name else {
            problems.push("a selector has no metric name".to_owned());
            return BTreeSet::new();
        };
        let names = BTreeSet::from([name.clone()]);
        if self.series.contains_key(name) {
            for matcher in &selector.matchers.matchers {
                self.check_label(&names, &matcher.name, problems);
            }
        } else {
            problems.push(format!("{name} is not declared"));
        }
        names
    }

    fn check_label(&self, names: &BTreeSet<String>, label: &str, problems: &mut Vec<String>) {
        for name in names {
            if let Some(labels) = self.series.get(name)
                && !labels.contains(label)
            {
                problems.push(format!("{name} has no label {label}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undeclared_series_and_labels_are_named() {
        let declared = DeclaredSeries::all().unwrap();
        let problems = |expr| declared.problems(expr);
        assert_eq!(problems("up"), Vec::<String>::new());
        assert_eq!(problems("uq"), ["uq is not declared"]);
        assert_eq!(
            problems("sum by (tenant) (rate(up{zone=\"a\"}[5m]))"),
            ["up has no label zone", "up has no label tenant"]
        );
        assert_eq!(problems("up +").len(), 1);
        assert_eq!(
            problems("http_server_request_duration_seconds"),
            ["http_server_request_duration_seconds is not declared"],
            "a histogram has only series with a suffix"
        );
    }
}
