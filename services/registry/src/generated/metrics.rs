//! The metrics of `metrics.yaml`, and the series that each has.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use super::values::{
    AccountLogInsOutcome, AccountRole, AuctionBidsOutcome, AuctionEndedOutcome,
    NotificationChannel, NotificationDeliveriesOutcome, OrderSettledOutcome,
    PaymentAuthorisationsOutcome, RewardReservationsOutcome, SagaOutcome, SagaStep,
};
use telemetry::signals::{Counter, Gauge, Histogram, Kind, LabelWriter, Metric, Series};

/// Accounts made.
pub const ACCOUNT_SIGN_UPS: Metric = Metric {
    name: "bidtrace.account.sign_ups",
    kind: Kind::Counter,
    unit: "{account}",
    help: "Accounts made.",
    buckets: &[],
    labels: &["account.role"],
};

/// One series of [`ACCOUNT_SIGN_UPS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountSignUps {
    /// `account.role`: What an account may do.
    pub account_role: AccountRole,
}

impl AccountSignUps {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        for account_role in AccountRole::ALL {
            Self { account_role }.add(0);
        }
    }
}

impl Series for AccountSignUps {
    const METRIC: &'static Metric = &ACCOUNT_SIGN_UPS;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((self.account_role as u64, self.account_role.as_str())));
    }
}

/// Attempts to log in.
pub const ACCOUNT_LOG_INS: Metric = Metric {
    name: "bidtrace.account.log_ins",
    kind: Kind::Counter,
    unit: "{login}",
    help: "Attempts to log in.",
    buckets: &[],
    labels: &["bidtrace.outcome"],
};

/// One series of [`ACCOUNT_LOG_INS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountLogIns {
    /// `bidtrace.outcome`: What came of it.
    pub outcome: AccountLogInsOutcome,
}

impl AccountLogIns {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        for outcome in AccountLogInsOutcome::ALL {
            Self { outcome }.add(0);
        }
    }
}

impl Series for AccountLogIns {
    const METRIC: &'static Metric = &ACCOUNT_LOG_INS;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((self.outcome as u64, self.outcome.as_str())));
    }
}

/// Restaurants found eligible per search.
pub const CATALOG_ELIGIBLE: Metric = Metric {
    name: "bidtrace.catalog.eligible",
    kind: Kind::Histogram,
    unit: "{restaurant}",
    help: "Restaurants found eligible per search.",
    buckets: &[0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0],
    labels: &[],
};

/// One series of [`CATALOG_ELIGIBLE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CatalogEligible;

impl CatalogEligible {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        drop(Self.histogram());
    }
}

impl Series for CatalogEligible {
    const METRIC: &'static Metric = &CATALOG_ELIGIBLE;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Auctions opened.
pub const AUCTION_OPENED: Metric = Metric {
    name: "bidtrace.auction.opened",
    kind: Kind::Counter,
    unit: "{auction}",
    help: "Auctions opened.",
    buckets: &[],
    labels: &[],
};

/// One series of [`AUCTION_OPENED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuctionOpened;

impl AuctionOpened {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        Self.add(0);
    }
}

impl Series for AuctionOpened {
    const METRIC: &'static Metric = &AUCTION_OPENED;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Auctions that take bids just now.
pub const AUCTION_OPEN: Metric = Metric {
    name: "bidtrace.auction.open",
    kind: Kind::Gauge,
    unit: "{auction}",
    help: "Auctions that take bids just now.",
    buckets: &[],
    labels: &[],
};

/// One series of [`AUCTION_OPEN`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuctionOpen;

impl AuctionOpen {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for AuctionOpen {
    const METRIC: &'static Metric = &AUCTION_OPEN;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Auctions ended.
pub const AUCTION_ENDED: Metric = Metric {
    name: "bidtrace.auction.ended",
    kind: Kind::Counter,
    unit: "{auction}",
    help: "Auctions ended.",
    buckets: &[],
    labels: &["bidtrace.outcome"],
};

/// One series of [`AUCTION_ENDED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuctionEnded {
    /// `bidtrace.outcome`: What came of it.
    pub outcome: AuctionEndedOutcome,
}

impl AuctionEnded {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        for outcome in AuctionEndedOutcome::ALL {
            Self { outcome }.add(0);
        }
    }
}

impl Series for AuctionEnded {
    const METRIC: &'static Metric = &AUCTION_ENDED;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((self.outcome as u64, self.outcome.as_str())));
    }
}

