//! Traces: contexts and their headers, sampling, the tracer, and the encoding of spans.

pub mod context;
pub mod sampling;

pub(crate) mod bridge;
pub(crate) mod clock;
pub(crate) mod levels;
pub(crate) mod propagation;
pub(crate) mod targets;
pub(crate) mod tracer;
pub(crate) mod wire;
