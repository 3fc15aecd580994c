//! The sets of values that labels and attributes have.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use telemetry::signals::AttributeEnum;

/// The values of `dish.outcome`: What became of a dish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DishOutcome {
    /// `ok`.
    Ok,
    /// `cold`.
    Cold,
}

impl DishOutcome {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Ok, Self::Cold];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Cold => "cold",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for DishOutcome {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `dish.size`: How large a dish is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DishSize {
    /// For one.
    Small,
    /// For the table.
    Large,
}

impl DishSize {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Small, Self::Large];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for DishSize {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}
