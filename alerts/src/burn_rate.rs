//! The multi-window, multi-burn-rate scheme of the Google SRE workbook, chapter 5: which windows and burn rates the
//! alerts of every objective use, and the names of the series that the rules record for them.

use crate::rule_file::Severity;

/// A window of a burn rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// As a PromQL duration, such as `5m`.
    pub text: &'static str,
    /// In seconds.
    pub seconds: u64,
}

/// The windows and the burn rate of one alert.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurnAlert {
    /// The error budget must have burnt at this rate over this window.
    pub long: Window,
    /// And still burn over this window, so that the alert resolves soon after the cause does.
    pub short: Window,
    /// The burn rate: how many times faster than the objective allows.
    pub factor: f64,
    pub(crate) severity: Severity,
}

const fn window(text: &'static str, seconds: u64) -> Window {
    Window { text, seconds }
}

pub(crate) const MINUTES_5: Window = window("5m", 300);
pub(crate) const MINUTES_30: Window = window("30m", 1_800);
pub(crate) const HOUR: Window = window("1h", 3_600);
pub(crate) const HOURS_2: Window = window("2h", 7_200);
pub(crate) const HOURS_6: Window = window("6h", 21_600);
pub(crate) const DAY: Window = window("1d", 86_400);
pub(crate) const DAYS_3: Window = window("3d", 259_200);

/// The alerts of every objective, the highest burn rate first.
pub const BURN_ALERTS: [BurnAlert; 4] = [
    BurnAlert {
        long: HOUR,
        short: MINUTES_5,
        factor: 14.4,
        severity: Severity::Page,
    },
    BurnAlert {
        long: HOURS_6,
        short: MINUTES_30,
        factor: 6.0,
        severity: Severity::Page,
    },
    BurnAlert {
        long: DAY,
        short: HOURS_2,
        factor: 3.0,
        severity: Severity::Ticket,
    },
    BurnAlert {
        long: DAYS_3,
        short: HOURS_6,
        factor: 1.0,
        severity: Severity::Ticket,
    },
];

/// The recorded state of an objective: 0 good, 1 burning, 2 no traffic, 3 no data.
pub const STATE: &str = "slo:state";
/// The recorded share of the error budget that is left for the objective's window: 1 untouched, below 0 overspent.
pub const BUDGET_REMAINING: &str = "slo:error_budget:remaining";
/// The recorded share of bad events in the last five minutes.
pub const BAD_SHARE_5M: &str = "slo:bad_events:ratio_rate5m";
/// The label of every recorded series: the objective's name.
pub const SLO: &str = "slo";

/// The value of [`STATE`] for an objective that is met.
pub(crate) const GOOD: u8 = 0;
/// The value of [`STATE`] for an objective whose share of bad events is above its budget.
pub(crate) const BURNING: u8 = 1;
/// The value of [`STATE`] for an objective whose service is scraped and gets no requests.
pub(crate) const NO_TRAFFIC: u8 = 2;
/// The value of [`STATE`] for an objective whose service is not scraped.
pub(crate) const NO_DATA: u8 = 3;
