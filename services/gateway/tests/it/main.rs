//! The gateway's HTTP API, with stand-ins for the services.

mod authentication;
mod golden;
mod idempotency;
mod limits;
mod live;
mod problems;
mod routes;
mod support;
mod trust;
