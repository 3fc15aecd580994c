//! Input series, minute by minute.

use std::fmt::Write as _;

use crate::promql::number;

/// One input series: a value or a gap for each minute from 0 on.
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

    /// The series that Prometheus makes of each scrape of a job.
    pub(crate) fn up(job: &str) -> Self {
        Self::new(crate::backends::UP)
            .label("job", job)
            .label("instance", "a")
    }

    /// Adds a label; an empty value is no label.
    pub(crate) fn label(mut self, label: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.labels.push((label.to_owned(), value.to_owned()));
        }
        self
    }

    /// Goes on with the same value for so many minutes.
    pub(crate) fn level(mut self, value: f64, minutes: usize) -> Self {
        self.values
            .extend(std::iter::repeat_n(Some(value), minutes));
        self
    }

    /// Goes on as a counter that rises by so much each minute; the first value of all is 0.
    pub(crate) fn rise(mut self, each: f64, minutes: usize) -> Self {
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

    /// Goes on with nothing for so many minutes.
    pub(crate) fn gap(mut self, minutes: usize) -> Self {
        self.values.extend(std::iter::repeat_n(None, minutes));
        self
    }

    /// A counter with these increments from minute 0 on.
    pub(crate) fn counted(mut self, increments: &[f64]) -> Self {
        let mut sum = 0.0;
        for increment in increments {
            sum += increment;
            self.values.push(Some(sum));
        }
        self
    }

    /// A counter with these increments from minute 0 on. It has no value before the first increment that is not 0,
    /// like one that is made by its first event.
    pub(crate) fn born_late(self, increments: &[f64]) -> Self {
        let before = increments
            .iter()
            .take_while(|increment| **increment == 0.0)
            .count();
        self.gap(before).counted(&increments[before..])
    }

    /// The series as promtool wants it named.
    pub(crate) fn name(&self) -> String {
        let labels: Vec<_> = self
            .labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{value}\""))
            .collect();
        format!("{}{{{}}}", self.name, labels.join(","))
    }

    /// The values in promtool's expanding notation.
    pub(crate) fn values(&self) -> String {
        let mut text = String::new();
        let mut rest = self.values.as_slice();
        while let Some((first, _)) = rest.split_first() {
            let run = match first {
                None => rest.iter().take_while(|value| value.is_none()).count(),
                Some(first) => straight(*first, rest),
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

/// How many of the values lie on one line.
fn straight(first: f64, values: &[Option<f64>]) -> usize {
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
        let series = Series::new("x").gap(2).rise(5.0, 3).level(1.0, 2);
        assert_eq!(series.values(), "_x2 0+5x2 1+0x1");
        let series = Series::new("x").born_late(&[0.0, 1.0, 0.0, 1.0]);
        assert_eq!(series.values(), "_x1 1+0x1 2");
    }

    #[test]
    fn an_empty_label_is_no_label() {
        let series = Series::new("x").label("a", "").label("b", "c");
        assert_eq!(series.name(), "x{b=\"c\"}");
    }
}
