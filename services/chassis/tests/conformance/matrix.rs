//! The matrix as a table.

use std::fmt::{self, Write as _};

use crate::cell::Ending;
use crate::transport::Transport;

/// What differed, cell by cell.
#[derive(Default)]
pub struct Matrix(Vec<(Transport, Ending, Vec<String>)>);

impl Matrix {
    pub fn put(&mut self, transport: Transport, ending: Ending, differences: Vec<String>) {
        self.0.push((transport, ending, differences));
    }

    /// Whether all cells are there and none differs.
    pub fn holds(&self) -> bool {
        self.0.len() == Transport::ALL.len() * Ending::ALL.len()
            && self
                .0
                .iter()
                .all(|(_, _, differences)| differences.is_empty())
    }

    pub fn differences(&self) -> String {
        let mut text = String::new();
        for (transport, ending, differences) in &self.0 {
            for difference in differences {
                let _ = writeln!(text, "{transport} x {ending}: {difference}");
            }
        }
        text
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:24}", "")?;
        for ending in Ending::ALL {
            write!(f, "{:>11}", ending.to_string())?;
        }
        for transport in Transport::ALL {
            write!(f, "\n{:24}", transport.to_string())?;
            for ending in Ending::ALL {
                let cell = self
                    .0
                    .iter()
                    .find(|(of, at, _)| (*of, *at) == (transport, ending));
                let verdict = match cell {
                    Some((_, _, differences)) if differences.is_empty() => "holds",
                    Some(_) => "DIFFERS",
                    None => "missing",
                };
                write!(f, "{verdict:>11}")?;
            }
        }
        writeln!(f)
    }
}
