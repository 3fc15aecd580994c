//! The keys of attributes.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

/// How large a dish is.
pub const DISH_SIZE: &str = "dish.size";

/// As the semantic conventions define it.
pub const ERROR_TYPE: &str = "error.type";

/// What became of a dish.
pub const OUTCOME: &str = "outcome";
