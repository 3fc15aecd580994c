//! A rate limit for traces.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// A token bucket without a lock: it holds the tokens of one second, at least one, and is full at first.
///
/// Its state is one number, the moment at which the bucket is full again (the generic cell rate algorithm). Taking a token
/// moves it later by the time in which a token is added.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Nanoseconds in which a token is added; none when the rate is 0.
    pause: Option<u64>,
    /// Nanoseconds in which an empty bucket is filled.
    depth: u64,
    full_at: AtomicU64,
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The time for [`Bucket::take`], in nanoseconds.
pub(super) fn now() -> u64 {
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

impl Bucket {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Saturates, which is right here.
    pub(super) fn new(per_second: f64) -> Self {
        let pause = (per_second > 0.0).then(|| (1e9 / per_second).max(1.0) as u64);
        Self {
            pause,
            depth: pause.map_or(0, |pause| pause.max(1_000_000_000)),
            full_at: AtomicU64::new(0),
        }
    }

    /// Takes a token, if there is one at `now`.
    pub(super) fn take(&self, now: u64) -> bool {
        let Some(pause) = self.pause else {
            return false;
        };
        let taken = |full_at: u64| {
            let after = full_at.max(now).saturating_add(pause);
            (after - now <= self.depth).then_some(after)
        };
        self.full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn taken(bucket: &Bucket, tries: usize, now: u64) -> usize {
        (0..tries).filter(|_| bucket.take(now)).count()
    }

    #[test]
    fn it_holds_one_second_and_fills_again() {
        let bucket = Bucket::new(10.0);
        assert_eq!(taken(&bucket, 100, 0), 10);
        assert_eq!(taken(&bucket, 100, SECOND / 2), 5);
        assert_eq!(taken(&bucket, 100, 100 * SECOND), 10);
    }

    #[test]
    fn less_than_one_a_second_is_one_in_a_while() {
        let bucket = Bucket::new(0.1);
        assert_eq!(taken(&bucket, 5, 0), 1);
        assert_eq!(taken(&bucket, 5, 9 * SECOND), 0);
        assert_eq!(taken(&bucket, 5, 10 * SECOND), 1);
    }

    #[test]
    fn nothing_a_second_is_nothing() {
        for rate in [0.0, -1.0, f64::NAN] {
            assert_eq!(taken(&Bucket::new(rate), 5, 7 * SECOND), 0);
        }
    }

    #[test]
    fn threads_share_the_tokens() {
        let bucket = Bucket::new(100.0);
        let all: usize = std::thread::scope(|scope| {
            let takers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| taken(&bucket, 1000, SECOND)))
                .collect();
            takers.into_iter().map(|taker| taker.join().unwrap()).sum()
        });
        assert_eq!(all, 100);
    }

    proptest! {
        #[test]
        fn no_more_than_the_rate_and_one_bucket_come_out(
            rate in 0.1_f64..1000.0, pauses in prop::collection::vec(0..SECOND, 1..200),
        ) {
            let bucket = Bucket::new(rate);
            let (mut now, mut out) = (0, 0.0);
            for pause in pauses {
                now += pause;
                out += f64::from(u8::from(bucket.take(now)));
            }
            #[allow(clippy::cast_precision_loss)]
            let bound = now as f64 / 1e9 * rate + rate.max(1.0) + 1e-3;
            prop_assert!(out <= bound, "{out} > {bound}");
        }
    }
}
