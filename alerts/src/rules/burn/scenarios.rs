//! Scenarios of an objective: traffic, and the burn-rate alerts and the state that must follow from it.

use chassis::platform::Service;

use super::indicator::{Stretch, events, example, samples, traffic};
use crate::burn_rate::{
    BUDGET_REMAINING, BURN_ALERTS, BURNING, BurnAlert, GOOD, NO_DATA, NO_TRAFFIC, SLO, STATE,
};
use crate::objectives::{Indicator, Objective};
use crate::promql::{Selector, number};
use crate::scenario::{Firing, Sample, Scenario, Series};

/// Events per minute in the scenarios with much traffic.
const BUSY: f64 = 1_000.0;

/// The burn-rate alerts: at rates between their thresholds, after an outage, and at low traffic.
pub(super) fn burn(objective: &Objective) -> Vec<Scenario> {
    let name = objective.alert_name();
    let budget = objective.budget();
    let highest = BURN_ALERTS[0].factor;
    // Each rate lies between two neighbouring factors, so that it is known which alerts fire; the share stays below 1.
    let mut rates: Vec<f64> = BURN_ALERTS
        .windows(2)
        .map(|pair| f64::midpoint(pair[0].factor, pair[1].factor))
        .collect();
    rates.push(0.5);
    rates.insert(0, f64::midpoint(highest, (1.0 / budget).min(20.0)));
    let mut scenarios: Vec<_> = rates
        .into_iter()
        .map(|rate| {
            let share = rate * budget;
            let series = traffic(
                objective,
                &[Stretch {
                    minutes: 31,
                    good: BUSY * (1.0 - share),
                    bad: BUSY * share,
                }],
            );
            let firing = BURN_ALERTS
                .iter()
                .filter(|burn| rate > burn.factor)
                .map(|burn| firing(burn, share))
                .collect();
            Scenario::new(
                format!(
                    "{}: the budget burns {} times too fast",
                    objective.name,
                    number(rate)
                ),
                series,
            )
            .fires(30, &name, firing)
        })
        .collect();
    scenarios.extend([
        outage_that_ended(objective, &name),
        errors_all_at_once(objective, &name),
        one_error_among_three(objective, &name),
        outage_at_low_traffic(objective, &name),
        vanished(objective, &name),
    ]);
    scenarios
}

/// The four states; the share is 0 without errors or without traffic, and has no sample without data.
pub(super) fn state(objective: &Objective) -> Vec<Scenario> {
    let share = |window: &str| {
        Selector::named(format!("slo:bad_events:ratio_rate{window}")).with(SLO, &objective.name)
    };
    let shares = |window: &str, value: f64| vec![recorded(objective, share(window).name(), value)];
    let state = Selector::named(STATE).with(SLO, &objective.name);
    let states = |value: u8| vec![recorded(objective, STATE, f64::from(value))];
    let budget = Selector::named(BUDGET_REMAINING).with(SLO, &objective.name);
    let budgets = |value: f64| vec![recorded(objective, BUDGET_REMAINING, value)];
    let calm = Stretch {
        minutes: 31,
        good: BUSY,
        bad: 0.0,
    };
    let title = |text: &str| format!("{}: {text}", objective.name);
    let service = objective.service.name();
    vec![
        Scenario::new(
            title("good, when no error ever made a series"),
            traffic(objective, &[calm]),
        )
        .gives(30, state.to_string(), states(GOOD))
        .gives(30, share("5m").to_string(), shares("5m", 0.0))
        .gives(30, share("3d").to_string(), shares("3d", 0.0))
        .gives(30, budget.to_string(), budgets(1.0)),
        Scenario::new(
            title("burning, when half of the events are bad"),
            traffic(
                objective,
                &[Stretch {
                    minutes: 31,
                    good: BUSY / 2.0,
                    bad: BUSY / 2.0,
                }],
            ),
        )
        .gives(30, state.to_string(), states(BURNING))
        .gives(30, share("5m").to_string(), shares("5m", 0.5))
        .gives(
            30,
            budget.to_string(),
            budgets(1.0 - 0.5 / objective.budget()),
        ),
        Scenario::new(
            title("no traffic, when the service is scraped and nobody ever asked"),
            vec![Series::up(service).constant(1.0, 31)],
        )
        .gives(30, state.to_string(), states(NO_TRAFFIC))
        .gives(30, share("5m").to_string(), shares("5m", 0.0))
        .gives(30, budget.to_string(), budgets(1.0)),
        Scenario::new(
            title("no traffic, when it stopped an hour ago, and every share is still a number"),
            traffic(
                objective,
                &[
                    calm,
                    Stretch {
                        minutes: 70,
                        good: 0.0,
                        bad: 0.0,
                    },
                ],
            ),
        )
        .gives(100, state.to_string(), states(NO_TRAFFIC))
        .gives(100, share("5m").to_string(), shares("5m", 0.0))
        .gives(100, share("1h").to_string(), shares("1h", 0.0))
        .gives(100, budget.to_string(), budgets(1.0)),
        Scenario::new(
            title("no data, when the service cannot be scraped"),
            vec![Series::up(service).constant(0.0, 31)],
        )
        .gives(30, state.to_string(), states(NO_DATA))
        .gives(30, share("5m").to_string(), Vec::new()),
        Scenario::new(title("no data, when nothing is there"), Vec::new())
            .gives(30, state.to_string(), states(NO_DATA))
            .gives(30, share("5m").to_string(), Vec::new()),
    ]
}

