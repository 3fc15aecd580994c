//! What was said and could not be used.

use std::fmt;

use crate::metrics::signals::TelemetryConfigurationRejected;

/// The label value for all unknown variables, so that the metric's cardinality is bounded.
const OTHER: &str = "_OTHER";

/// Maximum length of a value in an error or a log line.
const SHOWN: usize = 200;

/// A variable with an invalid value.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejected {
    /// The variable's name.
    pub variable: String,
    /// Its value; truncated when long, hidden when it may hold a secret.
    pub value: String,
    /// The expected form.
    pub expected: String,
    /// The declared name of the variable, if it is known.
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

/// Logs a warning for each and counts it. The series for unknown variables exists from the start.
pub(crate) fn report(rejected: &[Rejected]) {
    let other = TelemetryConfigurationRejected {
        telemetry_variable: OTHER,
    };
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
            Some(variable) => TelemetryConfigurationRejected {
                telemetry_variable: variable,
            }
            .add(1),
            None => other.add(1),
        }
    }
}
