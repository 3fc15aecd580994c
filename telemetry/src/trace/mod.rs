//! Traces: the context and its headers, the sampling decision, the making of spans, and their bytes.

pub mod context;
pub mod sampling;

pub(crate) mod bridge;
pub(crate) mod clock;
pub(crate) mod levels;
pub(crate) mod propagation;
pub(crate) mod tracer;
pub(crate) mod wire;
