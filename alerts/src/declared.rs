//! Whether an expression speaks of what exists: metrics that somebody declares, by labels that they have.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::parser::{self, Expr, VectorSelector};
use telemetry::signals::{Kind, label_name};

use crate::rules::burn::SLO;
use crate::{backends, model, rules};

/// The labels that Prometheus gives to what it scrapes.
const TARGET_LABELS: [&str; 2] = ["job", "instance"];
/// The labels of the alerts that Prometheus knows of, as far as anybody asks for them.
const ALERT_LABELS: [&str; 5] = ["alertname", "alertstate", "severity", "service", "slo"];

/// The series that can exist, with their labels.
#[derive(Debug)]
pub struct Declared {
    series: BTreeMap<String, BTreeSet<String>>,
}

// === impl Declared ===

impl Declared {
    /// What the services, the other programs and the recording rules declare together.
    ///
    /// # Errors
    /// When the objectives cannot hold.
    pub fn everything() -> Result<Self, model::ModelError> {
        let mut all = Self {
            series: BTreeMap::new(),
        };
        for metric in model::metrics() {
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
        for record in rules::recorded(&model::built_in()?) {
            all.add(record, [SLO].into_iter());
        }
        Ok(all)
    }

    /// What is wrong with the expression: that it cannot be parsed, or what it names and nobody declares.
    pub fn complaints(&self, expr: &str) -> Vec<String> {
        match parser::parse(expr) {
            Ok(parsed) => {
                let mut complaints = Vec::new();
                self.walk(&parsed, &mut complaints);
                complaints
            }
            Err(error) => vec![format!("it cannot be parsed: {error}")],
        }
    }

    fn add<'a>(&mut self, name: String, labels: impl Iterator<Item = &'a str>) {
        self.series
            .insert(name, labels.map(ToOwned::to_owned).collect());
    }

    /// Returns the names of the series in the expression.
    fn walk(&self, expr: &Expr, complaints: &mut Vec<String>) -> BTreeSet<String> {
        match expr {
            Expr::Aggregate(aggregate) => {
                let names = self.walk(&aggregate.expr, complaints);
                if let Some(by) = &aggregate.modifier {
                    for label in &by.labels().labels {
                        self.check_label(&names, label, complaints);
                    }
                }
                names
            }
            Expr::Binary(binary) => {
                let mut names = self.walk(&binary.lhs, complaints);
                names.extend(self.walk(&binary.rhs, complaints));
                names
            }
            Expr::Unary(unary) => self.walk(&unary.expr, complaints),
            Expr::Paren(inner) => self.walk(&inner.expr, complaints),
            Expr::Subquery(subquery) => self.walk(&subquery.expr, complaints),
            Expr::Call(call) => call
                .args
                .args
                .iter()
                .flat_map(|argument| self.walk(argument, complaints))
                .collect(),
            Expr::VectorSelector(selector) => self.check_selector(selector, complaints),
            Expr::MatrixSelector(selector) => self.check_selector(&selector.vs, complaints),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => BTreeSet::new(),
        }
    }

    fn check_selector(
        &self,
        selector: &VectorSelector,
        complaints: &mut Vec<String>,
    ) -> BTreeSet<String> {
        let Some(name) = &selector.name else {
            complaints.push("a selector without a name".to_owned());
            return BTreeSet::new();
        };
        let names = BTreeSet::from([name.clone()]);
        if self.series.contains_key(name) {
            for matcher in &selector.matchers.matchers {
                self.check_label(&names, &matcher.name, complaints);
            }
        } else {
            complaints.push(format!("nobody declares {name}"));
        }
        names
    }

    fn check_label(&self, names: &BTreeSet<String>, label: &str, complaints: &mut Vec<String>) {
        for name in names {
            if let Some(labels) = self.series.get(name)
                && !labels.contains(label)
            {
                complaints.push(format!("{name} has no label {label}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_declares_is_named() {
        let declared = Declared::everything().unwrap();
        let complaints = |expr| declared.complaints(expr);
        assert_eq!(complaints("up"), Vec::<String>::new());
        assert_eq!(complaints("uq"), ["nobody declares uq"]);
        assert_eq!(
            complaints("sum by (tenant) (rate(up{zone=\"a\"}[5m]))"),
            ["up has no label zone", "up has no label tenant"]
        );
        assert_eq!(complaints("up +").len(), 1);
        assert_eq!(
            complaints("http_server_request_duration_seconds"),
            ["nobody declares http_server_request_duration_seconds"],
            "a histogram has no series of its bare name"
        );
    }
}
