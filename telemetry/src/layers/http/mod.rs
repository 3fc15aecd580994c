//! HTTP, on both sides: one layer for a server, one for a client.
//!
//! Spans, attributes and metrics are those of the semantic conventions for HTTP 1.42.

mod client;
mod events;
mod exchange;
mod proxies;
#[cfg(feature = "reqwest")]
pub mod reqwest;
mod resends;
mod server;
mod skip;
mod url;

pub use crate::layers::causes::{BoxedErrors, TypedErrors};
pub use crate::layers::trust::TrustPolicy;
pub use client::{ClientLayer, ClientService};
pub use proxies::{InvalidNetwork, TrustedProxies};
pub use resends::{Attempts, ResendLayer, ResendService};
pub use server::{ServerLayer, ServerService};

use http::Method;

use crate::metrics::signals::{HttpRequestMethod, NetworkProtocolVersion};

/// The method as a label and an attribute: those that the conventions do not know are `_OTHER`, since anybody can make
/// up more.
fn method_of(method: &Method) -> HttpRequestMethod {
    match *method {
        Method::GET => HttpRequestMethod::Get,
        Method::POST => HttpRequestMethod::Post,
        Method::PUT => HttpRequestMethod::Put,
        Method::PATCH => HttpRequestMethod::Patch,
        Method::DELETE => HttpRequestMethod::Delete,
        Method::HEAD => HttpRequestMethod::Head,
        Method::OPTIONS => HttpRequestMethod::Options,
        Method::CONNECT => HttpRequestMethod::Connect,
        Method::TRACE => HttpRequestMethod::Trace,
        Method::QUERY => HttpRequestMethod::Query,
        _ => HttpRequestMethod::Other,
    }
}

/// The method in the name of a span; the conventions name those of unknown methods after the protocol.
fn verb(method: HttpRequestMethod) -> &'static str {
    match method {
        HttpRequestMethod::Other => "HTTP",
        known => known.as_str(),
    }
}

/// The version as a label and an attribute.
fn version_of(version: http::Version) -> NetworkProtocolVersion {
    match version {
        http::Version::HTTP_09 => NetworkProtocolVersion::V0_9,
        http::Version::HTTP_10 => NetworkProtocolVersion::V1_0,
        http::Version::HTTP_2 => NetworkProtocolVersion::V2,
        http::Version::HTTP_3 => NetworkProtocolVersion::V3,
        _ => NetworkProtocolVersion::V1_1,
    }
}