/// Awards revoked, because their payment declined.
pub const AUCTION_AWARDS_REVOKED: Metric = Metric {
    name: "bidtrace.auction.awards_revoked",
    kind: Kind::Counter,
    unit: "{award}",
    help: "Awards revoked, because their payment declined.",
    buckets: &[],
    labels: &[],
};

/// One series of [`AUCTION_AWARDS_REVOKED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuctionAwardsRevoked;

impl AuctionAwardsRevoked {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        Self.add(0);
    }
}

impl Series for AuctionAwardsRevoked {
    const METRIC: &'static Metric = &AUCTION_AWARDS_REVOKED;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Time from an auction's deadline to the commit of its award.
pub const AUCTION_AWARD_LATENESS: Metric = Metric {
    name: "bidtrace.auction.award.lateness",
    kind: Kind::Histogram,
    unit: "s",
    help: "Time from an auction's deadline to the commit of its award.",
    buckets: &[
        0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    ],
    labels: &[],
};

/// One series of [`AUCTION_AWARD_LATENESS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuctionAwardLateness;

impl AuctionAwardLateness {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        drop(Self.histogram());
    }
}

impl Series for AuctionAwardLateness {
    const METRIC: &'static Metric = &AUCTION_AWARD_LATENESS;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Bids placed; a rejected one is a good event.
pub const AUCTION_BIDS: Metric = Metric {
    name: "bidtrace.auction.bids",
    kind: Kind::Counter,
    unit: "{bid}",
    help: "Bids placed; a rejected one is a good event.",
    buckets: &[],
    labels: &["bidtrace.outcome"],
};

/// One series of [`AUCTION_BIDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuctionBids {
    /// `bidtrace.outcome`: What came of it.
    pub outcome: AuctionBidsOutcome,
}

impl AuctionBids {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        for outcome in AuctionBidsOutcome::ALL {
            Self { outcome }.add(0);
        }
    }
}

impl Series for AuctionBids {
    const METRIC: &'static Metric = &AUCTION_BIDS;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((self.outcome as u64, self.outcome.as_str())));
    }
}

/// Bids per ended auction.
pub const AUCTION_BIDS_PER_AUCTION: Metric = Metric {
    name: "bidtrace.auction.bids_per_auction",
    kind: Kind::Histogram,
    unit: "{bid}",
    help: "Bids per ended auction.",
    buckets: &[0.0, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0],
    labels: &[],
};

/// One series of [`AUCTION_BIDS_PER_AUCTION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuctionBidsPerAuction;

impl AuctionBidsPerAuction {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        drop(Self.histogram());
    }
}

impl Series for AuctionBidsPerAuction {
    const METRIC: &'static Metric = &AUCTION_BIDS_PER_AUCTION;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Share of the ceiling price that the bidding took off.
pub const AUCTION_SAVING: Metric = Metric {
    name: "bidtrace.auction.saving",
    kind: Kind::Histogram,
    unit: "1",
    help: "Share of the ceiling price that the bidding took off.",
    buckets: &[0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75],
    labels: &[],
};

/// One series of [`AUCTION_SAVING`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuctionSaving;

impl AuctionSaving {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        drop(Self.histogram());
    }
}

impl Series for AuctionSaving {
    const METRIC: &'static Metric = &AUCTION_SAVING;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Reservations of coupons and points.
pub const REWARD_RESERVATIONS: Metric = Metric {
    name: "bidtrace.reward.reservations",
    kind: Kind::Counter,
    unit: "{reservation}",
    help: "Reservations of coupons and points.",
    buckets: &[],
    labels: &["bidtrace.outcome"],
};

/// One series of [`REWARD_RESERVATIONS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RewardReservations {
    /// `bidtrace.outcome`: What came of it.
    pub outcome: RewardReservationsOutcome,
}

impl RewardReservations {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        for outcome in RewardReservationsOutcome::ALL {
            Self { outcome }.add(0);
        }
    }
}

