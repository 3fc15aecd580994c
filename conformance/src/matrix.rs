//! The matrix: its rows, its columns, and what differs in each cell.

use std::fmt::{self, Write as _};

/// What carries a context from one piece of work to the next: a row of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// HTTP/1.1.
    Http,
    /// gRPC, one message each way.
    Unary,
    /// gRPC, a stream of requests.
    ClientStreaming,
    /// gRPC, a stream of responses.
    ServerStreaming,
    /// gRPC, a stream each way.
    BidiStreaming,
    /// Messages of a NATS stream.
    Nats,
    /// Events that a database row keeps until they are published.
    Outbox,
    /// A detached task.
    Spawn,
}

/// How an exchange ends, or what it starts from: a column of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It succeeds.
    Success,
    /// The work at the receiving end fails.
    Error,
    /// The caller goes away.
    Cancel,
    /// The deadline passes.
    TimeOut,
    /// The work at the receiving end panics.
    Panic,
    /// The caller's context cannot be parsed.
    Malformed,
    /// The caller's trace is not sampled.
    Unsampled,
}

/// What differs from what must hold, cell by cell.
#[derive(Debug, Default)]
pub struct Matrix(Vec<(Transport, Ending, Vec<String>)>);

/// The cells that a run of the matrix has listed as different, from what it printed ([`Matrix::differences`]).
pub fn differing_cells(output: &str) -> Vec<(Transport, Ending)> {
    let mut cells = Vec::new();
    for line in output.lines() {
        let cell = line
            .split_once(": ")
            .and_then(|(cell, _)| cell.split_once(" x "))
            .and_then(|(transport, ending)| {
                Some((Transport::named(transport)?, Ending::named(ending)?))
            });
        if let Some(cell) = cell
            && !cells.contains(&cell)
        {
            cells.push(cell);
        }
    }
    cells
}

// === impl Transport ===

impl Transport {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Http,
        Self::Unary,
        Self::ClientStreaming,
        Self::ServerStreaming,
        Self::BidiStreaming,
        Self::Nats,
        Self::Outbox,
        Self::Spawn,
    ];

    /// The transport of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The name that the table and the patches use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "HTTP",
            Self::Unary => "gRPC unary",
            Self::ClientStreaming => "gRPC client-streaming",
            Self::ServerStreaming => "gRPC server-streaming",
            Self::BidiStreaming => "gRPC bidi-streaming",
            Self::Nats => "NATS",
            Self::Outbox => "outbox",
            Self::Spawn => "spawn",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl Ending ===

impl Ending {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Success,
        Self::Error,
        Self::Cancel,
        Self::TimeOut,
        Self::Panic,
        Self::Malformed,
        Self::Unsampled,
    ];

    /// The ending of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The name that the table uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Cancel => "cancel",
            Self::TimeOut => "time-out",
            Self::Panic => "panic",
            Self::Malformed => "malformed",
            Self::Unsampled => "unsampled",
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

// === impl Matrix ===

impl Matrix {
    /// Records one cell; without differences it holds.
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

    /// Each difference on a line, as `gRPC unary x cancel: ...`.
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
            write!(f, "{:>11}", ending.name())?;
        }
        for transport in Transport::ALL {
            write!(f, "\n{:24}", transport.name())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cells_that_differ_are_read_from_what_a_matrix_prints() {
        let mut matrix = Matrix::default();
        matrix.put(Transport::Http, Ending::Success, Vec::new());
        let twice = vec!["it ended twice".to_owned(), "a: b x c: d".to_owned()];
        matrix.put(Transport::ServerStreaming, Ending::TimeOut, twice);
        matrix.put(
            Transport::Spawn,
            Ending::Panic,
            vec!["no span has come".to_owned()],
        );
        let printed = format!(
            "running 1 test\n{matrix}\n{}\nthread 'main' panicked at x: y\n",
            matrix.differences()
        );
        let cells = [
            (Transport::ServerStreaming, Ending::TimeOut),
            (Transport::Spawn, Ending::Panic),
        ];
        assert_eq!(differing_cells(&printed), cells);
    }

    #[test]
    fn every_row_and_column_is_found_by_its_name() {
        for transport in Transport::ALL {
            assert_eq!(Transport::named(transport.name()), Some(transport));
        }
        for ending in Ending::ALL {
            assert_eq!(Ending::named(ending.name()), Some(ending));
        }
        assert_eq!(Transport::named("carrier pigeon"), None);
    }
}
