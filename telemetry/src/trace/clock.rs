//! The time of day and how long something took, told by the processor's counter.
//!
//! Asking the operating system costs more than all else that a small span does, on some virtual machines a tenth of a
//! microsecond. So it is asked once a second on each thread, and in between the counter tells how much later it is.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use quanta::Clock;

/// How long one answer of the system is gone by.
const INTERVAL: Duration = Duration::from_secs(1);

static COUNTER: LazyLock<Clock> = LazyLock::new(Clock::new);

/// What the processor counted up to at a moment: a reading, which only becomes a time as the distance from another one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(u64);

thread_local! {
    static ASKED: Cell<Option<(Moment, SystemTime)>> = const { Cell::new(None) };
}

/// What time it is. It never goes back within a second of one thread.
pub(crate) fn now() -> SystemTime {
    Moment::now().time()
}

// === impl Moment ===

impl Moment {
    #[inline]
    pub(crate) fn now() -> Self {
        Self(COUNTER.raw())
    }

    /// What time it was then, a moment ago.
    pub(crate) fn time(self) -> SystemTime {
        if let Some((asked, answer)) = ASKED.get() {
            let since = self.since(asked);
            if since < INTERVAL {
                return answer + since;
            }
        }
        let answer = SystemTime::now();
        ASKED.set(Some((self, answer)));
        answer
    }

    /// The time from then on until now; none when the counter of this processor is behind.
    #[inline]
    pub(crate) fn elapsed(self) -> Duration {
        Self::now().since(self)
    }

    #[inline]
    fn since(self, earlier: Self) -> Duration {
        COUNTER.delta(earlier.0, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_time_of_the_system() {
        for _ in 0..1000 {
            let before = SystemTime::now();
            let told = now();
            let apart = match told.duration_since(before) {
                Ok(ahead) => ahead,
                Err(behind) => behind.duration(),
            };
            assert!(apart < INTERVAL, "{apart:?} apart");
        }
    }
}
