//! The gateway over HTTP, in front of stand-ins for the services that record what reaches them.

mod authentication;
mod golden;
mod idempotency;
mod limits;
mod live;
mod problems;
mod routes;
mod support;
mod trust;
