//! What the load generator measures of an auction.

use tokio::time::Instant;

use crate::client::CallError;

/// An operation whose latency is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Opening an auction.
    OpenAuction,
    /// Placing a bid.
    PlaceBid,
    /// From the award's event in the customer's stream to the confirmed order.
    AwardToConfirmed,
}

/// Receives the events of auctions as they happen.
pub trait Observer: Send + Sync + 'static {
    /// An operation has ended now; its intended start was `intended`.
    fn operation_ended(
        &self,
        operation: Operation,
        intended: Instant,
        result: Result<(), &CallError>,
    );
    /// An auction has opened.
    fn auction_opened(&self) {}
    /// An auction has been awarded.
    fn auction_awarded(&self) {}
}

// === impl Operation ===

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 3] = [Self::OpenAuction, Self::PlaceBid, Self::AwardToConfirmed];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenAuction => "open_auction",
            Self::PlaceBid => "place_bid",
            Self::AwardToConfirmed => "award_to_confirmed",
        }
    }
}
