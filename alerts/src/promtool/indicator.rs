//! Input series that an indicator counts, for a course of traffic.

use crate::model::{Indicator, Objective};
use crate::promql::{Labels, Selector};
use crate::promtool::Series;

/// Label values to make examples from; the empty one is a missing label.
const EXAMPLES: [&str; 6] = ["", "500", "200", "404", "timeout", "cancelled"];

/// A stretch of traffic: so many minutes with so many good and bad events in each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) minutes: usize,
    pub(super) good: f64,
    pub(super) bad: f64,
}

/// Samples of the indicator for this traffic, and of a service that is always scraped.
pub(super) fn traffic(objective: &Objective, stretches: &[Stretch]) -> Vec<Series> {
    let minutes = stretches.iter().map(|stretch| stretch.minutes).sum();
    let mut series = samples(objective, stretches);
    series.push(Series::up(objective.service.name()).level(1.0, minutes));
    series
}

pub(super) fn samples(objective: &Objective, stretches: &[Stretch]) -> Vec<Series> {
    let rising = |series: Series, each: &dyn Fn(&Stretch) -> f64| {
        stretches.iter().fold(series, |series, stretch| {
            series.rise(each(stretch), stretch.minutes)
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
        Indicator::Latency { all, quick, .. } => vec![
            rising(example(all, None, false), &|stretch| {
                stretch.good + stretch.bad
            }),
            rising(example(quick, None, false), &|stretch| stretch.good),
        ],
    }
}

/// Samples for single events, in series that their first event makes.
pub(super) fn events(objective: &Objective, good: &[f64], bad: &[f64]) -> Vec<Series> {
    let up = Series::up(objective.service.name()).level(1.0, good.len());
    let all: Vec<f64> = good.iter().zip(bad).map(|(good, bad)| good + bad).collect();
    let (first, second) = match &objective.indicator {
        Indicator::Availability { all, bad: failed } => (
            example(all, Some(failed), false).born_late(good),
            example(all, Some(failed), true).born_late(bad),
        ),
        Indicator::Latency {
            all: any, quick, ..
        } => (
            example(any, None, false).born_late(&all),
            quick_samples(example(quick, None, false), &all, good),
        ),
    };
    vec![first, second, up]
}

/// A bucket appears with its histogram, also while it counts nothing.
fn quick_samples(mut series: Series, all: &[f64], good: &[f64]) -> Series {
    let (mut any, mut sum) = (0.0, 0.0);
    for (all, good) in all.iter().zip(good) {
        any += all;
        sum += good;
        series = if any > 0.0 {
            series.level(sum, 1)
        } else {
            series.gap(1)
        };
    }
    series
}

/// A series that `all` selects, and that `bad` selects or does not.
pub(super) fn example(all: &Selector, bad: Option<&Selector>, is_bad: bool) -> Series {
    let none = Labels::default();
    let failing = bad.map_or(&none, Selector::labels);
    let mut names = all.labels().names();
    names.extend(failing.names());
    names.dedup();
    let mut series = Series::new(all.name()).label("instance", "a");
    let mut seen = Vec::new();
    for name in names {
        if seen.contains(&name) {
            continue;
        }
        seen.push(name);
        let fixed = all.labels().value(name).or_else(|| {
            EXAMPLES.into_iter().find(|value| {
                all.labels().admit(name, value)
                    && (bad.is_none() || failing.admit(name, value) == is_bad)
            })
        });
        series = series.label(name, fixed.unwrap_or_default());
    }
    series
}
