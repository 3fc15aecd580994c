//! The objectives, as `alerts/slo.yaml` states them.
//!
//! [`load`] reads and checks the file; an [`Objective`] that exists is one from which rules can be made. Every
//! complaint names the objective, the field, what is wrong with it and what would be right.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chassis::platform::Service;
use registry::ALL as PLATFORM;
use serde::Deserialize;
use telemetry::signals::{ALL as CRATE, Kind, Metric, label_name};

use crate::promql::{Labels, Selector, anchored, canonical_float};
use crate::rules::burn::WINDOWS;

/// Where the objectives are, from the root of the repository.
pub const PATH: &str = "alerts/slo.yaml";

/// One service level objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// What identifies it everywhere: `open-auction-latency`, the value of the label `slo`.
    pub name: String,
    /// What it promises, for people.
    pub title: String,
    /// What the client does, as the load test names it: `open_auction`.
    pub operation: String,
    /// The share of events that must be good, below 1.
    pub target: f64,
    /// Over which time the target holds, rolling.
    pub window: Duration,
    /// Who answers for it.
    pub owner: String,
    /// Below so many bad events in an alert's long window nobody is bothered, whatever the share is.
    pub min_bad_events: u32,
    /// Where the events are counted.
    pub service: Service,
    /// What makes an event count, and what makes it bad.
    pub indicator: Indicator,
    /// What the runbook page says.
    pub runbook: Runbook,
}

/// How bad events are told from good ones.
#[derive(Debug, Clone, PartialEq)]
pub enum Indicator {
    /// By their labels.
    Availability {
        /// All events that count.
        all: Selector,
        /// The bad ones of them.
        bad: Selector,
    },
    /// By how long they took.
    Latency {
        /// All events that count.
        all: Selector,
        /// The ones of them that were quick enough.
        quick: Selector,
        /// In seconds; an event that takes longer is bad.
        threshold: f64,
    },
}

/// What a runbook page tells the person who was woken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runbook {
    /// What the alert means for people who use the platform.
    pub meaning: String,
    /// Where to look, in this order.
    pub look: Vec<String>,
    /// What to do about what is found there.
    pub act: Vec<String>,
}

