//! The export of spans: a bounded queue with an account of every span, and the OTLP client that empties it.

pub(crate) mod account;
pub(crate) mod batch;
pub(crate) mod otlp;
pub(crate) mod pipeline;
