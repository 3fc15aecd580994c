//! The keys of attributes, each with the type of its values.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use super::values::{DishOutcome, DishSize};
use telemetry::signals::AttributeKey;

/// What became of a dish.
pub const DISH_OUTCOME: AttributeKey<DishOutcome> = AttributeKey::declared("dish.outcome");

/// How large a dish is.
pub const DISH_SIZE: AttributeKey<DishSize> = AttributeKey::declared("dish.size");

/// As the semantic conventions define it.
pub const ERROR_TYPE: AttributeKey<str> = AttributeKey::declared("error.type");
