//! The crate as a service uses it, against a real OTLP receiver on loopback.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod admin;
mod adoption;
mod bridge;
mod buckets;
mod capture;
mod child;
#[path = "../../src/export/otlp/collector.rs"]
#[allow(dead_code)] // The crate's own tests need more of it.
mod collector;
mod context;
mod current;
mod db;
mod deadlines;
mod echo;
mod environment;
mod environment_export;
mod environment_limits;
mod environment_rules;
mod environment_signals;
mod grpc;
mod grpc_ends;
mod grpc_methods;
mod grpc_web;
mod handlers;
mod harness;
mod hostile;
mod http;
mod http_client;
mod http_conventions;
mod http_ends;
mod http_origin;
mod http_panics;
mod http_routes;
#[path = "../../examples/kitchen/signals/mod.rs"]
#[allow(dead_code)] // What is generated is more than what a test uses.
mod kitchen_signals;
mod logs;
mod messaging;
mod messaging_batch;
mod metrics;
mod names;
mod one_port;
mod process;
mod programs;
mod propagation;
mod receiver;
mod sampling;
mod stream_rate;
mod streams;
