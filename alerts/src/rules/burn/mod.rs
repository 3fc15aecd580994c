//! The rules of one objective.
//!
//! Per objective and window three series are recorded: events per second, bad events per second, and the share of bad
//! events. All three exist once the service has been scraped within the window, even if it had no request and no error
//! ever created a series; without a scrape none of them exists. So without traffic the share is 0 and without data there
//! is no share, and [`STATE`] tells the two apart.
//!
//! An alert fires when the error budget burns too fast over a long window and over a short one, and the long window has
//! at least the objective's minimum of bad events.

use std::collections::BTreeMap;

use crate::backends;
use crate::burn_rate::{
    BUDGET_REMAINING, BURN_ALERTS, BURNING, BurnAlert, DAY, DAYS_3, HOUR, HOURS_2, HOURS_6,
    MINUTES_5, MINUTES_30, NO_DATA, NO_TRAFFIC, SLO, STATE, Window,
};
use crate::objectives::{Indicator, Objective};
use crate::promql::{Selector, number};
use crate::rule_file::{Alert, Condition, Group, Recording, RuleFile, Runbook, Severity};

mod indicator;
mod scenarios;

/// Recorded at the global evaluation interval.
const SHORT_WINDOWS: [Window; 4] = [MINUTES_5, MINUTES_30, HOUR, HOURS_2];
/// Recorded less often, since they read far more samples and change slowly.
const LONG_WINDOWS: [Window; 3] = [HOURS_6, DAY, DAYS_3];
const LONG_WINDOWS_INTERVAL: &str = "30s";

/// A series is new in a window if it had no sample for this long before the window: longer than a restart takes.
const LOOKBACK: &str = "30m";

/// The window over which [`STATE`] is computed.
const STATE_WINDOW: Window = HOUR;

/// The rules of one objective.
pub(crate) fn file(objective: &Objective) -> RuleFile {
    let long = Group {
        name: format!("{}-slow", objective.name),
        interval: Some(LONG_WINDOWS_INTERVAL),
        recordings: recordings(objective, &LONG_WINDOWS)
            .into_iter()
            .chain([budget(objective)])
            .collect(),
        alerts: Vec::new(),
    };
    let short = Group {
        name: objective.name.clone(),
        interval: None,
        recordings: recordings(objective, &SHORT_WINDOWS)
            .into_iter()
            .chain([state(objective)])
            .collect(),
        alerts: BURN_ALERTS
            .iter()
            .map(|burn| alert(objective, *burn))
            .chain([no_data(objective)])
            .collect(),
    };
    RuleFile {
        name: format!("slo-{}", objective.name),
        groups: vec![long, short],
        scenarios: scenarios::state(objective),
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

/// Events per second: zero for a service that was scraped and had no request, no sample for one that was not scraped.
fn events_expr(objective: &Objective, window: Window) -> String {
    let (Indicator::Availability { all, .. } | Indicator::Latency { all, .. }) =
        &objective.indicator;
    let up = backends::up(objective.service.name());
    let zero = format!("0 * max(max_over_time({up}[{}]) > 0)", window.text);
    per_second(all, window, &zero)
}

/// Bad events per second: zero while no bad event has created a series.
fn bad_expr(objective: &Objective, window: Window) -> String {
    let events = format!("sum({})", events(objective, window));
    let zero = format!("0 * {events}");
    match &objective.indicator {
        Indicator::Availability { bad, .. } => per_second(bad, window, &zero),
        Indicator::Latency { fast, .. } => {
            let fast = per_second(fast, window, &zero);
            format!("clamp_min({events} - ({fast}), 0)")
        }
    }
}

/// Events per second over the window; `zero` when there is no series.
///
/// `rate` sees only the increase since a series' first sample. An error often creates its series and would not be
/// counted, so the first value of a series that is new in this window is added to the increase.
fn per_second(events: &Selector, window: Window, zero: &str) -> String {
    format!(
        "(sum({rate}) or {zero})\n\
         + (sum(min_over_time({events}[{text}]) unless max_over_time({events}[{LOOKBACK}] offset {text})) or vector(0)) \
         / {seconds}",
        rate = events.rate(window.text),
        text = window.text,
        seconds = window.seconds,
    )
}

/// The error budget that is left. Computed from sums of events, which weighs each moment by its traffic; the mean of the
/// shares over time would not, and would be NaN after a time without traffic.
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

/// The number of bad events in a window.
fn count(objective: &Objective, window: Window) -> String {
    format!("{} * {}", bad_events(objective, window), window.seconds)
}

fn alert(objective: &Objective, burn: BurnAlert) -> Alert {
    let threshold = burn.factor * objective.budget();
    Alert {
        name: objective.alert_name(),
        severity: burn.severity,
        conditions: vec![
            Condition::above(bad_share(objective, burn.long).to_string(), threshold),
            Condition::above(bad_share(objective, burn.short).to_string(), threshold),
            Condition::at_least(
                count(objective, burn.long),
                f64::from(objective.min_bad_events),
            ),
        ],
        pending: None,
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
        scenarios: if burn == BURN_ALERTS[0] {
            scenarios::burn(objective)
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
        pending: Some("1m"),
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
        scenarios: scenarios::no_data(objective),
    }
}

fn record(objective: &Objective, series: &Selector, expr: String) -> Recording {
    Recording {
        record: series.name().to_owned(),
        expr,
        labels: BTreeMap::from([(SLO, objective.name.clone())]),
    }
}
