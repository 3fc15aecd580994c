//! The strategies of Jaeger's remote sampling.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use opentelemetry::trace::TraceId;

use super::bucket::Bucket;
use super::ratio::Ratio;

/// How many buckets are shared by the operations that a strategy does not name, since their number is unbounded.
const UNNAMED: usize = 64;

/// How the traces of one service are sampled.
#[derive(Debug)]
pub(super) enum Strategy {
    /// A share of all traces.
    Probabilistic(Ratio),
    /// A maximum number of traces per second.
    RateLimiting(Bucket),
    /// A share of each operation's traces, and a minimum number per second.
    PerOperation(PerOperation),
}

#[derive(Debug)]
pub(super) struct PerOperation {
    named: HashMap<String, Guaranteed>,
    others: Ratio,
    /// By the hash of the operation's name. Two operations with the same bucket share the minimum of one.
    minimum: Vec<Bucket>,
    hasher: RandomState,
}

/// A share, and a minimum per second.
#[derive(Debug)]
struct Guaranteed {
    ratio: Ratio,
    minimum: Bucket,
}

// === impl Strategy ===

impl Strategy {
    /// `now` is called only when the strategy needs the time.
    pub(super) fn samples(&self, id: TraceId, operation: &str, now: impl Fn() -> u64) -> bool {
        match self {
            Self::Probabilistic(ratio) => ratio.samples(id),
            Self::RateLimiting(bucket) => bucket.take(now()),
            Self::PerOperation(operations) => operations.samples(id, operation, now),
        }
    }
}

// === impl PerOperation ===

impl PerOperation {
    /// The shares of the named operations and of all others, and the minimum per second of each operation.
    pub(super) fn new(
        named: impl IntoIterator<Item = (String, f64)>,
        others: f64,
        minimum: f64,
    ) -> Self {
        let named = named.into_iter().map(|(operation, share)| {
            let guaranteed = Guaranteed {
                ratio: Ratio::new(share),
                minimum: Bucket::new(minimum),
            };
            (operation, guaranteed)
        });
        Self {
            named: named.collect(),
            others: Ratio::new(others),
            minimum: std::iter::repeat_with(|| Bucket::new(minimum))
                .take(UNNAMED)
                .collect(),
            hasher: RandomState::new(),
        }
    }

    fn samples(&self, id: TraceId, operation: &str, now: impl Fn() -> u64) -> bool {
        let (ratio, minimum) = match self.named.get(operation) {
            Some(known) => (known.ratio, Some(&known.minimum)),
            None => (self.others, self.minimum.get(self.place(operation))),
        };
        // Traces that are sampled by the share count towards the minimum.
        let of_minimum = minimum.is_some_and(|bucket| bucket.take(now()));
        of_minimum || ratio.samples(id)
    }

    #[allow(clippy::cast_possible_truncation)] // Below UNNAMED.
    fn place(&self, operation: &str) -> usize {
        (self.hasher.hash_one(operation) % UNNAMED as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    /// Sampled by every ratio but 0, and by none but 1.
    const FIRST: TraceId = TraceId::from_bytes([0; 16]);
    const LAST: TraceId = TraceId::from_bytes([0xff; 16]);

    fn sampled(strategy: &Strategy, operation: &str, id: TraceId, now: u64) -> usize {
        (0..10)
            .filter(|_| strategy.samples(id, operation, || now))
            .count()
    }

    #[test]
    fn each_operation_has_its_share_and_the_others_have_theirs() {
        let named = [("all".to_owned(), 1.0), ("none".to_owned(), 0.0)];
        let strategy = Strategy::PerOperation(PerOperation::new(named, 0.5, 0.0));
        assert_eq!(sampled(&strategy, "all", LAST, 0), 10);
        assert_eq!(sampled(&strategy, "none", FIRST, 0), 0);
        assert_eq!(sampled(&strategy, "unheard of", FIRST, 0), 10);
        assert_eq!(sampled(&strategy, "unheard of", LAST, 0), 0);
    }

    #[test]
    fn every_operation_has_its_minimum_named_or_not() {
        let named = [("rare".to_owned(), 0.0)];
        let strategy = Strategy::PerOperation(PerOperation::new(named, 0.0, 2.0));
        for operation in ["rare", "unheard of"] {
            assert_eq!(sampled(&strategy, operation, FIRST, 0), 2);
            assert_eq!(sampled(&strategy, operation, FIRST, SECOND), 2);
        }
    }

    #[test]
    fn what_the_share_samples_counts_towards_the_minimum() {
        let named = [("often".to_owned(), 0.5)];
        let strategy = Strategy::PerOperation(PerOperation::new(named, 0.0, 2.0));
        assert_eq!(sampled(&strategy, "often", FIRST, 0), 10);
        assert_eq!(sampled(&strategy, "often", LAST, 0), 0);
    }

    #[test]
    fn so_many_a_second_are_so_many_of_all_operations_together() {
        let strategy = Strategy::RateLimiting(Bucket::new(3.0));
        assert_eq!(sampled(&strategy, "one", FIRST, 0), 3);
        assert_eq!(sampled(&strategy, "other", FIRST, 0), 0);
        assert_eq!(sampled(&strategy, "other", FIRST, SECOND), 3);
    }
}
