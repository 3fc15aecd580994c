//! The sets of values that labels and attributes have.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use telemetry::signals::AttributeEnum;

/// The values of `bidtrace.outcome`: What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountLogInsOutcome {
    /// `ok`.
    Ok,
    /// `refused`.
    Refused,
}

impl AccountLogInsOutcome {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Ok, Self::Refused];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for AccountLogInsOutcome {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `account.role`: What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AccountRole {
    /// `customer`.
    Customer,
    /// `restaurant`.
    Restaurant,
}

impl AccountRole {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Customer, Self::Restaurant];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Restaurant => "restaurant",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for AccountRole {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `bidtrace.outcome`: What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuctionBidsOutcome {
    /// `accepted`.
    Accepted,
    /// `auction.not_open`.
    AuctionNotOpen,
    /// `auction.deadline_passed`.
    AuctionDeadlinePassed,
    /// `auction.not_eligible`.
    AuctionNotEligible,
    /// `auction.wrong_currency`.
    AuctionWrongCurrency,
    /// `auction.bid_too_high`.
    AuctionBidTooHigh,
}

impl AuctionBidsOutcome {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Accepted,
        Self::AuctionNotOpen,
        Self::AuctionDeadlinePassed,
        Self::AuctionNotEligible,
        Self::AuctionWrongCurrency,
        Self::AuctionBidTooHigh,
    ];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::AuctionNotOpen => "auction.not_open",
            Self::AuctionDeadlinePassed => "auction.deadline_passed",
            Self::AuctionNotEligible => "auction.not_eligible",
            Self::AuctionWrongCurrency => "auction.wrong_currency",
            Self::AuctionBidTooHigh => "auction.bid_too_high",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for AuctionBidsOutcome {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `bidtrace.outcome`: What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuctionEndedOutcome {
    /// `awarded`.
    Awarded,
    /// `expired`.
    Expired,
    /// `closed`.
    Closed,
    /// `failed`.
    Failed,
}

impl AuctionEndedOutcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Awarded, Self::Expired, Self::Closed, Self::Failed];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Awarded => "awarded",
            Self::Expired => "expired",
            Self::Closed => "closed",
            Self::Failed => "failed",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for AuctionEndedOutcome {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `notification.channel`: How a notification is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotificationChannel {
    /// What the person reads in the platform.
    Inbox,
    /// A URL of the restaurant.
    Webhook,
}

impl NotificationChannel {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Inbox, Self::Webhook];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbox => "inbox",
            Self::Webhook => "webhook",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for NotificationChannel {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `bidtrace.outcome`: What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotificationDeliveriesOutcome {
    /// `delivered`.
    Delivered,
    /// `failed`.
    Failed,
}

impl NotificationDeliveriesOutcome {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Delivered, Self::Failed];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for NotificationDeliveriesOutcome {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `bidtrace.outcome`: What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderSettledOutcome {
    /// `confirmed`.
    Confirmed,
    /// `failed`.
    Failed,
}

impl OrderSettledOutcome {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Confirmed, Self::Failed];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Failed => "failed",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for OrderSettledOutcome {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `bidtrace.outcome`: What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaymentAuthorisationsOutcome {
    /// `authorised`.
    Authorised,
    /// `declined`.
    Declined,
    /// `stalled`.
    Stalled,
    /// `failed`.
    Failed,
}

impl PaymentAuthorisationsOutcome {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Authorised,
        Self::Declined,
        Self::Stalled,
        Self::Failed,
    ];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorised => "authorised",
            Self::Declined => "declined",
            Self::Stalled => "stalled",
            Self::Failed => "failed",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for PaymentAuthorisationsOutcome {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `bidtrace.outcome`: What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RewardReservationsOutcome {
    /// `reserved`.
    Reserved,
    /// `refused`.
    Refused,
    /// `committed`.
    Committed,
    /// `released`.
    Released,
}

impl RewardReservationsOutcome {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Reserved,
        Self::Refused,
        Self::Committed,
        Self::Released,
    ];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Refused => "refused",
            Self::Committed => "committed",
            Self::Released => "released",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for RewardReservationsOutcome {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `saga.outcome`: What came of the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SagaOutcome {
    /// `retried`.
    Retried,
    /// `done`.
    Done,
    /// `refused`.
    Refused,
    /// `unavailable`.
    Unavailable,
}

impl SagaOutcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Retried, Self::Done, Self::Refused, Self::Unavailable];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retried => "retried",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for SagaOutcome {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `saga.step`: The step of the settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SagaStep {
    /// `reserve`.
    Reserve,
    /// `authorise`.
    Authorise,
    /// `confirm`.
    Confirm,
    /// `commit`.
    Commit,
    /// `void`.
    Void,
    /// `release`.
    Release,
    /// `fail`.
    Fail,
    /// `revoke`.
    Revoke,
}

impl SagaStep {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Reserve,
        Self::Authorise,
        Self::Confirm,
        Self::Commit,
        Self::Void,
        Self::Release,
        Self::Fail,
        Self::Revoke,
    ];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Authorise => "authorise",
            Self::Confirm => "confirm",
            Self::Commit => "commit",
            Self::Void => "void",
            Self::Release => "release",
            Self::Fail => "fail",
            Self::Revoke => "revoke",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for SagaStep {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}
