//! Setting the telemetry up, and its end.

pub(crate) mod guard;
pub(crate) mod init;
pub(crate) mod resource;
pub(crate) mod signal;
