//! The tables: what each contender adds, in multiples of the bare request beside it.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::measure::{Case, Protocol, Sample};

#[derive(Default)]
pub struct Table {
    samples: BTreeMap<(Case, usize, &'static str), Pair>,
    order: Vec<&'static str>,
}

/// A measurement, and one of the bare request right before it: the machine may be another one in the next second.
#[derive(Clone, Copy)]
struct Pair {
    bare: Sample,
    sample: Sample,
}

type Figure = fn(&Sample) -> Option<f64>;

impl Table {
    pub fn put(
        &mut self,
        contender: &'static str,
        case: Case,
        round: usize,
        bare: Sample,
        sample: Sample,
    ) {
        if !self.order.contains(&contender) {
            self.order.push(contender);
        }
        let pair = Pair { bare, sample };
        self.samples.insert((case, round, contender), pair);
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
            .filter_map(|(_, pair)| {
                let (bare, own) = (figure(&pair.bare)?, figure(&pair.sample)?);
                if contender == "bare" {
                    return Some(own);
                }
                let added = own - bare;
                Some(if relative { added / bare } else { added })
            })
            .collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}
