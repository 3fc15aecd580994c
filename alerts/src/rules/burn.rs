//! Burn rates: how fast an objective's error budget goes, over several windows.
//!
//! Per objective and window three series are recorded: events per second, bad events per second, and the bad
//! share. All three exist as soon as the service has been scraped once within the window, also when nothing was
//! ever asked of it and when no error ever made a series; without any scrape none of them does. So no traffic is a
//! share of 0 and no data is no share, and [`STATE`] tells the two apart.
//!
//! An alert asks that the budget burns fast over a long window, that it still does over a short one, and that the
//! long window holds enough bad events to mean anything.

use std::collections::BTreeMap;

use crate::backends;
use crate::model::{Indicator, Objective, Runbook};
use crate::promql::{Selector, number};
use crate::promtool::{burn_scenarios, state_scenarios};
use crate::rules::{Alert, Condition, Group, Recording, RuleFile, Severity};

/// A window of a burn rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// As PromQL writes it.
    pub text: &'static str,
    /// The same.
    pub seconds: u64,
}

/// One alert of the multi-window, multi-burn-rate scheme.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurnAlert {
    /// Over this window the budget must have burnt.
    pub long: Window,
    /// Over this window it must still burn, so that the alert resolves soon after the cause does.
    pub short: Window,
    /// How many times faster than the objective allows.
    pub factor: f64,
    pub(crate) severity: Severity,
}

const fn window(text: &'static str, seconds: u64) -> Window {
    Window { text, seconds }
}

const MINUTES_5: Window = window("5m", 300);
const MINUTES_30: Window = window("30m", 1_800);
const HOUR: Window = window("1h", 3_600);
const HOURS_2: Window = window("2h", 7_200);
const HOURS_6: Window = window("6h", 21_600);
const DAY: Window = window("1d", 86_400);
const DAYS_3: Window = window("3d", 259_200);

