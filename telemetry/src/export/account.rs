//! The account of the sampled spans of a process, and the reasons for which one can be lost.

use std::fmt;
use std::ops::{Index, IndexMut, Sub};

/// Why a span did not reach the collector, or may not have.
///
/// The text of each is the value of `error.type` in the metrics of the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// Sent, and no answer came in time: the collector may have it.
    Timeout,
    /// Sent, and the connection broke before the answer: the collector may have it.
    ConnectionLost,
    /// No connection to the collector could be made.
    Unreachable,
    /// The collector answered the whole batch with an error.
    Refused,
    /// The collector took the batch and rejected this one of its spans (OTLP's partial success).
    Rejected,
    /// It could not be put into a request.
    Encoding,
    /// There was no room for it in the queue.
    QueueFull,
    /// It ended after the shutdown.
    AlreadyShutdown,
    /// The shutdown's time was over before it was sent.
    ShutdownTimeout,
}

/// How many spans were lost, by reason.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses([u64; Loss::ALL.len()]);

/// The account of the sampled spans of a process at one moment:
/// started = live + queued + in flight + exported + lost.
///
/// What the collector has received lies between `exported` and `exported` + [`Losses::in_doubt`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Spans that were started.
    pub started: u64,
    /// Started and not ended.
    pub live: u64,
    /// Ended and waiting for an export.
    pub queued: u64,
    /// Being exported, without a result so far.
    pub in_flight: u64,
    /// Accepted by the collector.
    pub exported: u64,
    /// Not accepted by the collector, and given up.
    pub lost: Losses,
}

// === impl Loss ===

impl Loss {
    /// All reasons.
    pub const ALL: [Self; 9] = [
        Self::Timeout,
        Self::ConnectionLost,
        Self::Unreachable,
        Self::Refused,
        Self::Rejected,
        Self::Encoding,
        Self::QueueFull,
        Self::AlreadyShutdown,
        Self::ShutdownTimeout,
    ];

    /// The reason as `error.type` tells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::ConnectionLost => "connection_lost",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Encoding => "encoding",
            Self::QueueFull => "queue_full",
            Self::AlreadyShutdown => "already_shutdown",
            Self::ShutdownTimeout => "shutdown_timeout",
        }
    }

    /// Whether the collector may have the span in spite of the loss.
    pub const fn is_in_doubt(self) -> bool {
        matches!(self, Self::Timeout | Self::ConnectionLost)
    }

    /// Whether the span was lost before an export was tried.
    pub const fn is_drop(self) -> bool {
        matches!(
            self,
            Self::QueueFull | Self::AlreadyShutdown | Self::ShutdownTimeout
        )
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Losses ===

impl Losses {
    /// Each reason with its count, also those that have none.
    pub fn iter(&self) -> impl Iterator<Item = (Loss, u64)> {
        Loss::ALL.into_iter().zip(self.0)
    }

    /// All lost spans.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Those that the exporter gave up.
    pub fn failed(&self) -> u64 {
        self.sum(|loss| !loss.is_drop())
    }

    /// Those for which no export was tried.
    pub fn dropped(&self) -> u64 {
        self.sum(Loss::is_drop)
    }

    /// Those that the collector may have in spite of all.
    pub fn in_doubt(&self) -> u64 {
        self.sum(Loss::is_in_doubt)
    }

    fn sum(&self, counts: impl Fn(Loss) -> bool) -> u64 {
        self.iter()
            .filter(|(loss, _)| counts(*loss))
            .map(|(_, count)| count)
            .sum()
    }
}

impl Index<Loss> for Losses {
    type Output = u64;

    fn index(&self, loss: Loss) -> &u64 {
        &self.0[loss as usize]
    }
}

impl IndexMut<Loss> for Losses {
    fn index_mut(&mut self, loss: Loss) -> &mut u64 {
        &mut self.0[loss as usize]
    }
}

/// What was lost since an earlier account.
impl Sub for Losses {
    type Output = Self;

    fn sub(mut self, earlier: Self) -> Self {
        for (now, before) in self.0.iter_mut().zip(earlier.0) {
            *now = now.saturating_sub(before);
        }
        self
    }
}

/// `12 (10 timeout, 2 queue_full)`.
impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.total())?;
        let mut separator = " (";
        for (loss, count) in self.iter().filter(|(_, count)| *count > 0) {
            write!(f, "{separator}{count} {loss}")?;
            separator = ", ";
        }
        f.write_str(if separator == ", " { ")" } else { "" })
    }
}

impl fmt::Debug for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().filter(|(_, count)| *count > 0))
            .finish()
    }
}

// === impl Snapshot ===

impl Snapshot {
    /// Whether the identity holds: every span that was started is in exactly one place.
    pub fn is_balanced(&self) -> bool {
        self.started == self.live + self.queued + self.in_flight + self.exported + self.lost.total()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_place_of_its_own() {
        let mut losses = Losses::default();
        for (position, loss) in Loss::ALL.into_iter().enumerate() {
            assert_eq!(loss as usize, position);
            losses[loss] += 1 << position;
        }
        assert_eq!(losses.total(), (1 << Loss::ALL.len()) - 1);
        assert_eq!(losses.failed() + losses.dropped(), losses.total());
    }

    #[test]
    fn losses_are_told_by_reason() {
        let mut losses = Losses::default();
        assert_eq!(losses.to_string(), "0");
        losses[Loss::QueueFull] = 2;
        losses[Loss::Timeout] = 10;
        assert_eq!(losses.to_string(), "12 (10 timeout, 2 queue_full)");
    }
}
