//! The open-loop load generator, its SLO gate, and the trace verifier.
//!
//! [`seed`] creates the accounts and restaurants. [`scenario`] runs one auction, from the opening to the notification.
//! [`schedule`] starts auctions on time, however slow the responses are, and measures its own lateness. [`tally`] counts
//! the results, [`report`] and [`slo`] evaluate them. [`traces`] finds what is missing in the traces that [`jaeger`]
//! returns. [`contract`] compares the emitted telemetry with the declared. [`overhead`] measures the cost of tracing.

pub mod admin;
pub mod client;
pub mod contract;
pub mod endpoints;
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