impl Series for RewardReservations {
    const METRIC: &'static Metric = &REWARD_RESERVATIONS;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((self.outcome as u64, self.outcome.as_str())));
    }
}

/// Settlements ended.
pub const ORDER_SETTLED: Metric = Metric {
    name: "bidtrace.order.settled",
    kind: Kind::Counter,
    unit: "{order}",
    help: "Settlements ended.",
    buckets: &[],
    labels: &["bidtrace.outcome"],
};

/// One series of [`ORDER_SETTLED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderSettled {
    /// `bidtrace.outcome`: What came of it.
    pub outcome: OrderSettledOutcome,
}

impl OrderSettled {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        for outcome in OrderSettledOutcome::ALL {
            Self { outcome }.add(0);
        }
    }
}

impl Series for OrderSettled {
    const METRIC: &'static Metric = &ORDER_SETTLED;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((self.outcome as u64, self.outcome.as_str())));
    }
}

/// Settlements under way.
pub const ORDER_SETTLING: Metric = Metric {
    name: "bidtrace.order.settling",
    kind: Kind::Gauge,
    unit: "{order}",
    help: "Settlements under way.",
    buckets: &[],
    labels: &[],
};

/// One series of [`ORDER_SETTLING`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderSettling;

impl OrderSettling {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for OrderSettling {
    const METRIC: &'static Metric = &ORDER_SETTLING;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Time from an award to the end of its settlement.
pub const ORDER_SETTLEMENT_DURATION: Metric = Metric {
    name: "bidtrace.order.settlement.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "Time from an award to the end of its settlement.",
    buckets: &[
        0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
    ],
    labels: &["bidtrace.outcome"],
};

/// One series of [`ORDER_SETTLEMENT_DURATION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderSettlementDuration {
    /// `bidtrace.outcome`: What came of it.
    pub outcome: OrderSettledOutcome,
}

impl OrderSettlementDuration {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        for outcome in OrderSettledOutcome::ALL {
            drop(Self { outcome }.histogram());
        }
    }
}

impl Series for OrderSettlementDuration {
    const METRIC: &'static Metric = &ORDER_SETTLEMENT_DURATION;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((self.outcome as u64, self.outcome.as_str())));
    }
}

/// Steps of the settlement saga.
pub const ORDER_SAGA_STEPS: Metric = Metric {
    name: "bidtrace.order.saga.steps",
    kind: Kind::Counter,
    unit: "{step}",
    help: "Steps of the settlement saga.",
    buckets: &[],
    labels: &["saga.step", "saga.outcome"],
};

/// One series of [`ORDER_SAGA_STEPS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderSagaSteps {
    /// `saga.step`: The step of the settlement.
    pub saga_step: SagaStep,
    /// `saga.outcome`: What came of the step.
    pub saga_outcome: SagaOutcome,
}

impl OrderSagaSteps {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        for saga_step in SagaStep::ALL {
            for saga_outcome in SagaOutcome::ALL {
                Self {
                    saga_step,
                    saga_outcome,
                }
                .add(0);
            }
        }
    }
}

impl Series for OrderSagaSteps {
    const METRIC: &'static Metric = &ORDER_SAGA_STEPS;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((self.saga_step as u64, self.saga_step.as_str())));
        labels.known(Some((self.saga_outcome as u64, self.saga_outcome.as_str())));
    }
}

/// Payments asked for.
pub const PAYMENT_AUTHORISATIONS: Metric = Metric {
    name: "bidtrace.payment.authorisations",
    kind: Kind::Counter,
    unit: "{authorisation}",
    help: "Payments asked for.",
    buckets: &[],
    labels: &["bidtrace.outcome"],
};

/// One series of [`PAYMENT_AUTHORISATIONS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentAuthorisations {
    /// `bidtrace.outcome`: What came of it.
    pub outcome: PaymentAuthorisationsOutcome,
}

impl PaymentAuthorisations {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        for outcome in PaymentAuthorisationsOutcome::ALL {
            Self { outcome }.add(0);
        }
    }
}

impl Series for PaymentAuthorisations {
    const METRIC: &'static Metric = &PAYMENT_AUTHORISATIONS;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((self.outcome as u64, self.outcome.as_str())));
    }
}

