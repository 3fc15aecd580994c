//! Why an auction did not end with a confirmed order.

use std::fmt;

use crate::client::{AuctionState, CallError};

/// A step of an auction that the load generator waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The request that opens the auction.
    Opening,
    /// The award at the deadline.
    Award,
    /// The confirmed order.
    Order,
    /// The customer's notification of the confirmed order.
    Notification,
}

/// Why an auction did not end with a confirmed order.
#[derive(Debug, thiserror::Error)]
pub enum AuctionError {
    /// A request failed.
    #[error("{step}: {error}")]
    Call {
        /// The step.
        step: Step,
        /// Why.
        error: CallError,
    },
    /// No bid was accepted.
    #[error("no bid was accepted")]
    NoBid,
    /// It ended in another state than awarded.
    #[error("the auction ended as {0:?}")]
    Ended(AuctionState),
    /// A step did not happen in time.
    #[error("{0} did not come in time")]
    TimedOut(Step),
}

// === impl Step ===

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opening => "opening the auction",
            Self::Award => "the award",
            Self::Order => "the order",
            Self::Notification => "the notification",
        })
    }
}

// === impl AuctionError ===

impl AuctionError {
    /// A stable name of the error, for counting.
    pub fn code(&self) -> String {
        match self {
            Self::Call { error, .. } => error.code().to_owned(),
            Self::NoBid => "auction.no_bid_accepted".to_owned(),
            Self::Ended(state) => format!("auction.ended_{state:?}").to_lowercase(),
            Self::TimedOut(step) => format!("overdue.{}", step.to_string().replace(' ', "_")),
        }
    }
}
