//! Limits how many log lines one place in the code writes per interval, and counts the rest.
//!
//! Events of the same place count together, whatever their fields hold: a loop that fails ten thousand times a second
//! is logged up to the limit, then one line tells how many more there were. Memory is bounded, since the code has only so
//! many places.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tracing::Level;

use super::origin::{Origin, Place};

/// The length of the interval that a limit is for.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);

/// The limit of errors, and of debug and trace events (which somebody has turned on to see them), as a multiple of the
/// limit of info and warn.
const FACTOR: u32 = 10;

/// The lines that one place may write per [`INTERVAL`] at the levels info and warn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RepeatLimit {
    /// So many.
    Lines(u32),
    /// Any number.
    Unlimited,
}

/// The limit, and the count of each place. Times are since any fixed moment.
#[derive(Debug)]
pub(super) struct Repeats {
    limit: RepeatLimit,
    places: RwLock<HashMap<Place, Arc<Mutex<Count>>>>,
}

/// Whether an event is written.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// It is; before it comes the summary of what the last interval has suppressed.
    Write(Option<Suppressed>),
    /// The limit is reached.
    Suppress,
}

/// The events of one place that were not written in an interval.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Suppressed {
    pub(super) origin: Origin<'static>,
    pub(super) count: u64,
    /// The message of the first of them.
    pub(super) message: String,
}

/// The current interval of one place.
#[derive(Debug)]
struct Count {
    origin: Origin<'static>,
    began: Duration,
    lines: u32,
    suppressed: u64,
    message: String,
}

// === impl RepeatLimit ===

impl Default for RepeatLimit {
    fn default() -> Self {
        Self::Lines(100)
    }
}

// === impl Repeats ===

impl Repeats {
    pub(super) fn new(limit: RepeatLimit) -> Self {
        Self {
            limit,
            places: RwLock::default(),
        }
    }

    /// Decides on an event. `message` is only called for the first one that is suppressed.
    pub(super) fn judge(
        &self,
        origin: &Origin<'_>,
        now: Duration,
        message: impl FnOnce() -> String,
    ) -> Verdict {
        let RepeatLimit::Lines(limit) = self.limit else {
            return Verdict::Write(None);
        };
        let count = self.count(origin, now);
        let mut count = lock(&count);
        let ended = count.end_interval(now);
        if count.lines < limit_of(limit, origin.level) {
            count.lines += 1;
            return Verdict::Write(ended);
        }
        if count.suppressed == 0 {
            count.message = message();
        }
        count.suppressed += 1;
        Verdict::Suppress
    }

    /// What was suppressed in intervals that are over.
    pub(super) fn ended(&self, now: Duration) -> Vec<Suppressed> {
        self.collect(|count| count.end_interval(now))
    }

    /// All that was suppressed and is not reported yet.
    pub(super) fn all(&self) -> Vec<Suppressed> {
        self.collect(Count::take)
    }

    fn collect(&self, take: impl Fn(&mut Count) -> Option<Suppressed>) -> Vec<Suppressed> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        places
            .values()
            .filter_map(|count| take(&mut lock(count)))
            .collect()
    }

    fn count(&self, origin: &Origin<'_>, now: Duration) -> Arc<Mutex<Count>> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = places.get(&origin.place) {
            return Arc::clone(count);
        }
        drop(places);
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        let count = places.entry(origin.place.clone()).or_insert_with(|| {
            Arc::new(Mutex::new(Count {
                origin: origin.to_static(),
                began: now,
                lines: 0,
                suppressed: 0,
                message: String::new(),
            }))
        });
        Arc::clone(count)
    }
}

fn lock(count: &Mutex<Count>) -> MutexGuard<'_, Count> {
    count.lock().unwrap_or_else(PoisonError::into_inner)
}

fn limit_of(limit: u32, level: Level) -> u32 {
    match level {
        Level::INFO | Level::WARN => limit,
        _ => limit.saturating_mul(FACTOR),
    }
}

// === impl Count ===

impl Count {
    /// Begins a new interval if the last one is over, and returns what that has suppressed.
    fn end_interval(&mut self, now: Duration) -> Option<Suppressed> {
        if now.saturating_sub(self.began) < INTERVAL {
            return None;
        }
        self.began = now;
        self.lines = 0;
        self.take()
    }

