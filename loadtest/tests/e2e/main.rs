//! End-to-end tests of the whole platform against the running stack: `make up LOAD=0`, then
//! `cargo test --release -p loadtest --features e2e -- --test-threads=1`.

mod concurrent_auctions;
mod contract;
mod edge;
mod exposure;
mod kills;
mod payments;
mod remote_sampling;
mod sampling;
mod signals;
mod support;
mod whole_path;
