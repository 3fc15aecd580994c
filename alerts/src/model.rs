//! The objectives, as `alerts/slo.yaml` states them.
//!
//! [`load`] reads and checks the file; an [`Objective`] that exists is one from which rules can be made. Every
//! complaint names the objective, the field, what is wrong with it and what would be right.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chassis::platform::Service;
use registry::ALL as PLATFORM;
use serde::Deserialize;
use telemetry::signals::{self, Metric};

use crate::promql::Selector;

mod file;

use file::File;

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
    signals::all().chain(PLATFORM.iter().copied())
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
