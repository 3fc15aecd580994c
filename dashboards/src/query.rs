//! Queries over declared metrics.
//!
//! A query starts from a [`Metric`] of the registry, so a metric that is renamed is renamed here and one that is
//! removed does not compile. Labels are given by their declared keys.

use std::fmt::Display;

use alerts::promql::{Labels, Selector};
use chassis::platform::Service;
use telemetry::signals::{Kind, Metric, label_name};

/// What Grafana puts in for the range of `rate`, by the time span and width of the panel.
pub(crate) const INTERVAL: &str = "$__rate_interval";

/// The label that says which service a series comes from.
pub(crate) const JOB: &str = "job";

/// The series of one metric that a query is about.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    metric: &'static Metric,
    labels: Labels,
}

/// All series of a metric.
pub(crate) fn of(metric: &'static Metric) -> Series {
    Series {
        metric,
        labels: Labels::default(),
    }
}

/// The same expression, and 0 as long as there is no series that it could be made from.
pub(crate) fn or_zero(expr: impl Display) -> String {
    format!("{expr} or on () vector(0)")
}

/// A quantile, and 0 when nothing was observed: without observations it would be no number.
pub(crate) fn quantile_or_zero(quantile: impl Display) -> String {
    or_zero(format_args!("({quantile} >= 0)"))
}

// === impl Series ===

impl Series {
    /// Those of one service.
    pub(crate) fn job(mut self, service: Service) -> Self {
        self.labels.equal(JOB, service.name());
        self
    }

    /// Those whose declared label matches.
    pub(crate) fn matching(mut self, key: &'static str, pattern: &str) -> Self {
        let name = self.label(key);
        self.labels.matching(&name, pattern);
        self
    }

    /// Those that say why something failed.
    pub(crate) fn failed(mut self) -> Self {
        let name = self.label("error.type");
        self.labels.unequal(&name, "");
        self
    }

    /// Events per second, summed by these labels; a histogram's events are its observations.
    pub(crate) fn rate(&self, by: &[&'static str]) -> String {
        let part = if self.metric.kind == Kind::Histogram {
            "_count"
        } else {
            ""
        };
        format!("sum{} ({})", self.by(by), self.part(part).rate(INTERVAL))
    }

    /// Of a histogram, the quantile of what was observed, by these labels.
    pub(crate) fn quantile(&self, quantile: f64, by: &[&'static str]) -> String {
        let mut names = vec!["le".to_owned()];
        names.extend(by.iter().map(|key| self.label(key)));
        format!(
            "histogram_quantile({quantile}, sum by ({}) ({}))",
            names.join(", "),
            self.part("_bucket").rate(INTERVAL)
        )
    }

    /// Of a histogram, the mean of what was observed.
    pub(crate) fn mean(&self) -> String {
        format!(
            "sum({}) / sum({})",
            self.part("_sum").rate(INTERVAL),
            self.part("_count").rate(INTERVAL)
        )
    }

    /// Current values, summed by these labels.
    pub(crate) fn sum(&self, by: &[&'static str]) -> String {
        format!("sum{} ({})", self.by(by), self.part(""))
    }

    /// Current values, the largest by these labels.
    pub(crate) fn max(&self, by: &[&'static str]) -> String {
        format!("max{} ({})", self.by(by), self.part(""))
    }

    fn part(&self, suffix: &str) -> Selector {
        let name = format!("{}{suffix}", self.metric.prometheus_name());
        Selector::new(name, self.labels.clone())
    }

    fn by(&self, keys: &[&'static str]) -> String {
        if keys.is_empty() {
            return String::new();
        }
        let names: Vec<_> = keys.iter().map(|key| self.label(key)).collect();
        format!(" by ({})", names.join(", "))
    }

    fn label(&self, key: &'static str) -> String {
        assert!(
            key == JOB || self.metric.labels.contains(&key),
            "{} does not declare the label {key}",
            self.metric.name
        );
        label_name(key).into_owned()
    }
}
