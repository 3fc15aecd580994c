//! The layers and functions that measure what a service does at its edges, one room per transport, and what they share.
//!
//! A [`Hop`](hop::Hop) is the span of one request, call, message or query, from its start to its only end. An
//! [`Exchange`](exchange::Exchange) is a request with its response, whose body and trailers belong to it.

#[cfg(feature = "db")]
pub mod db;
#[cfg(feature = "grpc")]
pub mod grpc;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "messaging")]
pub mod messaging;

#[cfg(any(feature = "grpc", feature = "http"))]
mod body;
#[cfg(any(feature = "grpc", feature = "http"))]
mod causes;
pub(crate) mod current;
pub(crate) mod error_type;
#[cfg(any(feature = "grpc", feature = "http"))]
mod exchange;
#[cfg(any(feature = "grpc", feature = "http"))]
mod headers;
pub(crate) mod hop;
#[cfg(any(feature = "db", feature = "grpc", feature = "messaging"))]
mod names;
#[cfg(any(feature = "grpc", feature = "http"))]
pub(crate) mod stream;
#[cfg(any(feature = "grpc", feature = "http"))]
mod trust;
