//! Metrics: what is declared, how it is recorded, and what the process measures of itself.

pub mod signals;

pub(crate) mod gauge;
mod installed;
pub(crate) mod recorder;
pub(crate) mod runtime;
