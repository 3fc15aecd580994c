//! PromQL expressions over declared metrics.
//!
//! An expression starts from a [`Metric`] of the registry, so that a renamed or removed metric does not compile. Labels
//! are given by their declared keys.

use std::fmt::Display;

use alerts::promql::{Matchers, Selector};
use chassis::platform::Service;
use telemetry::signals::{Kind, Metric, label_name};

/// The range of `rate`: a variable that Grafana replaces according to the time span and the width of the panel.
pub(crate) const INTERVAL: &str = "$__rate_interval";

/// The label with the name of the service.
pub(crate) const JOB: &str = "job";

/// The series of one metric that some matchers select.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    metric: &'static Metric,
    matchers: Matchers,
}

/// All series of a metric.
pub(crate) fn series(metric: &'static Metric) -> Series {
    Series {
        metric,
        matchers: Matchers::default(),
    }
}

/// The expression, or 0 while it has no series.
pub(crate) fn or_zero(expr: impl Display) -> String {
    format!("{expr} or on () vector(0)")
}

/// A quantile, or 0 without observations, when it would be NaN.
pub(crate) fn quantile_or_zero(quantile: impl Display) -> String {
    or_zero(format_args!("({quantile} >= 0)"))
}

// === impl Series ===

impl Series {
    /// Selects those of one service.
    pub(crate) fn job(mut self, service: Service) -> Self {
        self.matchers.equal(JOB, service.name());
        self
    }

    /// Selects those whose label matches the pattern.
    pub(crate) fn matching(mut self, key: &'static str, pattern: &str) -> Self {
        let name = self.label(key);
        self.matchers.matching(&name, pattern);
        self
    }

    /// Selects those with an `error.type`.
    pub(crate) fn failed(mut self) -> Self {
        let name = self.label("error.type");
        self.matchers.unequal(&name, "");
        self
    }

    /// Events per second, summed by these labels; of a histogram, observations per second.
    pub(crate) fn rate(&self, by: &[&'static str]) -> String {
        let part = if self.metric.kind == Kind::Histogram {
            "_count"
        } else {
            ""
        };
        format!("sum{} ({})", self.by(by), self.part(part).rate(INTERVAL))
    }

    /// The quantile of a histogram, by these labels.
    pub(crate) fn quantile(&self, quantile: f64, by: &[&'static str]) -> String {
        let mut names = vec!["le".to_owned()];
        names.extend(by.iter().map(|key| self.label(key)));
        format!(
            "histogram_quantile({quantile}, sum by ({}) ({}))",
            names.join(", "),
            self.part("_bucket").rate(INTERVAL)
        )
    }

    /// The mean of a histogram.
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

    /// The largest of the current values, by these labels.
    pub(crate) fn max(&self, by: &[&'static str]) -> String {
        format!("max{} ({})", self.by(by), self.part(""))
    }

    fn part(&self, suffix: &str) -> Selector {
        let name = format!("{}{suffix}", self.metric.prometheus_name());
        Selector::new(name, self.matchers.clone())
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
