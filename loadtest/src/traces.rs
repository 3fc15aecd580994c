//! Is a trace whole? The verifier reads what Jaeger has and names everything that is missing.
//!
//! [`model`] is a trace as it was read; [`structure`] asks what holds for any trace (one root, every parent there);
//! [`auction`] and [`bid`] ask what must be in the
//! trace of an auction and in that of a bid.

pub mod auction;
pub mod bid;
#[cfg(test)]
mod fixture;
pub mod model;
pub mod structure;

pub use auction::{AuctionTrace, Stage};
pub use model::{Kind, Link, Span, Trace};
pub use structure::{Finding, Hop};
