//! Compares the telemetry that the services emit with what the registries declare, in both directions.
//!
//! A [`Contract`] is the registries of the telemetry crate and of the platform. [`LiveCheck`] takes the metrics of the
//! services and the spans from Jaeger, and reports what of it is not as it is declared, and what is declared and was not
//! emitted. [`Contract::naming_problems`] checks the declarations alone, without a running service.

mod declarations;
mod item;
mod live;
mod naming;
#[cfg(test)]
mod tests;
mod types;

pub use declarations::Contract;
pub use live::LiveCheck;
