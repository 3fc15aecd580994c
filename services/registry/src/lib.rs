//! The metrics that the platform declares on top of the [`telemetry`] crate's, once, as data. A service records
//! through these values, and the dashboards and alerts refer to them.

use telemetry::signals::{Kind, LATENCY_BUCKETS, Metric};

macro_rules! declare {
    ($($(#[$doc:meta])* $constant:ident = $kind:ident $name:literal in $unit:literal, $help:literal, buckets $buckets:expr, by [$($label:literal),*];)*) => {
        $(
            $(#[$doc])*
            pub const $constant: Metric = Metric {
                name: $name,
                kind: Kind::$kind,
                unit: $unit,
                help: $help,
                buckets: $buckets,
                labels: &[$($label),*],
            };
        )*

        /// Every metric of the platform.
        pub const ALL: &[&Metric] = &[$(&$constant),*];
    };
}

/// Seconds from an auction's deadline or award to what follows: milliseconds to a minute.
const SETTLEMENT_BUCKETS: &[f64] = &[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// The share of the ceiling price that the bidding took off.
const RATIO_BUCKETS: &[f64] = &[0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75];

/// Counts of restaurants and bids.
const COUNT_BUCKETS: &[f64] = &[0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0];

declare! {
    /// Sign-ups by role.
    ACCOUNT_SIGN_UPS = Counter "bidtrace.account.sign_ups" in "{account}", "Accounts made", buckets &[], by ["role"];
    /// Logins by outcome: `ok` or `refused`.
    ACCOUNT_LOG_INS = Counter "bidtrace.account.log_ins" in "{login}", "Attempts to log in", buckets &[], by ["outcome"];
    /// How many restaurants a request found.
    CATALOG_ELIGIBLE = Histogram "bidtrace.catalog.eligible" in "{restaurant}", "Restaurants found eligible per search", buckets COUNT_BUCKETS, by [];
    /// Auctions opened.
    AUCTION_OPENED = Counter "bidtrace.auction.opened" in "{auction}", "Auctions opened", buckets &[], by [];
    /// Auctions that take bids just now.
    AUCTION_OPEN = Gauge "bidtrace.auction.open" in "{auction}", "Auctions that take bids just now", buckets &[], by [];
    /// Auctions ended, by outcome: `awarded`, `expired`, `closed` or `failed`.
    AUCTION_ENDED = Counter "bidtrace.auction.ended" in "{auction}", "Auctions ended", buckets &[], by ["outcome"];
    /// Awards revoked because their payment declined.
    AUCTION_AWARDS_REVOKED = Counter "bidtrace.auction.awards_revoked" in "{award}", "Awards revoked", buckets &[], by [];
    /// From the deadline to the award's commit.
    AUCTION_AWARD_LATENESS = Histogram "bidtrace.auction.award.lateness" in "s", "Time from an auction's deadline to its award", buckets SETTLEMENT_BUCKETS, by [];
    /// Bids by outcome: `accepted`, or the stable code of the rule that rejected.
    AUCTION_BIDS = Counter "bidtrace.auction.bids" in "{bid}", "Bids placed; a rejected one is a good event", buckets &[], by ["outcome"];
    /// Bids per ended auction.
    AUCTION_BIDS_PER_AUCTION = Histogram "bidtrace.auction.bids_per_auction" in "{bid}", "Bids per ended auction", buckets COUNT_BUCKETS, by [];
    /// What the bidding took off, as a share of the ceiling price.
    AUCTION_SAVING = Histogram "bidtrace.auction.saving" in "1", "Share of the ceiling price that the bidding took off", buckets RATIO_BUCKETS, by [];
    /// Reservations by outcome: `reserved`, `refused`, `committed` or `released`.
    REWARD_RESERVATIONS = Counter "bidtrace.reward.reservations" in "{reservation}", "Reservations of coupons and points", buckets &[], by ["outcome"];
    /// Orders ended, by outcome: `confirmed` or `failed`.
    ORDER_SETTLED = Counter "bidtrace.order.settled" in "{order}", "Settlements ended", buckets &[], by ["outcome"];
    /// Settlements that are under way.
    ORDER_SETTLING = Gauge "bidtrace.order.settling" in "{order}", "Settlements under way", buckets &[], by [];
    /// From the award to the end of its settlement.
    ORDER_SETTLEMENT_DURATION = Histogram "bidtrace.order.settlement.duration" in "s", "Time from an award to the end of its settlement", buckets SETTLEMENT_BUCKETS, by ["outcome"];
    /// Steps of the settlement saga, by step and outcome: `done`, `refused`, `retried` or `unavailable` (given up).
    ORDER_SAGA_STEPS = Counter "bidtrace.order.saga.steps" in "{step}", "Steps of the settlement saga", buckets &[], by ["step", "outcome"];
    /// Authorisations by outcome: `authorised`, `declined`, `stalled` or `failed` (for now).
    PAYMENT_AUTHORISATIONS = Counter "bidtrace.payment.authorisations" in "{authorisation}", "Payments asked for", buckets &[], by ["outcome"];
    /// Notifications by channel (`inbox`, `webhook`) and outcome (`delivered`, `failed`).
    NOTIFICATION_DELIVERIES = Counter "bidtrace.notification.deliveries" in "{notification}", "Notifications delivered", buckets &[], by ["channel", "outcome"];
    /// From the event to the notification in the inbox.
    NOTIFICATION_DELAY = Histogram "bidtrace.notification.delay" in "s", "Time from an event to its notification", buckets LATENCY_BUCKETS, by [];
    /// Events that a service's outbox holds and the broker has not.
    OUTBOX_PENDING = Gauge "bidtrace.outbox.pending" in "{event}", "Events in the outbox that are not published yet", buckets &[], by [];
    /// How long the oldest of them has waited; 0 when there is none.
    OUTBOX_OLDEST_AGE = Gauge "bidtrace.outbox.oldest.age" in "s", "Age of the oldest event in the outbox that is not published yet", buckets &[], by [];
    /// Requests that the rate limit refused.
    GATEWAY_RATE_LIMITED = Counter "bidtrace.gateway.rate_limited" in "{request}", "Requests refused by the rate limit", buckets &[], by [];
    /// Clients that follow live bids.
    GATEWAY_LIVE_CLIENTS = Gauge "bidtrace.gateway.live_clients" in "{client}", "Clients that follow live bids", buckets &[], by [];
}
