//! The rules as Prometheus gets them, and the objectives as people write them.

#![allow(clippy::unwrap_used)] // Also in what the tests share.

mod files;
mod objectives;
#[path = "../../../telemetry/tests/it/programs.rs"]
mod programs;
mod promtool;
mod rules;
