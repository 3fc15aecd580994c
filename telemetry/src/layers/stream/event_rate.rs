//! How many events of streams become traces in a second, all streams of the process together.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::metrics::signals::TelemetryStreamEventsUntraced;

/// The rate that holds until something else is said.
pub(crate) const DEFAULT: u32 = 50;

static RATE: Rate = Rate::new(DEFAULT);

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

const A_SECOND: u64 = 1_000_000_000;

/// A token bucket that holds as many tokens as come in a second. It needs no lock: all that it knows is the time at which
/// it will be full (the generic cell rate algorithm).
struct Rate {
    per_second: AtomicU32,
    // In nanoseconds since the start.
    full_at: AtomicU64,
}

/// What an event may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Taken,
    /// There was none left.
    Missing,
    /// No event becomes a trace.
    Off,
}

/// Sets how many events become traces in a second; with none there are no such traces.
pub(crate) fn set(per_second: u32) {
    RATE.per_second.store(per_second, Ordering::Relaxed);
}

/// Whether the next event becomes a trace. Counts it when it is held back.
pub(super) fn admits() -> bool {
    match RATE.take(START.elapsed()) {
        Token::Taken => true,
        Token::Missing => {
            TelemetryStreamEventsUntraced {}.add(1);
            false
        }
        Token::Off => false,
    }
}

// === impl Rate ===

impl Rate {
    const fn new(per_second: u32) -> Self {
        Self {
            per_second: AtomicU32::new(per_second),
            full_at: AtomicU64::new(0),
        }
    }

    fn take(&self, now: Duration) -> Token {
        let per_second = u64::from(self.per_second.load(Ordering::Relaxed));
        let Some(interval) = A_SECOND.checked_div(per_second) else {
            return Token::Off;
        };
        let now = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        let taken = self
            .full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
                let full_at = full_at.max(now).saturating_add(interval);
                (full_at <= now.saturating_add(A_SECOND)).then_some(full_at)
            });
        if taken.is_ok() {
            Token::Taken
        } else {
            Token::Missing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(rate: &Rate, now: Duration, tries: usize) -> usize {
        (0..tries)
            .filter(|_| rate.take(now) == Token::Taken)
            .count()
    }

    #[test]
    fn a_second_has_its_rate_and_an_idle_time_saves_no_more_than_one_second() {
        let rate = Rate::new(50);
        let second = Duration::from_secs(1);
        assert_eq!(taken(&rate, second, 1000), 50);
        assert_eq!(taken(&rate, second, 1000), 0);
        assert_eq!(taken(&rate, second + second / 2, 1000), 25);
        assert_eq!(taken(&rate, 100 * second, 1000), 50);
    }

    #[test]
    fn a_rate_of_none_is_off_and_one_can_be_set_while_it_runs() {
        let rate = Rate::new(0);
        assert_eq!(rate.take(Duration::ZERO), Token::Off);
        rate.per_second.store(3, Ordering::Relaxed);
        assert_eq!(taken(&rate, Duration::ZERO, 1000), 3);
        assert_eq!(rate.take(Duration::ZERO), Token::Missing);
    }

    #[test]
    fn threads_share_the_rate() {
        let rate = Rate::new(50);
        let all: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| taken(&rate, Duration::ZERO, 1000)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(all, 50);
    }
}
