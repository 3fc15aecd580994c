//! A lean bridge from `tracing` to OpenTelemetry, in the place of `tracing-opentelemetry`.
//!
//! It makes the same spans, attributes, events and status as that crate does by default, but for the code's location,
//! threads, targets of spans and times of idleness, which it has not; unsigned numbers are numbers, not texts; and a span
//! is closed with its last handle, also when spans below it are open. It
//! is a whole [`Bridge`], not a layer on a registry: what layers share of a span is looked up for each of them, and a span
//! that already is one of OpenTelemetry's needs nothing of `tracing` until somebody asks for it ([`enter`]).
//!
//! # Why it has another crate's name
//!
//! `OpenTelemetrySpanExt` finds the data of a span by its type. Under the layer of another crate it finds nothing and
//! says nothing. So this crate is patched in for the whole build, and everybody who names the trait gets this one:
//! what it offers works, and what it has not does not compile.
//!
//! ```toml
//! [patch.crates-io]
//! tracing-opentelemetry = { path = "telemetry/lean-bridge" }
//! ```

mod bridge;
mod ext;
mod fields;
mod span;
mod spans;
mod stack;

pub use bridge::{Bridge, Gate};
pub use ext::{OpenTelemetrySpanExt, SetParentError, get_otel_context};
pub use stack::{Inside, enter};
