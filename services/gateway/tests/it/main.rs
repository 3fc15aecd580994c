//! The gateway over HTTP, in front of stand-ins for the services that record what reaches them.

mod authentication;
mod edge;
mod golden;
mod idempotency;
mod limits;
mod live;
mod platform;
mod problems;
mod routes;
mod samples;
mod trust;
