//! The simulated provider, on both engines and over HTTP.

mod http;
mod store;
