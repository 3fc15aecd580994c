//! gRPC, on both sides, unary and streaming: one layer for a server, one for a client.
//!
//! Spans, attributes and metrics are those of the semantic conventions for RPC 1.42. The status of a call is in
//! its trailers, or in its headers when there is nothing else, and is read where it is.

mod client;
mod deadline;
mod server;
mod status;

pub use client::{ClientLayer, ClientService};
pub use server::{ServerLayer, ServerService};

/// The calls of this service ask whether another one is well; they make no trace and no metric.
const HEALTH: &str = "grpc.health.v1.Health/";

/// `pkg.Service/Method`, as the conventions write it, of a request's path.
fn method(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

/// Whether a method was declared as one that streams. `streams` are full paths.
fn is_stream(streams: &[&str], method: &str) -> bool {
    streams
        .iter()
        .any(|path| path.strip_prefix('/').unwrap_or(path) == method)
}
