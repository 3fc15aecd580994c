//! The chassis with both database engines and NATS JetStream.

mod broker;
mod containers;
mod database;
mod idempotency;
mod outbox;
mod support;
mod tail_sampling;