/// Why the objectives cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The file cannot be read.
    #[error(
        "cannot read {path}; run this at the top of the repository, or say where that is with --root"
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not YAML of the right shape.
    #[error("{PATH}: {0}")]
    Malformed(#[from] serde_yaml_ng::Error),
    /// An objective cannot hold.
    #[error("{PATH}: objective {objective}: {field}: {problem}")]
    Invalid {
        /// Its name, or its place when it has none.
        objective: String,
        /// Where in it, dotted.
        field: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    objectives: Vec<RawObjective>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawObjective {
    name: String,
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

/// Reads the objectives of the repository at `root`.
///
/// # Errors
/// When the file cannot be read, or anything in it cannot hold.
pub fn load(root: &Path) -> Result<Vec<Objective>, ModelError> {
    let path = root.join(PATH);
    let text =
        std::fs::read_to_string(&path).map_err(|source| ModelError::Unreadable { path, source })?;
    parse(&text)
}

/// The objectives as they were when this crate was built, for programs that run away from the repository.
///
/// # Errors
/// When anything in them cannot hold.
pub fn built_in() -> Result<Vec<Objective>, ModelError> {
    parse(include_str!("../slo.yaml"))
}

/// Reads the objectives from the text of such a file.
///
/// # Errors
/// When anything in it cannot hold.
pub fn parse(text: &str) -> Result<Vec<Objective>, ModelError> {
    let file: File = serde_yaml_ng::from_str(text)?;
    let mut names = BTreeSet::new();
    file.objectives
        .into_iter()
        .enumerate()
        .map(|(place, raw)| {
            let name = if raw.name.is_empty() {
                format!("number {}", place + 1)
            } else {
                raw.name.clone()
            };
            let objective = raw
                .check()
                .map_err(|(field, problem)| ModelError::Invalid {
                    objective: name.clone(),
                    field,
                    problem,
                })?;
            if names.insert(name.clone()) {
                Ok(objective)
            } else {
                Err(ModelError::Invalid {
                    objective: name,
                    field: "name",
                    problem: "is given twice; each objective needs its own".to_owned(),
                })
            }
        })
        .collect()
}

/// Every metric that a service of the platform exposes.
pub(crate) fn metrics() -> impl Iterator<Item = &'static Metric> {
    CRATE.iter().chain(PLATFORM).copied()
}

// === impl Objective ===

impl Objective {
    /// The share of events that may be bad.
    pub fn budget(&self) -> f64 {
        // Targets have a few decimals; the difference of two doubles has too many.
        ((1.0 - self.target) * 1e9).round() / 1e9
    }

    /// The latency within which an event is good, in seconds, when it is an objective of latency.
    pub fn threshold_seconds(&self) -> Option<f64> {
        match self.indicator {
            Indicator::Availability { .. } => None,
            Indicator::Latency { threshold, .. } => Some(threshold),
        }
    }

    /// The name of its burn-rate alerts, and of their runbook page: `OpenAuctionLatencyBudgetBurn`.
    pub fn alert_name(&self) -> String {
        let mut name: String = self
            .name
            .split('-')
            .flat_map(|word| {
                let mut letters = word.chars();
                letters
                    .next()
                    .map(|first| first.to_ascii_uppercase())
                    .into_iter()
                    .chain(letters)
            })
            .collect();
        name.push_str("BudgetBurn");
        name
    }
}

// === impl RawObjective ===

/// A field and what is wrong with it.
type Complaint = (&'static str, String);

impl RawObjective {
    fn check(self) -> Result<Objective, Complaint> {
        let words = |text: &str, separator| {
            !text.is_empty()
                && text.split(separator).all(|word: &str| {
                    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase())
                })
        };
        if !words(&self.name, '-') {
            return Err((
                "name",
                format!(
                    "is {:?}; use lower-case words joined by hyphens, such as \"open-auction-latency\"",
                    self.name
                ),
            ));
        }
        if !words(&self.operation, '_') {
            return Err((
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
                return Err((field, "is empty; say it in a few words".to_owned()));
            }
        }
        for (field, lines) in [
            ("runbook.look", &self.runbook.look),
            ("runbook.act", &self.runbook.act),
        ] {
            if lines.is_empty() {
                return Err((
                    field,
                    "is empty; the page needs at least one line".to_owned(),
                ));
            }
        }
        self.check_target()?;
        let window = parse_days(&self.window).ok_or_else(|| {
            (
                "window",
                format!("is {:?}; use whole days, such as \"30d\"", self.window),
            )
        })?;
        let longest = WINDOWS.iter().map(|alert| alert.long.seconds).max();
        if longest.is_some_and(|longest| window.as_secs() <= longest) {
            return Err((
                "window",
                format!(
                    "is {:?}, not longer than the alerts' longest window; 30d is usual",
                    self.window
                ),
            ));
        }
        if self.min_bad_events < 2 {
            return Err((
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

    /// An alert whose threshold is a share above 1 can never fire.
    fn check_target(&self) -> Result<(), Complaint> {
        let steepest = WINDOWS.iter().map(|alert| alert.factor).fold(1.0, f64::max);
        let lowest = 1.0 - 1.0 / steepest;
        if self.target > lowest && self.target < 1.0 {
            Ok(())
        } else {
            Err((
                "target",
                format!(
                    "is {}; use a share between {lowest:.3} (below it the {steepest}x burn-rate alert could never \
                     fire) and 1 (which leaves no budget), such as 0.99",
                    self.target
                ),
            ))
        }
    }
}

// === impl RawIndicator ===

impl RawIndicator {
    fn check(self) -> Result<(Service, Indicator), Complaint> {
        let service = Service::ALL
            .into_iter()
            .find(|service| service.name() == self.service)
            .ok_or_else(|| {
                let names: Vec<_> = Service::ALL.iter().map(|service| service.name()).collect();
                (
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
                    return Err((
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
                    quick: Selector::new(format!("{}_bucket", metric.prometheus_name()), labels),
                    all,
                    threshold,
                }
            }
            (None, None) | (Some(_), Some(_)) => {
                return Err((
                    "indicator",
                    "needs either `bad` (availability) or `threshold_seconds` (latency), and not both"
                        .to_owned(),
                ));
            }
        };
        Ok((service, indicator))
    }

    fn metric(&self) -> Result<&'static Metric, Complaint> {
        let found = metrics().find(|metric| metric.name == self.metric);
        match found {
            Some(metric) if metric.kind == Kind::Histogram => Ok(metric),
            Some(metric) => Err((
                "indicator.metric",
                format!(
                    "is {}, a {:?}; an indicator counts the events of a histogram",
                    metric.name, metric.kind
                ),
            )),
            None => {
                let histograms: Vec<_> = metrics()
                    .filter(|metric| metric.kind == Kind::Histogram)
                    .map(|metric| metric.name)
                    .collect();
                Err((
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
) -> Result<Labels, Complaint> {
    let mut labels = Labels::default();
    for (key, matcher) in raw {
        let Some(key) = metric
            .labels
            .iter()
            .copied()
            .find(|declared| declared == key)
        else {
            return Err((
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
            return Err((field, format!("{key} matches {matches:?}: {error}")));
        }
        match matcher {
            RawMatcher::Equal(value) => labels.equal(&name, value),
            RawMatcher::Not { not } => labels.unequal(&name, not),
            RawMatcher::Matches { matches } => labels.matching(&name, matches),
        }
    }
    if raw.is_empty() {
        return Err((field, "is empty; name at least one label".to_owned()));
    }
    Ok(labels)
}

fn parse_days(text: &str) -> Option<Duration> {
    let days: u64 = text.strip_suffix('d')?.parse().ok()?;
    (1..=365)
        .contains(&days)
        .then(|| Duration::from_secs(days * 86_400))
}
