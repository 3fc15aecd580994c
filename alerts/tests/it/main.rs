//! The generated rules, and the objectives that they follow from.

#![allow(clippy::unwrap_used)] // Also in what the tests share.

mod files;
mod objectives;
#[path = "../../../telemetry/tests/it/programs.rs"]
mod programs;
mod promtool;
mod rules;
