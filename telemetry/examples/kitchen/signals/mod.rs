//! What the registry declares.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

pub mod attributes;
mod kitchen;
mod values;

use telemetry::signals::Metric;

pub use kitchen::*;
pub use values::*;

/// Every metric.
pub const ALL: &[&Metric] = &[&SOUPS, &HEAT, &PREPARATION_DURATION];
