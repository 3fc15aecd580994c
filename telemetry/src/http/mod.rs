//! HTTP, on both sides: one layer for a server, one for a client.
//!
//! Spans, attributes and metrics are those of the semantic conventions for HTTP 1.42.

mod client;
mod events;
mod exchange;
mod server;
mod url;

pub use crate::trust::TrustPolicy;
pub use client::{ClientLayer, ClientService};
pub use server::{ServerLayer, ServerService};

/// The method as an attribute and a label: unknown ones become [`OTHER`], for they have no bound.
fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "CONNECT" => "CONNECT",
        "TRACE" => "TRACE",
        "QUERY" => "QUERY",
        _ => OTHER,
    }
}

/// What the conventions call a method that they do not know.
const OTHER: &str = "_OTHER";

fn version_text(version: http::Version) -> &'static str {
    match version {
        http::Version::HTTP_09 => "0.9",
        http::Version::HTTP_10 => "1.0",
        http::Version::HTTP_2 => "2",
        http::Version::HTTP_3 => "3",
        _ => "1.1",
    }
}
