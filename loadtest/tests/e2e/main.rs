//! The whole platform, end to end, against the stack that runs: `make up LOAD=0`, then
//! `cargo test --release -p loadtest --features e2e -- --test-threads=1`.

mod contract;
mod crowd;
mod edge;
mod footprint;
mod forced;
mod kills;
mod kitchen;
mod payments;
mod play;
mod processes;
mod remote_sampling;
mod sampling;
mod signals;
mod stack;
mod whole_path;
