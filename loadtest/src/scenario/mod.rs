//! One auction from the opening to the notification: the customer opens it and follows its event stream, restaurants
//! place bids on schedule, the order is settled, and the customer is notified.

mod error;
mod observer;
pub mod payment;
mod plan;
mod run;

pub use error::{AuctionError, Step};
pub use observer::{Observer, Operation};
pub use plan::{PlannedAuction, PlannedBid};
pub use run::CompletedAuction;
