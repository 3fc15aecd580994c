//! The keys of attributes.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

/// The award.
pub const AUCTION_AWARD_ID: &str = "auction.award.id";

/// How many bids it had.
pub const AUCTION_BIDS: &str = "auction.bids";

/// The auction.
pub const AUCTION_ID: &str = "auction.id";

/// What the award costs, in minor units of its currency.
pub const AUCTION_PRICE: &str = "auction.price";

/// `accepted`, or the stable code of the rule that rejected.
pub const BID_OUTCOME: &str = "bid.outcome";

/// What is bid, in minor units of its currency.
pub const BID_PRICE: &str = "bid.price";

/// How a notification is delivered.
pub const CHANNEL: &str = "channel";

/// How many dishes are wanted.
pub const DISHES: &str = "dishes";

/// As the semantic conventions define it.
pub const ERROR_TYPE: &str = "error.type";

/// How many restaurants were found.
pub const FOUND: &str = "found";

/// What the notification tells of.
pub const NOTIFICATION_KIND: &str = "notification.kind";

/// The order.
pub const ORDER_ID: &str = "order.id";

/// How the order stands.
pub const ORDER_STATE: &str = "order.state";

/// What came of it.
pub const OUTCOME: &str = "outcome";

/// What an account may do.
pub const ROLE: &str = "role";

/// What came of the step.
pub const SAGA_OUTCOME: &str = "saga.outcome";

/// The step of the settlement.
pub const SAGA_STEP: &str = "saga.step";

/// Which step it is.
pub const STEP: &str = "step";

/// The collector keeps the trace, whatever else it would do with it.
pub const TELEMETRY_KEEP: &str = "telemetry.keep";

/// Which attempt at posting it is, from 1.
pub const WEBHOOK_ATTEMPT: &str = "webhook.attempt";
