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

/// The method as a label: those that the conventions do not know are `_OTHER`, since anybody can make up more.
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

/// The method as an attribute.
fn method_label(method: &Method) -> &'static str {
    method_of(method).as_str()
}

/// What the conventions call a method that they do not know.
const OTHER: &str = HttpRequestMethod::Other.as_str();

/// The version as a label.
fn version_of(version: http::Version) -> NetworkProtocolVersion {
    match version {
        http::Version::HTTP_09 => NetworkProtocolVersion::V0_9,
        http::Version::HTTP_10 => NetworkProtocolVersion::V1_0,
        http::Version::HTTP_2 => NetworkProtocolVersion::V2,
        http::Version::HTTP_3 => NetworkProtocolVersion::V3,
        _ => NetworkProtocolVersion::V1_1,
    }
}

/// The version as an attribute.
fn version_text(version: http::Version) -> &'static str {
    version_of(version).as_str()
}
