//! What every bidtrace service needs and no service owns.
//!
//! A service's `main` is one call of [`run`]: it reads the [settings](config::Settings), initialises telemetry,
//! serves the admin port, hands the service a [`Context`] with which to reach its database, the broker and the
//! other services, and on SIGTERM drains, flushes and exits. What the chassis knows of the platform (names, ports,
//! variables) is all in [`platform`].

pub mod broker;
pub mod caller;
pub mod clock;
pub mod config;
pub mod database;
pub mod failure;
pub mod fault;
pub mod grpc;
pub mod health;
mod housekeeping;
pub mod http_client;
pub mod idempotency;
mod lifecycle;
pub mod money;
pub mod outbox;
pub mod page;
pub mod platform;
pub mod problem;
#[cfg(feature = "testing")]
pub mod testing;
pub mod token;

pub use failure::{Failure, Kind};
pub use lifecycle::{Context, run};
