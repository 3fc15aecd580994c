//! The tables: what each contender adds, in multiples of the bare request of the same round.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::measure::{Case, Protocol, Sample};

#[derive(Default)]
pub struct Table {
    samples: BTreeMap<(Case, usize, &'static str), Sample>,
    order: Vec<&'static str>,
}

type Figure = fn(&Sample) -> Option<f64>;

impl Table {
    pub fn put(&mut self, contender: &'static str, case: Case, round: usize, sample: Sample) {
        if !self.order.contains(&contender) {
            self.order.push(contender);
        }
        self.samples.insert((case, round, contender), sample);
    }

    pub fn render(&self) -> String {
        let mut text = String::new();
        for (protocol, title) in [(Protocol::Http, "HTTP"), (Protocol::Grpc, "gRPC")] {
            self.figure(
                &mut text,
                protocol,
                &format!("{title}: time, x bare"),
                |sample| Some(sample.nanoseconds),
                true,
            );
            self.figure(
                &mut text,
                protocol,
                &format!("{title}: CPU of the process, exporting included, x bare"),
                |sample| Some(sample.cpu_nanoseconds),
                true,
            );
            self.figure(
                &mut text,
                protocol,
                &format!("{title}: allocations"),
                |sample| sample.allocations,
                false,
            );
        }
        text
    }

    fn figure(
        &self,
        text: &mut String,
        protocol: Protocol,
        title: &str,
        figure: Figure,
        relative: bool,
    ) {
        let cases: Vec<Case> = Case::all()
            .filter(|case| case.protocol == protocol)
            .collect();
        let _ = writeln!(
            text,
            "\n{title}\n\n| adds | sampled, 1 span | sampled, 6 | unsampled, 1 | unsampled, 6 |\n|---|---|---|---|---|"
        );
        for contender in &self.order {
            let cells: Vec<Option<f64>> = cases
                .iter()
                .map(|case| self.median(*case, contender, figure, relative))
                .collect();
            if cells.iter().any(Option::is_some) {
                let cells: Vec<String> = cells
                    .into_iter()
                    .map(|cell| cell.map_or_else(|| "-".to_owned(), |value| format!("{value:.2}")))
                    .collect();
                let _ = writeln!(text, "| {contender} | {} |", cells.join(" | "));
            }
        }
    }

    /// What the contender adds; for the bare request its own figure.
    fn median(
        &self,
        case: Case,
        contender: &'static str,
        figure: Figure,
        relative: bool,
    ) -> Option<f64> {
        let mut values: Vec<f64> = self
            .samples
            .iter()
            .filter(|((of, _, name), _)| *of == case && *name == contender)
            .filter_map(|((_, round, _), sample)| {
                if contender == "bare" {
                    return figure(sample);
                }
                // Spans that nobody takes cost the bare service next to nothing; it is the one without them.
                let plain = Case {
                    nested: false,
                    sampled: case.sampled,
                    ..case
                };
                let bare = figure(self.samples.get(&(plain, *round, "bare"))?)?;
                let added = figure(sample)? - bare;
                Some(if relative { added / bare } else { added })
            })
            .collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}
