//! The outage matrix: what a service does while its collector is killed, hangs, is slow, refuses or is full, and when
//! it is told to stop meanwhile. See docs/outages.md.
//!
//! Without arguments two cells are run, for `make test`; `--full` runs all, and the SDK's pipeline beside them
//! (`make outage`); a word runs the cells whose name has it.

#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::missing_panics_doc,
    missing_docs,
    unreachable_pub
)]

mod cell;
mod collector;
mod load;
mod proxy;
mod service;
mod verdict;

use std::env;
use std::path::PathBuf;
use std::process::{Child, ExitCode};

use cell::{Cell, Ending, Fault};
use rustix::process::{Pid, Signal};
use service::Pipeline;
use verdict::{Healthy, Row};

/// The first argument of the child.
pub const SERVICE: &str = "service";

/// Runs all cells.
const FULL: &str = "--full";

/// A cell whose percentile is out of the band is measured again: chance does not repeat itself, a defect does.
const LOOKS: usize = 3;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    if let [first, pipeline] = arguments.as_slice()
        && first == SERVICE
    {
        runtime.block_on(service::run(Pipeline::from_name(pipeline).unwrap()));
        return ExitCode::SUCCESS;
    }
    let cells = chosen(&arguments);
    if cells.is_empty() {
        return ExitCode::SUCCESS;
    }
    if jaeger_program().is_none() {
        println!("the outage matrix needs JAEGER to name the program: `make outage` sets it");
        // Who asks for cells must get them; a plain `cargo test` goes on without.
        return ExitCode::from(u8::from(asks_for_cells(&arguments)));
    }
    runtime.block_on(run(&cells))
}

fn asks_for_cells(arguments: &[String]) -> bool {
    arguments
        .iter()
        .any(|word| word == FULL || !word.starts_with('-'))
}

/// The cells that the arguments name; those of the test runner name none.
fn chosen(arguments: &[String]) -> Vec<Cell> {
    let all = |pipeline| {
        Fault::ALL.into_iter().flat_map(move |fault| {
            [Ending::Sigterm, Ending::Recovery].map(|ending| Cell {
                pipeline,
                fault,
                ending,
            })
        })
    };
    let both = || all(Pipeline::Ours).chain(all(Pipeline::Sdk));
    if arguments.iter().any(|word| word == FULL) {
        return both().collect();
    }
    let words: Vec<_> = arguments
        .iter()
        .filter(|word| !word.starts_with('-'))
        .collect();
    if words.is_empty() && !arguments.iter().any(|word| word == "--list") {
        return all(Pipeline::Ours)
            .filter(|cell| {
                matches!(
                    (cell.fault, cell.ending),
                    (Fault::Killed, Ending::Recovery) | (Fault::Hung, Ending::Sigterm)
                )
            })
            .collect();
    }
    both()
        .filter(|cell| words.iter().any(|word| cell.name().contains(word.as_str())))
        .collect()
}

async fn run(cells: &[Cell]) -> ExitCode {
    let mut healthy = Healthy::default();
    let mut rows = Vec::new();
    let controls = [Pipeline::Ours, Pipeline::Sdk]
        .into_iter()
        .filter(|pipeline| cells.iter().any(|cell| cell.pipeline == *pipeline))
        .map(Cell::control);
    for cell in controls.chain(cells.iter().copied()) {
        eprintln!("{} ...", cell.name());
        let seen = cell.run().await;
        rows.push(Row { cell, seen });
    }
    healthy.learn(&rows);
    for row in &mut rows {
        for _ in 1..LOOKS {
            if row.is_judged() && row.is_slow(&healthy) {
                eprintln!(
                    "{} again: its p99 was {:.2} ...",
                    row.cell.name(),
                    row.slowdown()
                );
                row.seen = row.cell.run().await;
                healthy.learn(std::slice::from_ref(row));
            }
        }
    }
    verdict::print_head(&healthy);
    let mut failed = 0;
    for row in &rows {
        let failures = if row.is_judged() {
            row.failures(&healthy)
        } else {
            Vec::new()
        };
        let verdict = match (row.is_judged(), failures.is_empty()) {
            (false, _) => "-",
            (true, true) => "passed",
            (true, false) => "FAILED",
        };
        row.print(&healthy, verdict);
        for failure in &failures {
            println!("    {failure}");
        }
        failed += usize::from(!failures.is_empty());
    }
    println!("\n{failed} of {} cells failed", rows.len());
    ExitCode::from(u8::from(failed > 0))
}

/// The program that `JAEGER` names.
pub fn jaeger_program() -> Option<PathBuf> {
    env::var_os("JAEGER").map(PathBuf::from)
}

pub fn signal(process: &Child, signal: Signal) {
    let id = i32::try_from(process.id()).unwrap();
    rustix::process::kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
}

// === impl Cell ===

impl Cell {
    fn control(pipeline: Pipeline) -> Self {
        Self {
            pipeline,
            fault: Fault::Healthy,
            ending: Ending::Sigterm,
        }
    }

    pub fn is_control(self) -> bool {
        self.fault == Fault::Healthy
    }
}

// === impl Row ===

impl Row {
    /// The SDK's rows are there for comparison.
    fn is_judged(&self) -> bool {
        self.cell.pipeline == Pipeline::Ours
    }
}
