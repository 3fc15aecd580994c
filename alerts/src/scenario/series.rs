//! Input series of a scenario, minute by minute.

use std::fmt::Write as _;

use crate::backends::UP;
use crate::promql::number;

/// One input series: a sample or a gap for each minute, from minute 0.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    name: String,
    labels: Vec<(String, String)>,
    values: Vec<Option<f64>>,
}

// === impl Series ===

impl Series {
    /// A series of this name, without labels or values.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            labels: Vec::new(),
            values: Vec::new(),
        }
    }

    /// The series `up` of a job.
    pub(crate) fn up(job: &str) -> Self {
        Self::new(UP).label("job", job).label("instance", "a")
    }

    /// Adds a label. A label with an empty value is the same as no label, and is left out.
    pub(crate) fn label(mut self, label: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.labels.push((label.to_owned(), value.to_owned()));
        }
        self
    }

    /// Adds samples of one value for so many minutes.
    pub(crate) fn constant(mut self, value: f64, minutes: usize) -> Self {
        self.values
            .extend(std::iter::repeat_n(Some(value), minutes));
        self
    }

    /// Adds samples of a counter that increases by `each` per minute. A counter without earlier samples starts at 0.
    pub(crate) fn increasing(mut self, each: f64, minutes: usize) -> Self {
        for _ in 0..minutes {
            let next = self
                .values
                .iter()
                .rev()
                .find_map(|value| *value)
                .map_or(0.0, |last| last + each);
            self.values.push(Some(next));
        }
        self
    }

    /// Adds no sample for so many minutes.
    pub(crate) fn gap(mut self, minutes: usize) -> Self {
        self.values.extend(std::iter::repeat_n(None, minutes));
        self
    }

    /// Adds samples of a counter with these increments, from minute 0.
    pub(crate) fn increments(mut self, increments: &[f64]) -> Self {
        let mut sum = 0.0;
        for increment in increments {
            sum += increment;
            self.values.push(Some(sum));
        }
        self
    }

    /// Adds samples of a counter with these increments, from minute 0, but none before the first increment that is not
    /// 0: like a counter that its first event creates.
    pub(crate) fn increments_from_first_event(self, increments: &[f64]) -> Self {
        let before = increments
            .iter()
            .take_while(|increment| **increment == 0.0)
            .count();
        self.gap(before).increments(&increments[before..])
    }

    /// The series as promtool writes it: name and labels.
    pub(crate) fn name(&self) -> String {
        let labels: Vec<_> = self
            .labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{value}\""))
            .collect();
        format!("{}{{{}}}", self.name, labels.join(","))
    }

    /// The samples in promtool's expanding notation.
    pub(crate) fn values(&self) -> String {
        let mut text = String::new();
        let mut rest = self.values.as_slice();
        while let Some((first, _)) = rest.split_first() {
            let run = match first {
                None => rest.iter().take_while(|value| value.is_none()).count(),
                Some(first) => linear_run(*first, rest),
            };
            if !text.is_empty() {
                text.push(' ');
            }
            // Writing to a string cannot fail.
            let _ = match (first, run) {
                (None, _) => write!(text, "_x{run}"),
                (Some(value), 1) => write!(text, "{}", number(*value)),
                (Some(value), _) => {
                    let step = rest[1].unwrap_or_default() - value;
                    write!(text, "{}+{}x{}", number(*value), number(step), run - 1)
                }
            };
            rest = &rest[run..];
        }
        text
    }
}

/// How many of the first values form a linear sequence.
fn linear_run(first: f64, values: &[Option<f64>]) -> usize {
    let Some(Some(second)) = values.get(1) else {
        return 1;
    };
    let step = second - first;
    let mut last = first;
    1 + values[1..]
        .iter()
        .take_while(|value| {
            value.is_some_and(|value| {
                let fits = (value - last - step).abs() < 1e-6;
                last = value;
                fits
            })
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_runs() {
        let series = Series::new("x").gap(2).increasing(5.0, 3).constant(1.0, 2);
        assert_eq!(series.values(), "_x2 0+5x2 1+0x1");
        let series = Series::new("x").increments_from_first_event(&[0.0, 1.0, 0.0, 1.0]);
        assert_eq!(series.values(), "_x1 1+0x1 2");
    }

    #[test]
    fn a_label_with_an_empty_value_is_left_out() {
        let series = Series::new("x").label("a", "").label("b", "c");
        assert_eq!(series.name(), "x{b=\"c\"}");
    }
}
