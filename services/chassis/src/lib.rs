//! The service chassis: what every bidtrace service needs.
//!
//! A service's `main` is one call of [`run`]. It reads the [settings](config::Settings), initialises telemetry, serves
//! the admin port, and gives the service a [`Context`] to open its database, the broker and channels to the other
//! services. On SIGTERM it drains, flushes and exits.
//!
//! Constants that several services share have one home: names, ports and variables in [`platform`], header names in
//! [`headers`], page sizes in [`page`].

pub mod broker;
pub mod caller;
pub mod clock;
pub mod config;
pub mod database;
pub mod failure;
pub mod fault;
pub mod grpc;
pub mod headers;
pub mod health;
pub mod http_client;
pub mod idempotency;
pub mod inbox;
mod lifecycle;
pub mod money;
pub mod outbox;
pub mod page;
pub mod platform;
pub mod problem;
mod pruning;
#[cfg(feature = "testing")]
pub mod testing;
pub mod token;

pub use failure::{Failure, Kind};
pub use lifecycle::{Context, run};
