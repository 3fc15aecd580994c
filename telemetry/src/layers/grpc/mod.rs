//! gRPC, on both sides, unary and streaming: one layer for a server, one for a client.
//!
//! Spans, attributes and metrics are those of the semantic conventions for RPC 1.42. The status of a call is in
//! its trailers, or in its headers when there is nothing else, and is read where it is; that of gRPC-Web is in the body.
//!
//! Deadlines travel. What `grpc-timeout` leaves a call is the budget of everything that is called on its behalf:
//! the client layer sends what remains of it, or its own default when that is less, and refuses to send when
//! nothing remains. Both sides enforce it up to the trailers, and say `DEADLINE_EXCEEDED` on the wire, in the span
//! and in the metrics. [`remaining`] is what a handler may still use, [`within`] sets a budget where no call has
//! brought one. A task that is spawned is bound by no deadline of the call that spawned it, unless [`keep_deadline`] says
//! so.

mod client;
mod deadline;
mod exchange;
mod messages;
mod methods;
mod outcome;
pub(crate) mod served;
mod server;
mod status;
mod web;

use http::{Method, Request, header};

use crate::layers::headers;

pub use crate::layers::trust::TrustPolicy;
pub use client::{ClientLayer, ClientService};
pub use deadline::{keep_deadline, remaining, within};
pub use methods::InvalidDescriptors;
pub use server::{ServerLayer, ServerService};

/// The calls of these services ask about the server itself; they make no trace and no metric.
const ABOUT_THE_SERVER: [&str; 2] = ["/grpc.health.v1.Health/", "/grpc.reflection."];

/// Whether a request is a call: gRPC is spoken with POST. An OPTIONS request to the same path is a browser that asks whether
/// it may call, and another kind of content is another protocol on the same port.
fn is_call<B>(request: &Request<B>) -> bool {
    request.method() == Method::POST
        && headers::first(request.headers(), &header::CONTENT_TYPE).is_none_or(web::is_grpc)
}

fn is_about_the_server(path: &str) -> bool {
    ABOUT_THE_SERVER
        .iter()
        .any(|service| path.starts_with(service))
}

/// `pkg.Service/Method`, as the conventions write it, of a request's path.
fn method(path: &str) -> &str {
    path.strip_prefix('/').unwrap_or(path)
}

/// Whether a method was declared as one that streams. `streams` are full paths.
fn is_stream(streams: &[&str], path: &str) -> bool {
    streams.iter().any(|stream| method(stream) == method(path))
}
