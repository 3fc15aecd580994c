//! The stages of an auction, from its opening to the notification, and the span that shows each of them.

use std::fmt;

use super::model::{Span, SpanKind};

/// The name of the span that decides an award.
pub(super) const AWARD: &str = "auction.award";

/// A step between the opening and the notification that has a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The gateway serves the request that opens the auction.
    Opening,
    /// The auction service opens the auction.
    Opened,
    /// The catalog finds the restaurants that may bid.
    Search,
    /// The auction service decides the award.
    Award,
    /// The award's event is published.
    AwardSent,
    /// The order service processes the award's event.
    AwardReceived,
    /// The order service settles the order.
    Settlement,
    /// Coupon and points are reserved.
    Reservation,
    /// The payment is authorised.
    Payment,
    /// Coupon and points are committed.
    RewardCommit,
    /// The order's event is published.
    ConfirmationSent,
    /// The notification service processes the order's event.
    Notification,
    /// The award is revoked because its payment was declined.
    Revocation,
}

// === impl Stage ===

impl Stage {
    /// The stages of every auction that ends in a confirmed order.
    pub const CONFIRMED: [Self; 12] = [
        Self::Opening,
        Self::Opened,
        Self::Search,
        Self::Award,
        Self::AwardSent,
        Self::AwardReceived,
        Self::Settlement,
        Self::Reservation,
        Self::Payment,
        Self::RewardCommit,
        Self::ConfirmationSent,
        Self::Notification,
    ];

    /// Whether `span` is the span of this stage.
    pub fn is_shown_by(self, span: &Span) -> bool {
        let (service, kind, name) = match self {
            Self::Opening => ("gateway", SpanKind::Server, "POST /v1/auctions"),
            Self::Opened => (
                "auction",
                SpanKind::Server,
                "bidtrace.auction.v1.Auctions/OpenAuction",
            ),
            Self::Search => (
                "catalog",
                SpanKind::Server,
                "bidtrace.catalog.v1.Catalog/FindEligible",
            ),
            Self::Award => ("auction", SpanKind::Internal, AWARD),
            Self::AwardSent => ("auction", SpanKind::Producer, "send events.auction.awarded"),
            Self::AwardReceived => (
                "order",
                SpanKind::Consumer,
                "process events.auction.awarded",
            ),
            Self::Settlement => ("order", SpanKind::Internal, "order.settle"),
            Self::Reservation => (
                "reward",
                SpanKind::Server,
                "bidtrace.reward.v1.Rewards/Reserve",
            ),
            Self::Payment => ("payment", SpanKind::Server, "POST /v1/authorisations"),
            Self::RewardCommit => (
                "reward",
                SpanKind::Server,
                "bidtrace.reward.v1.Rewards/Commit",
            ),
            Self::ConfirmationSent => ("order", SpanKind::Producer, "send events.order.confirmed"),
            Self::Notification => (
                "notification",
                SpanKind::Consumer,
                "process events.order.confirmed",
            ),
            Self::Revocation => (
                "auction",
                SpanKind::Server,
                "bidtrace.auction.v1.Auctions/RevokeAward",
            ),
        };
        span.service == service && span.kind == kind && span.name == name
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opening => "the gateway serving the opening",
            Self::Opened => "the auction service opening the auction",
            Self::Search => "the catalog's search",
            Self::Award => "the award",
            Self::AwardSent => "the award's event being sent",
            Self::AwardReceived => "the order service processing the award",
            Self::Settlement => "the settlement",
            Self::Reservation => "the reservation of the reward",
            Self::Payment => "the payment's authorisation",
            Self::RewardCommit => "the commit of the reward",
            Self::ConfirmationSent => "the order's confirmation being sent",
            Self::Notification => "the notification of the confirmation",
            Self::Revocation => "the revocation of the award",
        })
    }
}
