//! How far behind a consumer is.

use super::Consumer;
use super::labels::Labels;

/// How far a consumer is behind, as the broker says. Ask every few seconds, in a task apart from the consumer, so that it also
/// shows a consumer that hangs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lag {
    /// Messages that are stored and were not delivered yet.
    pub waiting: u64,
    /// Messages that were delivered and are not settled yet.
    pub unsettled: u64,
    /// Of these, the ones that were delivered more than once.
    pub redelivered: u64,
}

// === impl Consumer ===

impl Consumer<'_> {
    /// Sets the gauges of the consumer's lag.
    #[allow(clippy::cast_precision_loss)] // Counts of messages stay far below 2^52.
    pub fn lags(&self, lag: Lag) {
        let labels = Labels::of_consumer(*self);
        labels.lag().set(lag.waiting as f64);
        labels.unsettled().set(lag.unsettled as f64);
        labels.redelivered().set(lag.redelivered as f64);
    }
}
