//! What was said and could not be used.

use std::fmt;

use crate::metrics::signals::TelemetryConfigurationRejected;

/// Stands for all variables that are not known, so that the metric is bounded.
const OTHER: &str = "_OTHER";

/// How much of a value is shown.
const SHOWN: usize = 200;

/// A variable whose value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejected {
    /// The variable.
    pub variable: String,
    /// The value that it had, cut when it is long, and hidden when it may hold a secret.
    pub value: String,
    /// What would be right.
    pub expected: String,
    /// The name under which the variable is declared, when it is.
    declared: Option<&'static str>,
}

// === impl Rejected ===

impl Rejected {
    pub(super) fn new(
        variable: &str,
        declared: Option<&'static str>,
        value: &str,
        expected: String,
    ) -> Self {
        // Headers carry tokens, and a URL may have a password before its `@`.
        let secret = variable.ends_with("_HEADERS") || value.contains('@');
        let value = if secret {
            "(hidden)".to_owned()
        } else {
            value.chars().take(SHOWN).collect()
        };
        Self {
            variable: variable.to_owned(),
            value,
            expected,
            declared,
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            variable,
            value,
            expected,
            ..
        } = self;
        write!(f, "{variable}={value}: expected {expected}")
    }
}

/// Warns of each and counts it. The series that stands for unknown variables is there from the start.
pub(crate) fn report(rejected: &[Rejected]) {
    let other = TelemetryConfigurationRejected { variable: OTHER };
    other.add(0);
    for Rejected {
        variable,
        value,
        expected,
        declared,
    } in rejected
    {
        tracing::warn!(
            variable,
            value,
            expected,
            "a variable is ignored, since its value cannot be used"
        );
        match *declared {
            Some(variable) => TelemetryConfigurationRejected { variable }.add(1),
            None => other.add(1),
        }
    }
}
