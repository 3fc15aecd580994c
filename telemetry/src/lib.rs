//! Traces, metrics and logs for axum and tonic services, whole from the first hop to the last.
//!
//! Adoption is three lines: initialise, one server layer, one client layer.
//!
//! Everything else follows from them: `tracing` spans and events below the layers belong to the request, logs
//! carry its trace id, `/metrics` has its durations, and what it calls goes on in the same trace.

pub mod admin;
pub mod context;
pub mod db;
pub mod grpc;
pub mod http;
pub mod messaging;
pub mod signals;
#[cfg(feature = "test")]
pub mod test;

mod body;
mod export;
mod gauge;
mod hop;
mod init;
mod logs;
mod propagation;
mod runtime;

pub use export::Snapshot;
pub use init::{Builder, InitError, ShutdownError, Telemetry, builder, init};
