//! What the registry declares.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

pub mod attributes;
mod metrics;
mod values;

use telemetry::signals::Metric;

pub use metrics::*;
pub use values::*;

/// Every metric.
pub const ALL: &[&Metric] = &[
    &ACCOUNT_SIGN_UPS,
    &ACCOUNT_LOG_INS,
    &CATALOG_ELIGIBLE,
    &AUCTION_OPENED,
    &AUCTION_OPEN,
    &AUCTION_ENDED,
    &AUCTION_AWARDS_REVOKED,
    &AUCTION_AWARD_LATENESS,
    &AUCTION_BIDS,
    &AUCTION_BIDS_PER_AUCTION,
    &AUCTION_SAVING,
    &REWARD_RESERVATIONS,
    &ORDER_SETTLED,
    &ORDER_SETTLING,
    &ORDER_SETTLEMENT_DURATION,
    &ORDER_SAGA_STEPS,
    &PAYMENT_AUTHORISATIONS,
    &NOTIFICATION_DELIVERIES,
    &NOTIFICATION_DELAY,
    &OUTBOX_PENDING,
    &OUTBOX_OLDEST_AGE,
    &GATEWAY_RATE_LIMITED,
    &GATEWAY_LIVE_CLIENTS,
];
