//! The keys of attributes, each with the type of its values.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use super::values::{AccountRole, NotificationChannel, SagaOutcome, SagaStep};
use telemetry::signals::AttributeKey;

/// What an account may do.
pub const ACCOUNT_ROLE: AttributeKey<AccountRole> = AttributeKey::declared("account.role");

/// The award.
pub const AUCTION_AWARD_ID: AttributeKey<str> = AttributeKey::declared("auction.award.id");

/// How many bids it had.
pub const AUCTION_BIDS: AttributeKey<i64> = AttributeKey::declared("auction.bids");

/// The auction.
pub const AUCTION_ID: AttributeKey<str> = AttributeKey::declared("auction.id");

/// What the award costs, in minor units of its currency.
pub const AUCTION_PRICE: AttributeKey<i64> = AttributeKey::declared("auction.price");

/// `accepted`, or the stable code of the rule that rejected.
pub const BID_OUTCOME: AttributeKey<str> = AttributeKey::declared("bid.outcome");

/// What is bid, in minor units of its currency.
pub const BID_PRICE: AttributeKey<i64> = AttributeKey::declared("bid.price");

/// What came of it.
pub const OUTCOME: AttributeKey<str> = AttributeKey::declared("bidtrace.outcome");

/// How many dishes are wanted.
pub const CATALOG_DISHES: AttributeKey<i64> = AttributeKey::declared("catalog.dishes");

/// How many restaurants were found.
pub const CATALOG_RESTAURANTS: AttributeKey<i64> = AttributeKey::declared("catalog.restaurants");

/// As the semantic conventions define it.
pub const ERROR_TYPE: AttributeKey<str> = AttributeKey::declared("error.type");

/// How a notification is delivered.
pub const NOTIFICATION_CHANNEL: AttributeKey<NotificationChannel> =
    AttributeKey::declared("notification.channel");

/// What the notification tells of.
pub const NOTIFICATION_KIND: AttributeKey<str> = AttributeKey::declared("notification.kind");

/// The order.
pub const ORDER_ID: AttributeKey<str> = AttributeKey::declared("order.id");

/// How the order stands.
pub const ORDER_STATE: AttributeKey<str> = AttributeKey::declared("order.state");

/// The step of the reservation.
pub const REWARD_STEP: AttributeKey<str> = AttributeKey::declared("reward.step");

/// What came of the step.
pub const SAGA_OUTCOME: AttributeKey<SagaOutcome> = AttributeKey::declared("saga.outcome");

/// The step of the settlement.
pub const SAGA_STEP: AttributeKey<SagaStep> = AttributeKey::declared("saga.step");

/// The collector keeps the trace, whatever else it would do with it.
pub const TELEMETRY_KEEP: AttributeKey<bool> = AttributeKey::declared("telemetry.keep");

/// Which attempt at posting it is, from 1.
pub const WEBHOOK_ATTEMPT: AttributeKey<i64> = AttributeKey::declared("webhook.attempt");
