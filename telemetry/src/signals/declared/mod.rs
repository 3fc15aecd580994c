//! The declarations themselves: plain data, a file for each convention that they come from.

mod db;
mod http;
mod logs;
mod messaging;
mod pipeline;
mod process;
mod recorder;
mod rpc;

use super::Metric;

pub use db::*;
pub use http::*;
pub use logs::*;
pub use messaging::*;
pub use pipeline::*;
pub use process::*;
pub use recorder::*;
pub use rpc::*;

/// Every metric that this crate emits, by file.
pub(super) const ALL: &[&[&Metric]] = &[
    http::ALL,
    rpc::ALL,
    messaging::ALL,
    db::ALL,
    pipeline::ALL,
    process::ALL,
    logs::ALL,
    recorder::ALL,
];
