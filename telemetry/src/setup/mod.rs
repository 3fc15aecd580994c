//! Initialisation and shutdown.

pub(crate) mod guard;
pub(crate) mod init;
pub(crate) mod resource;
pub(crate) mod signal;
