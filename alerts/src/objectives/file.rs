//! The fields of `alerts/slo.yaml`, and the checks that turn them into objectives.

use std::collections::BTreeMap;
use std::time::Duration;

use chassis::platform::Service;
use serde::Deserialize;
use telemetry::signals::{Kind, Metric, label_name};

use super::objective::{Indicator, Objective};
use crate::burn_rate::BURN_ALERTS;
use crate::promql::{Matchers, Selector, anchored, canonical_float};
use crate::rule_file::Runbook;
use crate::service_metrics;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) objectives: Vec<RawObjective>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawObjective {
    pub(super) name: String,
    title: String,
    operation: String,
    target: f64,
    window: String,
    owner: String,
    min_bad_events: u32,
    indicator: RawIndicator,
    runbook: Runbook,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIndicator {
    service: String,
    metric: String,
    of: BTreeMap<String, RawMatcher>,
    bad: Option<BTreeMap<String, RawMatcher>>,
    threshold_seconds: Option<f64>,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected a value, {not: value} or {matches: regular expression}"
)]
enum RawMatcher {
    Equal(String),
    Not { not: String },
    Matches { matches: String },
}

/// A field that is not valid.
pub(super) struct InvalidField {
    /// With dots between its parts.
    pub(super) field: &'static str,
    /// What is wrong with it, and what would be right.
    pub(super) problem: String,
}

// === impl InvalidField ===

impl InvalidField {
    fn new(field: &'static str, problem: impl Into<String>) -> Self {
        Self {
            field,
            problem: problem.into(),
        }
    }
}

// === impl RawObjective ===

impl RawObjective {
    pub(super) fn check(self) -> Result<Objective, InvalidField> {
        let words = |text: &str, separator| {
            !text.is_empty()
                && text.split(separator).all(|word: &str| {
                    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
                })
        };
        if !words(&self.name, '-') {
            return Err(InvalidField::new(
                "name",
                format!(
                    "is {:?}; use lower-case words joined by hyphens, such as \"open-auction-latency\"",
                    self.name
                ),
            ));
        }
        if !words(&self.operation, '_') {
            return Err(InvalidField::new(
                "operation",
                format!(
                    "is {:?}; use lower-case words joined by underscores, such as \"open_auction\"",
                    self.operation
                ),
            ));
        }
        for (field, text) in [
            ("title", &self.title),
            ("owner", &self.owner),
            ("runbook.meaning", &self.runbook.meaning),
        ] {
            if text.trim().is_empty() {
                return Err(InvalidField::new(field, "is empty; say it in a few words"));
            }
        }
        for (field, lines) in [
            ("runbook.look", &self.runbook.look),
            ("runbook.act", &self.runbook.act),
        ] {
            if lines.is_empty() {
                return Err(InvalidField::new(
                    field,
                    "is empty; the page needs at least one line",
                ));
            }
        }
        self.check_target()?;
        let window = parse_days(&self.window).ok_or_else(|| {
            InvalidField::new(
                "window",
                format!("is {:?}; use whole days, such as \"30d\"", self.window),
            )
        })?;
        let longest = BURN_ALERTS.iter().map(|alert| alert.long.seconds).max();
        if longest.is_some_and(|longest| window.as_secs() <= longest) {
            return Err(InvalidField::new(
                "window",
                format!(
                    "is {:?}, not longer than the alerts' longest window; 30d is usual",
                    self.window
                ),
            ));
        }
        if self.min_bad_events < 2 {
            return Err(InvalidField::new(
                "min_bad_events",
                format!(
                    "is {}; at least 2, so that one error pages nobody",
                    self.min_bad_events
                ),
            ));
        }
        let (service, indicator) = self.indicator.check()?;
        Ok(Objective {
            name: self.name,
            title: self.title,
            operation: self.operation,
            target: self.target,
            window,
            owner: self.owner,
            min_bad_events: self.min_bad_events,
            service,
            indicator,
            runbook: self.runbook,
        })
    }

    /// Refuses targets with which the threshold of an alert would be a share above 1, so that it could never fire.
    fn check_target(&self) -> Result<(), InvalidField> {
        let highest = BURN_ALERTS
            .iter()
            .map(|alert| alert.factor)
            .fold(1.0, f64::max);
        let lowest = 1.0 - 1.0 / highest;
        if self.target > lowest && self.target < 1.0 {
            Ok(())
        } else {
            Err(InvalidField::new(
                "target",
                format!(
                    "is {}; use a share between {lowest:.3} (below it the {highest}x burn-rate alert could never \
                     fire) and 1 (which leaves no budget), such as 0.99",
                    self.target
                ),
            ))
        }
    }
}