    fn take(&mut self) -> Option<Suppressed> {
        let count = std::mem::take(&mut self.suppressed);
        (count > 0).then(|| Suppressed {
            origin: self.origin.clone(),
            count,
            message: std::mem::take(&mut self.message),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tracing::Callsite as _;

    use super::*;

    macro_rules! place {
        ($level:ident) => {
            Origin::of_event(
                tracing::callsite! {
                    name: "event test",
                    kind: tracing::metadata::Kind::EVENT,
                    target: "test",
                    level: Level::$level,
                    fields: message
                }
                .metadata(),
            )
        };
    }

    /// How many of `events` events at one moment become lines, and what is told before the first of them.
    fn burst(
        repeats: &Repeats,
        origin: &Origin<'_>,
        now: Duration,
        events: u32,
    ) -> (u32, Option<Suppressed>) {
        let mut told = None;
        let mut lines = 0;
        for event in 0..events {
            if let Verdict::Write(suppressed) = repeats.judge(origin, now, || format!("{event}")) {
                lines += 1;
                told = told.or(suppressed);
            }
        }
        (lines, told)
    }

    #[test]
    fn repeats_past_the_bound_are_left_out_and_told_with_the_next_line() {
        let repeats = Repeats::new(RepeatLimit::Lines(5));
        let info = place!(INFO);
        assert_eq!(burst(&repeats, &info, Duration::ZERO, 12), (5, None));
        assert_eq!(repeats.ended(INTERVAL / 2), []);
        let told = Suppressed {
            origin: info.to_static(),
            count: 7,
            message: "5".to_owned(),
        };
        assert_eq!(burst(&repeats, &info, INTERVAL, 6), (5, Some(told)));
        assert_eq!(burst(&repeats, &info, INTERVAL, 1), (0, None));
    }

    #[test]
    fn repeats_are_told_once_their_interval_is_over_although_nothing_follows() {
        let repeats = Repeats::new(RepeatLimit::Lines(1));
        let (one, two) = (place!(WARN), place!(WARN));
        burst(&repeats, &one, Duration::ZERO, 4);
        burst(&repeats, &two, INTERVAL / 2, 3);
        let counts = |told: Vec<Suppressed>| told.iter().map(|told| told.count).collect::<Vec<_>>();
        assert_eq!(counts(repeats.ended(INTERVAL)), [3]);
        assert!(repeats.ended(INTERVAL).is_empty());
        assert_eq!(counts(repeats.all()), [2]);
        assert!(repeats.all().is_empty());
    }

    #[test]
    fn each_place_has_its_own_bound_and_that_of_errors_is_higher() {
        let repeats = Repeats::new(RepeatLimit::Lines(2));
        for (origin, lines) in [
            (place!(INFO), 2),
            (place!(INFO), 2),
            (place!(WARN), 2),
            (place!(ERROR), 20),
            (place!(DEBUG), 20),
        ] {
            assert_eq!(burst(&repeats, &origin, Duration::ZERO, 100).0, lines);
        }
        let without = Repeats::new(RepeatLimit::Unlimited);
        assert_eq!(burst(&without, &place!(INFO), Duration::ZERO, 100).0, 100);
        assert!(without.places.read().unwrap().is_empty());
    }

    #[test]
    fn threads_share_the_bound_and_nothing_is_told_twice_or_lost() {
        let repeats = Repeats::new(RepeatLimit::Lines(50));
        let info = place!(INFO);
        let lines: u32 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| burst(&repeats, &info, Duration::ZERO, 1000).0))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(lines, 50);
        assert_eq!(repeats.all()[0].count, 3950);
    }

    proptest! {
        #[test]
        fn every_event_is_a_line_or_is_told_of(steps in proptest::collection::vec((0..4000u64, 0..9u32), 0..60)) {
            let repeats = Repeats::new(RepeatLimit::Lines(3));
            let origin = place!(WARN);
            let mut now = Duration::ZERO;
            let (mut events, mut lines, mut told) = (0, 0, 0);
            for (step, count) in steps {
                now += Duration::from_millis(step);
                events += u64::from(count);
                let (put, suppressed) = burst(&repeats, &origin, now, count);
                lines += u64::from(put);
                told += suppressed.map_or(0, |suppressed| suppressed.count);
                told += repeats.ended(now).iter().map(|suppressed| suppressed.count).sum::<u64>();
            }
            told += repeats.all().iter().map(|suppressed| suppressed.count).sum::<u64>();
            prop_assert_eq!(lines + told, events);
        }
    }
}
