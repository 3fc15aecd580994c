//! What the platform emits beside the [`telemetry`] crate, as the registry beside this file declares it. A service
//! records through these types, and the dashboards and alerts refer to these constants.

mod generated;

pub use generated::*;
