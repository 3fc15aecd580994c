//! Traces, metrics and logs for axum and tonic services, whole from the first hop to the last.
//!
//! Adoption is three lines: initialise, one server layer, one client layer.
//!
//! ```
//! use axum::{Router, routing::get};
//! use telemetry::admin::{Admin, Readiness};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let telemetry = telemetry::init("kitchen")?; // 1
//!
//! let endpoint = tonic::transport::Channel::from_static("http://127.0.0.1:50052");
//! let pantry = endpoint.connect_lazy();
//! let pantry = telemetry::grpc::ClientLayer::to(&endpoint).layer(pantry); // 2: for a generated client
//!
//! let app: Router = Router::new()
//!     .route("/dishes/{id}", get(async || "bibimbap"))
//!     .layer(telemetry::http::ServerLayer::new()); // 3
//!
//! let admin = Admin::bind("127.0.0.1:0", &telemetry, Readiness::default())?;
//! # let stop = async {};
//! tokio::spawn(admin.serve(stop)); // /metrics, /livez, /readyz, /log-level
//! # drop((pantry, app));
//! # if false {
//! telemetry.shutdown().await?; // last: what is left is exported, or the error says how much is lost
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! Everything else follows: `tracing` spans and events below the layers belong to the request, log lines carry
//! its trace id, `/metrics` has its duration, and what it calls goes on in the same trace. Spans end when the
//! response has ended, with its body and trailers, not when its head is there.
//!
//! A handler reaches the span of its request with [`current`]: to set attributes, to name an error, to keep the trace.
//!
//! Work that leaves the request takes its context along: [`context::spawn`] for tasks,
//! [`context::SavedContext`] for what is written down, [`messaging`] for brokers, [`db`] for databases. What a
//! service counts itself, it declares in a registry of its own: `docs/registry.md` shows how.
//!
//! Settings are the standard `OTEL_*` variables, `RUST_LOG`, which never cuts traces, and a few of our own:
//! `docs/configuration.md` lists them all. A value that cannot be used is warned of and ignored, or an error at
//! start-up when the mode is [strict](Builder::strict).

// What several features share is not cut up between them.
#![cfg_attr(
    not(all(
        feature = "db",
        feature = "grpc",
        feature = "http",
        feature = "messaging",
        feature = "test"
    )),
    allow(dead_code, unreachable_pub)
)]

pub mod admin;
#[cfg(feature = "test")]
pub mod test;

mod export;
mod layers;
mod logs;
mod metrics;
mod settings;
mod setup;
mod token;
mod trace;

#[cfg(feature = "db")]
pub use crate::layers::db;
#[cfg(feature = "grpc")]
pub use crate::layers::grpc;
#[cfg(feature = "http")]
pub use crate::layers::http;
#[cfg(feature = "messaging")]
pub use crate::layers::messaging;
pub use crate::metrics::signals;
pub use crate::trace::{context, sampling};

pub use crate::export::account::{Loss, Losses, Snapshot};
pub use crate::export::otlp::ExporterError;
pub use crate::layers::current::{ServerSpan, current};
pub use crate::layers::error_type::{Classify, ErrorType};
pub use crate::settings::{Rejected, environment_reference};
pub use crate::setup::guard::{FlushError, ShutdownError, Telemetry};
pub use crate::setup::init::{Builder, InitError, builder, init};
pub use crate::setup::signal::shutdown_signal;

/// The pages for adopters, so that their examples are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../docs/adopting-telemetry.md")]
#[doc = include_str!("../../docs/sampling.md")]
#[doc = include_str!("../../docs/testing-telemetry.md")]
#[doc = include_str!("../../docs/messages-and-databases.md")]
struct AdoptersPages;
