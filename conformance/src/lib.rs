//! The conformance matrix of the telemetry crate, and the mutants that it must notice.
//!
//! The test in `tests/conformance` plays every [`Transport`] with every [`Ending`] and puts what differs into a
//! [`Matrix`]. `mutants/` holds patches that break the code on purpose; [`mutants`] checks that they still apply, and runs
//! the matrix against each. `docs/conformance.md` says what the matrix promises.

mod matrix;
pub mod mutants;

pub use matrix::{Ending, Matrix, Transport, differing_cells};