/// Notifications that were delivered, or will not be.
pub const NOTIFICATION_DELIVERIES: Metric = Metric {
    name: "bidtrace.notification.deliveries",
    kind: Kind::Counter,
    unit: "{notification}",
    help: "Notifications that were delivered, or will not be.",
    buckets: &[],
    labels: &["notification.channel", "bidtrace.outcome"],
};

/// One series of [`NOTIFICATION_DELIVERIES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationDeliveries {
    /// `notification.channel`: How a notification is delivered.
    pub notification_channel: NotificationChannel,
    /// `bidtrace.outcome`: What came of it.
    pub outcome: NotificationDeliveriesOutcome,
}

impl NotificationDeliveries {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        for notification_channel in NotificationChannel::ALL {
            for outcome in NotificationDeliveriesOutcome::ALL {
                Self {
                    notification_channel,
                    outcome,
                }
                .add(0);
            }
        }
    }
}

impl Series for NotificationDeliveries {
    const METRIC: &'static Metric = &NOTIFICATION_DELIVERIES;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((
            self.notification_channel as u64,
            self.notification_channel.as_str(),
        )));
        labels.known(Some((self.outcome as u64, self.outcome.as_str())));
    }
}

/// Time from an event to its notification in the inbox.
pub const NOTIFICATION_DELAY: Metric = Metric {
    name: "bidtrace.notification.delay",
    kind: Kind::Histogram,
    unit: "s",
    help: "Time from an event to its notification in the inbox.",
    buckets: &[
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ],
    labels: &[],
};

/// One series of [`NOTIFICATION_DELAY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationDelay;

impl NotificationDelay {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        drop(Self.histogram());
    }
}

impl Series for NotificationDelay {
    const METRIC: &'static Metric = &NOTIFICATION_DELAY;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Events in the outbox that are not published yet.
pub const OUTBOX_PENDING: Metric = Metric {
    name: "bidtrace.outbox.pending",
    kind: Kind::Gauge,
    unit: "{event}",
    help: "Events in the outbox that are not published yet.",
    buckets: &[],
    labels: &[],
};

/// One series of [`OUTBOX_PENDING`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxPending;

impl OutboxPending {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for OutboxPending {
    const METRIC: &'static Metric = &OUTBOX_PENDING;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Age of the oldest event in the outbox that is not published yet; 0 when there is none.
pub const OUTBOX_OLDEST_AGE: Metric = Metric {
    name: "bidtrace.outbox.oldest.age",
    kind: Kind::Gauge,
    unit: "s",
    help: "Age of the oldest event in the outbox that is not published yet; 0 when there is none.",
    buckets: &[],
    labels: &[],
};

/// One series of [`OUTBOX_OLDEST_AGE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxOldestAge;

impl OutboxOldestAge {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for OutboxOldestAge {
    const METRIC: &'static Metric = &OUTBOX_OLDEST_AGE;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Requests refused by the rate limit.
pub const GATEWAY_RATE_LIMITED: Metric = Metric {
    name: "bidtrace.gateway.rate_limited",
    kind: Kind::Counter,
    unit: "{request}",
    help: "Requests refused by the rate limit.",
    buckets: &[],
    labels: &[],
};

/// One series of [`GATEWAY_RATE_LIMITED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayRateLimited;

impl GatewayRateLimited {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }

    /// Registers each of its series before anything is measured, so that a rate misses no first event.
    pub fn zero() {
        Self.add(0);
    }
}

impl Series for GatewayRateLimited {
    const METRIC: &'static Metric = &GATEWAY_RATE_LIMITED;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}

/// Clients that follow live bids.
pub const GATEWAY_LIVE_CLIENTS: Metric = Metric {
    name: "bidtrace.gateway.live_clients",
    kind: Kind::Gauge,
    unit: "{client}",
    help: "Clients that follow live bids.",
    buckets: &[],
    labels: &[],
};

/// One series of [`GATEWAY_LIVE_CLIENTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GatewayLiveClients;

impl GatewayLiveClients {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for GatewayLiveClients {
    const METRIC: &'static Metric = &GATEWAY_LIVE_CLIENTS;

    #[inline]
    fn write_labels(&self, _: &mut impl LabelWriter) {}
}
