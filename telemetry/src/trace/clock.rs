//! The time of day and the length of spans, from the processor's counter.
//!
//! Asking the operating system for the time costs more than everything else that a small span does, on some virtual
//! machines a tenth of a microsecond. So each thread asks once a second, and adds what the counter has measured since.
//!
//! A span has a clock of its own, which asks once, when the span starts. When the system's clock is set meanwhile, the
//! length of the span does not change.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use quanta::Clock;

/// How long an answer of the system is used.
const INTERVAL: Duration = Duration::from_secs(1);

/// Times that differ less than this are the same moment on two clocks, of which neither was set.
const CLOSE: Duration = Duration::from_millis(1);

static COUNTER: LazyLock<Clock> = LazyLock::new(Clock::new);

/// A reading of the processor's counter. It becomes a time only as the distance from another one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment(u64);

/// The clock of one span: the system's time when it started, and what the counter has measured since.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SpanClock {
    started: Moment,
    time: SystemTime,
}

thread_local! {
    static ASKED: Cell<Option<(Moment, SystemTime)>> = const { Cell::new(None) };
}

/// The current time. On one thread it does not go back within a second.
pub(crate) fn now() -> SystemTime {
    Moment::now().time()
}

// === impl Moment ===

impl Moment {
    #[inline]
    pub(crate) fn now() -> Self {
        Self(COUNTER.raw())
    }

    /// The time of day at this moment, which must be less than a second ago.
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

    /// The time since this moment; zero when the counter of this processor is behind.
    #[inline]
    pub(crate) fn elapsed(self) -> Duration {
        Self::now().since(self)
    }

    /// The time from `earlier` to this moment; zero when that is later.
    #[inline]
    pub(crate) fn since(self, earlier: Self) -> Duration {
        COUNTER.delta(earlier.0, self.0)
    }
}

// === impl SpanClock ===

impl SpanClock {
    /// A clock for a span that starts at `started`, a moment ago.
    pub(crate) fn starting(started: Moment) -> Self {
        let time = started.time();
        Self { started, time }
    }

    /// A clock for a span whose start, `start`, was read from the system's clock.
    pub(crate) fn started_at(start: SystemTime) -> Self {
        let started = Moment::now();
        let time = started.time();
        let time = if is_close(start, time) {
            time
        } else {
            // This thread's answer may be older than a change of the system's clock.
            SystemTime::now()
        };
        Self { started, time }
    }

    /// The system's time when the clock started.
    pub(crate) fn start(&self) -> SystemTime {
        self.time
    }

    #[inline]
    pub(crate) fn now(&self) -> SystemTime {
        self.time + self.started.elapsed()
    }

    /// A time that was read from the system's clock, on this clock.
    #[inline]
    pub(crate) fn convert(&self, time: SystemTime) -> SystemTime {
        convert(time, self.now(), now, SystemTime::now)
    }
}

/// A time of the system's clock, on a clock where it is `here` now. The time is usually the current one, which this
/// thread's clock, and finally the system, can tell.
fn convert(
    time: SystemTime,
    here: SystemTime,
    of_thread: impl FnOnce() -> SystemTime,
    of_system: impl FnOnce() -> SystemTime,
) -> SystemTime {
    if is_close(time, here) {
        return time;
    }
    if is_close(time, of_thread()) {
        return here;
    }
    let system = of_system();
    if is_close(system, here) {
        return time;
    }
    let converted = match here.duration_since(system) {
        Ok(set_back) => time.checked_add(set_back),
        Err(set_forward) => time.checked_sub(set_forward.duration()),
    };
    converted.unwrap_or(time)
}

#[inline]
fn is_close(one: SystemTime, other: SystemTime) -> bool {
    let apart = match one.duration_since(other) {
        Ok(ahead) => ahead,
        Err(behind) => behind.duration(),
    };
    apart < CLOSE
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);
    const LASTED: Duration = Duration::from_millis(1500);

    /// How long a span has lasted that ends at `read`, after its clock has measured 1.5 s.
    fn length(read: SystemTime, thread: SystemTime, system: SystemTime) -> Duration {
        let start = SystemTime::UNIX_EPOCH + 1000 * HOUR;
        let end = convert(read, start + LASTED, || thread, || system);
        end.duration_since(start).unwrap()
    }

    #[test]
    fn a_span_has_its_length_whenever_and_however_the_system_clock_was_set() {
        let unset = SystemTime::UNIX_EPOCH + 1000 * HOUR + LASTED;
        for set in [unset - HOUR, unset + HOUR, unset - LASTED, unset + LASTED] {
            // Who reads the end asks the system, or a thread that has not noticed yet.
            for (read, thread) in [(set, set), (set, unset), (unset, set), (unset, unset)] {
                assert_eq!(length(read, thread, set), LASTED, "{set:?}");
            }
            // The span has started after the change, and ends on a thread that has not noticed.
            assert_eq!(length(set, set, unset), LASTED, "{set:?}");
            // It was left 0.2 s before it was closed.
            let (until_left, since) = (Duration::from_millis(1300), Duration::from_millis(200));
            assert_eq!(length(set - since, set, set), until_left, "{set:?}");
        }
    }

    #[test]
    fn a_time_that_is_not_the_current_one_is_kept_as_it_is() {
        let now = SystemTime::UNIX_EPOCH + 1000 * HOUR;
        for time in [SystemTime::UNIX_EPOCH, now - HOUR, now - LASTED, now + HOUR] {
            assert_eq!(convert(time, now, || now, || now), time);
        }
        let clock = SpanClock::starting(Moment::now());
        assert_eq!(
            clock.convert(SystemTime::UNIX_EPOCH),
            SystemTime::UNIX_EPOCH
        );
    }

    #[test]
    fn the_clock_of_a_span_starts_with_the_time_that_was_read_for_it() {
        let read = SystemTime::now();
        let clock = SpanClock::started_at(read);
        assert!(clock.start().duration_since(read).unwrap_or_default() < INTERVAL);
        assert!(clock.now() >= clock.start());
    }

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
