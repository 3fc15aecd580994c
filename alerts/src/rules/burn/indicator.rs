//! Input series for the scenarios of an objective: the series that its indicator reads, for given traffic.

use crate::objectives::{Indicator, Objective};
use crate::promql::{Matchers, Selector};
use crate::scenario::Series;

/// Label values to try for a series that matchers must select; the empty value is a missing label.
const LABEL_VALUES: [&str; 6] = ["", "500", "200", "404", "timeout", "cancelled"];

/// Constant traffic: so many minutes with so many good and bad events in each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) minutes: usize,
    pub(super) good: f64,
    pub(super) bad: f64,
}

/// The series of the indicator for this traffic, and `up` of a service that is scraped all the time.
pub(super) fn traffic(objective: &Objective, stretches: &[Stretch]) -> Vec<Series> {
    let minutes = stretches.iter().map(|stretch| stretch.minutes).sum();
    let mut series = samples(objective, stretches);
    series.push(Series::up(objective.service.name()).constant(1.0, minutes));
    series
}

/// The series of the indicator for this traffic.
pub(super) fn samples(objective: &Objective, stretches: &[Stretch]) -> Vec<Series> {
    let rising = |series: Series, each: &dyn Fn(&Stretch) -> f64| {
        stretches.iter().fold(series, |series, stretch| {
            series.increasing(each(stretch), stretch.minutes)
        })
    };
    match &objective.indicator {
        Indicator::Availability { all, bad } => {
            let mut series = vec![rising(example(all, Some(bad), false), &|stretch| {
                stretch.good
            })];
            if stretches.iter().any(|stretch| stretch.bad > 0.0) {
                series.push(rising(example(all, Some(bad), true), &|stretch| {
                    stretch.bad
                }));
            }
            series
        }
        Indicator::Latency { all, fast, .. } => vec![
            rising(example(all, None, false), &|stretch| {
                stretch.good + stretch.bad
            }),
            rising(example(fast, None, false), &|stretch| stretch.good),
        ],
    }
}

/// The series of the indicator for these events in each minute, which start with their first event, and `up` of the
/// service.
pub(super) fn events(objective: &Objective, good: &[f64], bad: &[f64]) -> Vec<Series> {
    let up = Series::up(objective.service.name()).constant(1.0, good.len());
    let all: Vec<f64> = good.iter().zip(bad).map(|(good, bad)| good + bad).collect();
    let (first, second) = match &objective.indicator {
        Indicator::Availability { all, bad: failed } => (
            example(all, Some(failed), false).increments_from_first_event(good),
            example(all, Some(failed), true).increments_from_first_event(bad),
        ),
        Indicator::Latency { all: any, fast, .. } => (
            example(any, None, false).increments_from_first_event(&all),
            fast_samples(example(fast, None, false), &all, good),
        ),
    };
    vec![first, second, up]
}

/// The samples of the bucket. It exists from the histogram's first event, also while it counts none.
fn fast_samples(mut series: Series, all: &[f64], good: &[f64]) -> Series {
    let (mut any, mut sum) = (0.0, 0.0);
    for (all, good) in all.iter().zip(good) {
        any += all;
        sum += good;
        series = if any > 0.0 {
            series.constant(sum, 1)
        } else {
            series.gap(1)
        };
    }
    series
}

/// A series that `all` selects, and that `bad` selects if and only if `is_bad`.
pub(super) fn example(all: &Selector, bad: Option<&Selector>, is_bad: bool) -> Series {
    let none = Matchers::default();
    let failing = bad.map_or(&none, Selector::matchers);
    let mut names = all.matchers().names();
    names.extend(failing.names());
    names.dedup();
    let mut series = Series::new(all.name()).label("instance", "a");
    let mut seen = Vec::new();
    for name in names {
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        let fixed = all.matchers().value(name).or_else(|| {
            LABEL_VALUES.into_iter().find(|value| {
                all.matchers().matches(name, value)
                    && (bad.is_none() || failing.matches(name, value) == is_bad)
            })
        });
        series = series.label(name, fixed.unwrap_or_default());
    }
    series
}
