//! The open-loop load generator, its SLO gate, and the verifier of traces.
//!
//! [`seed`] fills an empty platform with a small city; [`scenario`] is one whole auction in it, from the opening to the
//! notification; [`schedule`] starts such auctions on time whatever the answers do, and knows when it was itself too
//! late to be believed; [`tally`] counts, and [`report`] and [`slo`] say what came of it. [`traces`] reads what [`jaeger`]
//! has and finds what is missing in it. [`contract`] holds what is emitted to what is declared. [`overhead`] measures what
//! the tracing costs the services.

pub mod client;
pub mod contract;
mod exposition;
pub mod jaeger;
pub mod latency;
pub mod overhead;
pub mod report;
pub mod run;
pub mod scenario;
pub mod schedule;
pub mod seed;
pub mod slo;
pub mod sse;
pub mod tally;
pub mod traces;
pub mod transport;
