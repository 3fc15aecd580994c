//! The metrics of the platform's own services.

use telemetry::signals::{self, Metric};

/// Every metric that a service of the platform exposes: the telemetry crate's and the platform's own.
pub(crate) fn all() -> impl Iterator<Item = &'static Metric> {
    signals::all().chain(registry::ALL.iter().copied())
}
