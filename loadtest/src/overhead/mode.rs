//! With and without telemetry.

use serde::Serialize;

/// Whether the services run with telemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Telemetry {
    /// With telemetry, as by default.
    On,
    /// With `OTEL_SDK_DISABLED=true`: contexts are still propagated, and metrics and logs stay.
    Off,
}

// === impl Telemetry ===

impl Telemetry {
    /// `on` or `off`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}
