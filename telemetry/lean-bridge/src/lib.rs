//! A lean bridge from `tracing` to OpenTelemetry, in the place of `tracing-opentelemetry`.
//!
//! It makes the same spans, attributes, events and status as that crate does by default, but for the code's location,
//! threads, targets of spans and times of idleness, which it has not; and unsigned numbers are numbers, not texts. It
//! is for a subscriber on [`Registry`](tracing_subscriber::Registry), with one layer of its kind.
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

mod ext;
mod fields;
mod layer;
mod span;

pub use ext::{OpenTelemetrySpanExt, SetParentError, get_otel_context};
pub use layer::{OpenTelemetryLayer, layer};
pub use span::standing_for;
