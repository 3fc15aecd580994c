//! The trace verifier: reads a trace from Jaeger and reports what is missing in it.
//!
//! [`structural_findings`](Trace::structural_findings) checks what holds for any trace (one root, every parent there).
//! [`AuctionTrace`] and [`bid`] check what the trace of an auction and that of a bid must contain.

pub mod auction;
pub mod bid;
mod finding;
#[cfg(test)]
mod fixture;
mod model;
mod stage;
mod structure;

pub use auction::AuctionTrace;
pub use finding::{Finding, Hop, ParentOwner};
pub use model::{AttributeValue, Link, Span, SpanKind, Trace, ValueType};
pub use stage::Stage;