/// The alert `SloNoData`.
pub(super) fn no_data(objective: &Objective) -> Vec<Scenario> {
    let name = "SloNoData";
    let blind = || vec![Firing::value("3").of_rule(SLO, objective.name.clone())];
    let up = || Series::up(objective.service.name());
    let title = |text: &str| format!("{}: {text}", objective.name);
    vec![
        Scenario::new(title("the service was never scraped"), Vec::new()).fires(5, name, blind()),
        Scenario::new(
            title("the service is scraped, without any traffic"),
            vec![up().constant(1.0, 31)],
        )
        .silent(30, name),
        Scenario::new(
            title("the service went away"),
            vec![up().constant(1.0, 10).constant(0.0, 21)],
        )
        .silent(9, name)
        .fires(30, name, blind()),
    ]
}

fn outage_that_ended(objective: &Objective, name: &str) -> Scenario {
    let series = traffic(
        objective,
        &[
            Stretch {
                minutes: 31,
                good: BUSY / 2.0,
                bad: BUSY / 2.0,
            },
            Stretch {
                minutes: 10,
                good: BUSY,
                bad: 0.0,
            },
        ],
    );
    let later = BURN_ALERTS[1..]
        .iter()
        .map(|burn| firing(burn, 0.375))
        .collect();
    Scenario::new(
        format!(
            "{}: ten minutes after an outage the steepest alert is over, the slower ones are not",
            objective.name
        ),
        series,
    )
    .fires(40, name, later)
}

/// The errors all come within one minute, in a series that they create.
fn errors_all_at_once(objective: &Objective, name: &str) -> Scenario {
    let mut good = [100.0; 23];
    good[0] = 0.0;
    let mut bad = [0.0; 23];
    bad[20] = 1_000.0;
    let share = 1_000.0 / (22.0 * 100.0 + 1_000.0);
    let mut series = match &objective.indicator {
        Indicator::Availability { all, bad: failed } => vec![
            example(all, Some(failed), false).increments(&good),
            example(all, Some(failed), true).increments_from_first_event(&bad),
        ],
        Indicator::Latency { all, fast, .. } => {
            let any: Vec<f64> = good.iter().zip(bad).map(|(good, bad)| good + bad).collect();
            vec![
                example(all, None, false).increments(&any),
                example(fast, None, false).increments(&good),
            ]
        }
    };
    series.push(Series::up(objective.service.name()).constant(1.0, good.len()));
    Scenario::new(
        format!(
            "{}: errors that all come between two scrapes are seen",
            objective.name
        ),
        series,
    )
    .silent(19, name)
    .fires(
        22,
        name,
        BURN_ALERTS.iter().map(|burn| firing(burn, share)).collect(),
    )
}

fn one_error_among_three(objective: &Objective, name: &str) -> Scenario {
    let good: Vec<f64> = (0..40)
        .map(|minute| {
            if minute == 10 || minute == 30 {
                1.0
            } else {
                0.0
            }
        })
        .collect();
    let bad: Vec<f64> = (0..40)
        .map(|minute| if minute == 20 { 1.0 } else { 0.0 })
        .collect();
    Scenario::new(
        format!(
            "{}: one error among three requests bothers nobody",
            objective.name
        ),
        events(objective, &good, &bad),
    )
    .silent(21, name)
    .silent(31, name)
}

fn outage_at_low_traffic(objective: &Objective, name: &str) -> Scenario {
    let bad: Vec<f64> = (0..70)
        .map(|minute| {
            if minute > 0 && minute % 6 == 0 {
                1.0
            } else {
                0.0
            }
        })
        .collect();
    let slower = BURN_ALERTS[1..]
        .iter()
        .map(|burn| firing(burn, 1.0))
        .collect();
    Scenario::new(
        format!(
            "{}: ten requests an hour, all bad, still page somebody",
            objective.name
        ),
        events(objective, &[0.0; 70], &bad),
    )
    .fires(64, name, slower)
}

/// The burn-rate alert with the shortest windows has no data of a service that is gone; `ServiceDown` must fire.
fn vanished(objective: &Objective, name: &str) -> Scenario {
    let service = objective.service.name();
    let stretch = Stretch {
        minutes: 31,
        good: BUSY / 2.0,
        bad: BUSY / 2.0,
    };
    let mut series = samples(objective, &[stretch]);
    series.push(Series::up(service).constant(1.0, 31).constant(0.0, 16));
    let others = Service::ALL
        .iter()
        .filter(|other| **other != objective.service);
    series.extend(others.map(|other| Series::up(other.name()).constant(1.0, 47)));
    let slower = BURN_ALERTS[1..]
        .iter()
        .map(|burn| firing(burn, 0.5))
        .collect();
    Scenario::new(
        format!("{}: the service vanishes in an outage", objective.name),
        series,
    )
    .fires(46, name, slower)
    .fires(
        46,
        "ServiceDown",
        vec![Firing::value("0").of_rule("service", service)],
    )
    .gives(
        46,
        Selector::named(STATE)
            .with(SLO, &objective.name)
            .to_string(),
        vec![recorded(objective, STATE, f64::from(NO_DATA))],
    )
}

fn firing(burn: &BurnAlert, share: f64) -> Firing {
    Firing::value(percentage(share)).of_rule("window", burn.long.text)
}

fn recorded(objective: &Objective, name: &str, value: f64) -> Sample {
    Sample::new(format!("{name}{{slo=\"{}\"}}", objective.name), value)
}

/// A share as the template function `humanizePercentage` writes it: with four significant digits.
fn percentage(share: f64) -> String {
    let percent = share * 100.0;
    let mut text = format!("{percent:.3}");
    for decimals in 0..4 {
        let shorter = format!("{percent:.decimals$}");
        if shorter
            .parse::<f64>()
            .is_ok_and(|value| (value - percent).abs() < 5e-5 * percent)
        {
            text = shorter;
            break;
        }
    }
    format!("{text}%")
}