// === impl RawIndicator ===

impl RawIndicator {
    fn check(self) -> Result<(Service, Indicator), InvalidField> {
        let service = Service::ALL
            .into_iter()
            .find(|service| service.name() == self.service)
            .ok_or_else(|| {
                let names: Vec<_> = Service::ALL.iter().map(|service| service.name()).collect();
                InvalidField::new(
                    "indicator.service",
                    format!("is {:?}; use one of {}", self.service, names.join(", ")),
                )
            })?;
        let metric = self.metric()?;
        let mut of = selection(metric, &self.of, "indicator.of")?;
        of.equal("job", service.name());
        let all = Selector::new(format!("{}_count", metric.prometheus_name()), of.clone());
        let indicator = match (self.bad, self.threshold_seconds) {
            (Some(bad), None) => {
                let mut labels = of;
                labels.extend(selection(metric, &bad, "indicator.bad")?);
                Indicator::Availability {
                    bad: Selector::new(all.name().to_owned(), labels),
                    all,
                }
            }
            (None, Some(threshold)) => {
                if !metric.buckets.contains(&threshold) {
                    let buckets: Vec<_> = metric.buckets.iter().map(f64::to_string).collect();
                    return Err(InvalidField::new(
                        "indicator.threshold_seconds",
                        format!(
                            "is {threshold}, which is no bucket of {}; use one of {}",
                            metric.name,
                            buckets.join(", ")
                        ),
                    ));
                }
                let mut labels = of;
                labels.equal("le", &canonical_float(threshold));
                Indicator::Latency {
                    fast: Selector::new(format!("{}_bucket", metric.prometheus_name()), labels),
                    all,
                    threshold,
                }
            }
            (None, None) | (Some(_), Some(_)) => {
                return Err(InvalidField::new(
                    "indicator",
                    "needs either `bad` (availability) or `threshold_seconds` (latency), and not both",
                ));
            }
        };
        Ok((service, indicator))
    }

    fn metric(&self) -> Result<&'static Metric, InvalidField> {
        let found = service_metrics::all().find(|metric| metric.name == self.metric);
        match found {
            Some(metric) if metric.kind == Kind::Histogram => Ok(metric),
            Some(metric) => Err(InvalidField::new(
                "indicator.metric",
                format!(
                    "is {}, a {:?}; an indicator counts the events of a histogram",
                    metric.name, metric.kind
                ),
            )),
            None => {
                let histograms: Vec<_> = service_metrics::all()
                    .filter(|metric| metric.kind == Kind::Histogram)
                    .map(|metric| metric.name)
                    .collect();
                Err(InvalidField::new(
                    "indicator.metric",
                    format!(
                        "is {:?}, which the registry does not declare; its histograms are {}",
                        self.metric,
                        histograms.join(", ")
                    ),
                ))
            }
        }
    }
}

fn selection(
    metric: &'static Metric,
    raw: &BTreeMap<String, RawMatcher>,
    field: &'static str,
) -> Result<Matchers, InvalidField> {
    let mut matchers = Matchers::default();
    for (key, matcher) in raw {
        let Some(key) = metric
            .labels
            .iter()
            .copied()
            .find(|declared| declared == key)
        else {
            return Err(InvalidField::new(
                field,
                format!(
                    "selects by {key:?}, which {} does not carry; it has {}",
                    metric.name,
                    metric.labels.join(", ")
                ),
            ));
        };
        let name = label_name(key);
        if let RawMatcher::Matches { matches } = matcher
            && let Err(error) = anchored(matches)
        {
            return Err(InvalidField::new(
                field,
                format!("{key} matches {matches:?}: {error}"),
            ));
        }
        match matcher {
            RawMatcher::Equal(value) => matchers.equal(&name, value),
            RawMatcher::Not { not } => matchers.unequal(&name, not),
            RawMatcher::Matches { matches } => matchers.matching(&name, matches),
        }
    }
    if raw.is_empty() {
        return Err(InvalidField::new(
            field,
            "is empty; name at least one label",
        ));
    }
    Ok(matchers)
}

fn parse_days(text: &str) -> Option<Duration> {
    let days: u64 = text.strip_suffix('d')?.parse().ok()?;
    (1..=365)
        .contains(&days)
        .then(|| Duration::from_secs(days * 86_400))
}
