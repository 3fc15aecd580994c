//! A service level objective.

use std::time::Duration;

use chassis::platform::Service;

use crate::promql::Selector;
use crate::rule_file::Runbook;

/// One service level objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// Its unique name, and the value of the label `slo`: `open-auction-latency`.
    pub name: String,
    /// What it promises, as one sentence.
    pub title: String,
    /// The operation of the load test that it is about: `open_auction`.
    pub operation: String,
    /// The share of events that must be good, below 1.
    pub target: f64,
    /// The rolling window over which the target holds.
    pub window: Duration,
    /// Who is responsible for it.
    pub owner: String,
    /// No alert fires with fewer bad events than this in its long window, whatever their share.
    pub min_bad_events: u32,
    /// The service that counts the events.
    pub service: Service,
    /// Which events count, and which of them are bad.
    pub indicator: Indicator,
    /// The text of its runbook page.
    pub runbook: Runbook,
}

/// How bad events are told from good ones.
#[derive(Debug, Clone, PartialEq)]
pub enum Indicator {
    /// By their labels.
    Availability {
        /// All events that count.
        all: Selector,
        /// The bad ones among them.
        bad: Selector,
    },
    /// By how long they took.
    Latency {
        /// All events that count.
        all: Selector,
        /// Those of them within the threshold.
        fast: Selector,
        /// In seconds; an event that took longer is bad.
        threshold: f64,
    },
}

// === impl Objective ===

impl Objective {
    /// The share of events that may be bad.
    pub fn budget(&self) -> f64 {
        // Rounded: the difference of two doubles has more decimals than the target.
        ((1.0 - self.target) * 1e9).round() / 1e9
    }

    /// The latency up to which an event is good, in seconds; `None` for an availability objective.
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