/// The alerts of every objective, steepest first.
pub const WINDOWS: [BurnAlert; 4] = [
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

/// Recorded with every evaluation.
const QUICK: [Window; 4] = [MINUTES_5, MINUTES_30, HOUR, HOURS_2];
/// Recorded more seldom, since they read far more samples and change slowly.
const SLOW: [Window; 3] = [HOURS_6, DAY, DAYS_3];
const SLOW_INTERVAL: &str = "30s";

/// A series is new in a window when it has no sample in so much time before: longer than a restart takes.
const KNOWN: &str = "30m";

/// The window in which a state is judged.
const STATE_WINDOW: Window = HOUR;

/// The recorded state of an objective: 0 good, 1 burning, 2 no traffic, 3 no data.
pub const STATE: &str = "slo:state";
/// The recorded share of the error budget that is left for the objective's window: 1 untouched, below 0 overspent.
pub const BUDGET_REMAINING: &str = "slo:error_budget:remaining";
/// The recorded bad share of the last five minutes.
pub const BAD_SHARE_5M: &str = "slo:bad_events:ratio_rate5m";
/// The label of every recorded series: the objective's name.
pub const SLO: &str = "slo";

/// The value of [`STATE`] for an objective that has data.
pub(crate) const GOOD: u8 = 0;
pub(crate) const BURNING: u8 = 1;
pub(crate) const NO_TRAFFIC: u8 = 2;
pub(crate) const NO_DATA: u8 = 3;

/// The rules of one objective.
pub(crate) fn file(objective: &Objective) -> RuleFile {
    let slow = Group {
        name: format!("{}-slow", objective.name),
        interval: Some(SLOW_INTERVAL),
        recordings: recordings(objective, &SLOW)
            .into_iter()
            .chain([budget(objective)])
            .collect(),
        alerts: Vec::new(),
    };
    let quick = Group {
        name: objective.name.clone(),
        interval: None,
        recordings: recordings(objective, &QUICK)
            .into_iter()
            .chain([state(objective)])
            .collect(),
        alerts: WINDOWS
            .iter()
            .map(|burn| alert(objective, *burn))
            .chain([no_data(objective)])
            .collect(),
    };
    RuleFile {
        name: format!("slo-{}", objective.name),
        groups: vec![slow, quick],
        scenarios: state_scenarios(objective),
    }
}

/// The recorded events per second of an objective.
pub(crate) fn events(objective: &Objective, window: Window) -> Selector {
    Selector::named(format!("slo:events:rate{}", window.text)).with(SLO, &objective.name)
}

/// The recorded bad events per second of an objective.
pub(crate) fn bad_events(objective: &Objective, window: Window) -> Selector {
    Selector::named(format!("slo:bad_events:rate{}", window.text)).with(SLO, &objective.name)
}

/// The recorded share of bad events of an objective.
pub(crate) fn bad_share(objective: &Objective, window: Window) -> Selector {
    Selector::named(format!("slo:bad_events:ratio_rate{}", window.text)).with(SLO, &objective.name)
}

fn recordings(objective: &Objective, windows: &[Window]) -> Vec<Recording> {
    windows
        .iter()
        .flat_map(|&window| {
            let events = events(objective, window);
            let bad = bad_events(objective, window);
            [
                record(objective, &events, events_expr(objective, window)),
                record(objective, &bad, bad_expr(objective, window)),
                record(
                    objective,
                    &bad_share(objective, window),
                    format!("({bad} / ({events} > 0))\nor 0 * {events}"),
                ),
            ]
        })
        .collect()
}

/// Zero for a service that was scraped and never asked; nothing for one that was not scraped.
fn events_expr(objective: &Objective, window: Window) -> String {
    let (Indicator::Availability { all, .. } | Indicator::Latency { all, .. }) =
        &objective.indicator;
    let up = backends::up(objective.service.name());
    let zero = format!("0 * max(max_over_time({up}[{}]) > 0)", window.text);
    per_second(all, window, &zero)
}

/// Zero when no bad event ever made a series.
fn bad_expr(objective: &Objective, window: Window) -> String {
    let events = format!("sum({})", events(objective, window));
    let zero = format!("0 * {events}");
    match &objective.indicator {
        Indicator::Availability { bad, .. } => per_second(bad, window, &zero),
        Indicator::Latency { quick, .. } => {
            let quick = per_second(quick, window, &zero);
            format!("clamp_min({events} - ({quick}), 0)")
        }
    }
}

/// Events per second over the window, `zero` when there is no series.
///
/// `rate` sees only what a series gained since its first sample. An error often makes its series, and would never be
/// seen; so the first value of a series that is new in this window counts as gained in it.
fn per_second(events: &Selector, window: Window, zero: &str) -> String {
    format!(
        "(sum({rate}) or {zero})\n\
         + (sum(min_over_time({events}[{text}]) unless max_over_time({events}[{KNOWN}] offset {text})) or vector(0)) \
         / {seconds}",
        rate = events.rate(window.text),
        text = window.text,
        seconds = window.seconds,
    )
}

/// Weighs each moment by its traffic: the mean of a share over time would not, and would be no number after an
/// idle spell.
fn budget(objective: &Objective) -> Recording {
    let days = objective.window.as_secs() / 86_400;
    let spent = format!(
        "sum_over_time({}[{days}d])",
        bad_events(objective, MINUTES_5)
    );
    let all = format!("sum_over_time({}[{days}d])", events(objective, MINUTES_5));
    let budget = number(objective.budget());
    record(
        objective,
        &Selector::named(BUDGET_REMAINING),
        format!("1 - (({spent} / ({all} > 0)) or 0 * {all}) / {budget}"),
    )
}

fn state(objective: &Objective) -> Recording {
    let events = events(objective, MINUTES_5);
    let share = bad_share(objective, STATE_WINDOW);
    let count = count(objective, STATE_WINDOW);
    let budget = number(objective.budget());
    record(
        objective,
        &Selector::named(STATE),
        format!(
            "0 * absent({events}) + {NO_DATA}\n\
             or 0 * ({events} == 0) + {NO_TRAFFIC}\n\
             or {BURNING} * ({share} > bool {budget}) * ({count} >= bool {})",
            objective.min_bad_events
        ),
    )
}

/// The bad events within a window.
fn count(objective: &Objective, window: Window) -> String {
    format!("{} * {}", bad_events(objective, window), window.seconds)
}

fn alert(objective: &Objective, burn: BurnAlert) -> Alert {
    let bound = burn.factor * objective.budget();
    Alert {
        name: objective.alert_name(),
        severity: burn.severity,
        conditions: vec![
            Condition::above(bad_share(objective, burn.long).to_string(), bound),
            Condition::above(bad_share(objective, burn.short).to_string(), bound),
            Condition::at_least(
                count(objective, burn.long),
                f64::from(objective.min_bad_events),
            ),
        ],
        pending: "",
        labels: BTreeMap::from([
            (SLO, objective.name.clone()),
            ("service", objective.service.name().to_owned()),
            ("owner", objective.owner.clone()),
            ("window", burn.long.text.to_owned()),
        ]),
        summary: format!(
            "{}: the error budget burns more than {} times too fast",
            objective.title,
            number(burn.factor)
        ),
        description: format!(
            "{{{{ $value | humanizePercentage }}}} of the events of the last {} were bad; the objective allows {}% \
             over {} days.",
            burn.long.text,
            number(objective.budget() * 100.0),
            objective.window.as_secs() / 86_400
        ),
        runbook: objective.runbook.clone(),
        scenarios: if burn == WINDOWS[0] {
            burn_scenarios(objective)
        } else {
            Vec::new()
        },
    }
}

fn no_data(objective: &Objective) -> Alert {
    Alert {
        name: "SloNoData".to_owned(),
        severity: Severity::Ticket,
        conditions: vec![Condition::equal(
            Selector::named(STATE)
                .with(SLO, &objective.name)
                .to_string(),
            f64::from(NO_DATA),
        )],
        pending: "1m",
        labels: BTreeMap::from([
            (SLO, objective.name.clone()),
            ("service", objective.service.name().to_owned()),
            ("owner", objective.owner.clone()),
        ]),
        summary: format!("{}: nobody knows whether it does", objective.title),
        description: "The service behind the objective has not been scraped for five minutes, so its burn-rate \
                      alerts cannot fire."
            .to_owned(),
        runbook: Runbook {
            meaning: "The metrics behind an objective are gone. That is no proof of a failure, and no proof of health: \
                      while this fires the objective is not watched."
                .to_owned(),
            look: vec![
                "`ServiceDown`: does it fire for the service that counts the objective's events? Then that is the cause."
                    .to_owned(),
                "Prometheus, `/api/v1/targets`: is the service a target, and with what error was it scraped last?"
                    .to_owned(),
                "`curl -s 127.0.0.1:9180/metrics` (the gateway's admin port): does it answer?".to_owned(),
            ],
            act: vec![
                "The service is down: its page says what to do.".to_owned(),
                "The target is missing: compare `deploy/prometheus/targets` with what runs.".to_owned(),
                "It answers but Prometheus cannot reach it: network, or the admin address (`BIDTRACE_ADMIN_LISTEN`)."
                    .to_owned(),
            ],
        },
        scenarios: crate::promtool::no_data_scenarios(objective),
    }
}

fn record(objective: &Objective, series: &Selector, expr: String) -> Recording {
    Recording {
        record: series.name().to_owned(),
        expr,
        labels: BTreeMap::from([(SLO, objective.name.clone())]),
    }
}
