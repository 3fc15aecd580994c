//! Support for the tests of the settings.

use super::{Settings, VENDOR};

/// The settings from exactly these variables.
pub(super) fn settings(variables: &[(&str, &str)]) -> Settings {
    let variables = variables
        .iter()
        .map(|(name, value)| (name.into(), value.into()));
    Settings::read(variables, None, VENDOR)
}
