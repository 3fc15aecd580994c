//! Repeats of the same event, cut to a number in a time, and counted.
//!
//! The same event is the one of the same place in the code (its callsite), whatever its fields say: a loop that fails
//! ten thousand times a second says so once, then how often. What is kept is bounded by the code, which has only so
//! many places.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tracing::callsite::Identifier;
use tracing::{Level, Metadata};

/// How long the repeats of an event are counted together.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);

/// How many times more errors are let through, and what somebody has turned on to see: debug and trace events.
const FACTOR: u32 = 10;

/// The bound of the repeats, and where each event stands. Times are since any fixed moment.
#[derive(Debug)]
pub(super) struct Repeats {
    /// How many lines of one place at the levels info and warn may come in an interval; none is no bound.
    limit: Option<u32>,
    places: RwLock<HashMap<Identifier, Arc<Mutex<Place>>>>,
}

/// What becomes of an event.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    /// It is a line; before it comes what was left out until now.
    Line(Option<LeftOut>),
    /// It is one too many.
    Repeat,
}

/// The repeats of one event that were left out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LeftOut {
    pub(super) metadata: &'static Metadata<'static>,
    pub(super) count: u64,
    /// What the first of them said.
    pub(super) message: String,
}

/// One event's current interval.
#[derive(Debug)]
struct Place {
    metadata: &'static Metadata<'static>,
    began: Duration,
    lines: u32,
    left_out: u64,
    message: String,
}

// === impl Repeats ===

impl Repeats {
    pub(super) fn new(limit: Option<u32>) -> Self {
        Self {
            limit,
            places: RwLock::default(),
        }
    }

    /// Decides on an event. `message` is only asked for when a row of repeats begins.
    pub(super) fn judge(
        &self,
        metadata: &'static Metadata<'static>,
        now: Duration,
        message: impl FnOnce() -> String,
    ) -> Verdict {
        let Some(limit) = self.limit else {
            return Verdict::Line(None);
        };
        let place = self.place(metadata, now);
        let mut place = lock(&place);
        let ended = place.end(now);
        if place.lines < bound(limit, *metadata.level()) {
            place.lines += 1;
            return Verdict::Line(ended);
        }
        if place.left_out == 0 {
            place.message = message();
        }
        place.left_out += 1;
        Verdict::Repeat
    }

    /// What was left out in intervals that are over.
    pub(super) fn ended(&self, now: Duration) -> Vec<LeftOut> {
        self.collect(|place| place.end(now))
    }

    /// What was left out and has not been told, when nothing comes any more.
    pub(super) fn all(&self) -> Vec<LeftOut> {
        self.collect(Place::take)
    }

    fn collect(&self, tell: impl Fn(&mut Place) -> Option<LeftOut>) -> Vec<LeftOut> {
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        places
            .values()
            .filter_map(|place| tell(&mut lock(place)))
            .collect()
    }

    fn place(&self, metadata: &'static Metadata<'static>, now: Duration) -> Arc<Mutex<Place>> {
        let callsite = metadata.callsite();
        let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get(&callsite) {
            return Arc::clone(place);
        }
        drop(places);
        let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
        let place = places.entry(callsite).or_insert_with(|| {
            Arc::new(Mutex::new(Place {
                metadata,
                began: now,
                lines: 0,
                left_out: 0,
                message: String::new(),
            }))
        });
        Arc::clone(place)
    }
}

fn lock(place: &Mutex<Place>) -> MutexGuard<'_, Place> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

fn bound(limit: u32, level: Level) -> u32 {
    match level {
        Level::INFO | Level::WARN => limit,
        _ => limit.saturating_mul(FACTOR),
    }
}

// === impl Place ===

impl Place {
    /// Begins a new interval if the last one is over, and tells what was left out in it.
    fn end(&mut self, now: Duration) -> Option<LeftOut> {
        if now.saturating_sub(self.began) < INTERVAL {
            return None;
        }
        self.began = now;
        self.lines = 0;
        self.take()
    }

    fn take(&mut self) -> Option<LeftOut> {
        let count = std::mem::take(&mut self.left_out);
        (count > 0).then(|| LeftOut {
            metadata: self.metadata,
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
            tracing::callsite! {
                name: "event test",
                kind: tracing::metadata::Kind::EVENT,
                target: "test",
                level: Level::$level,
                fields: message
            }
            .metadata()
        };
    }

    /// How many of `events` events at one moment become lines, and what is told before the first of them.
    fn burst(
        repeats: &Repeats,
        metadata: &'static Metadata<'static>,
        now: Duration,
        events: u32,
    ) -> (u32, Option<LeftOut>) {
        let mut told = None;
        let mut lines = 0;
        for event in 0..events {
            if let Verdict::Line(left_out) = repeats.judge(metadata, now, || format!("{event}")) {
                lines += 1;
                told = told.or(left_out);
            }
        }
        (lines, told)
    }

    #[test]
    fn repeats_past_the_bound_are_left_out_and_told_with_the_next_line() {
        let repeats = Repeats::new(Some(5));
        let info = place!(INFO);
        assert_eq!(burst(&repeats, info, Duration::ZERO, 12), (5, None));
        assert_eq!(repeats.ended(INTERVAL / 2), []);
        let told = LeftOut {
            metadata: info,
            count: 7,
            message: "5".to_owned(),
        };
        assert_eq!(burst(&repeats, info, INTERVAL, 6), (5, Some(told)));
        assert_eq!(burst(&repeats, info, INTERVAL, 1), (0, None));
    }

    #[test]
    fn repeats_are_told_once_their_interval_is_over_although_nothing_follows() {
        let repeats = Repeats::new(Some(1));
        let (one, two) = (place!(WARN), place!(WARN));
        burst(&repeats, one, Duration::ZERO, 4);
        burst(&repeats, two, INTERVAL / 2, 3);
        let counts = |told: Vec<LeftOut>| told.iter().map(|told| told.count).collect::<Vec<_>>();
        assert_eq!(counts(repeats.ended(INTERVAL)), [3]);
        assert!(repeats.ended(INTERVAL).is_empty());
        assert_eq!(counts(repeats.all()), [2]);
        assert!(repeats.all().is_empty());
    }

    #[test]
    fn each_place_has_its_own_bound_and_that_of_errors_is_higher() {
        let repeats = Repeats::new(Some(2));
        for (metadata, lines) in [
            (place!(INFO), 2),
            (place!(INFO), 2),
            (place!(WARN), 2),
            (place!(ERROR), 20),
            (place!(DEBUG), 20),
        ] {
            assert_eq!(burst(&repeats, metadata, Duration::ZERO, 100).0, lines);
        }
        let without = Repeats::new(None);
        assert_eq!(burst(&without, place!(INFO), Duration::ZERO, 100).0, 100);
        assert!(without.places.read().unwrap().is_empty());
    }

    #[test]
    fn threads_share_the_bound_and_nothing_is_told_twice_or_lost() {
        let repeats = Repeats::new(Some(50));
        let info = place!(INFO);
        let lines: u32 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| burst(&repeats, info, Duration::ZERO, 1000).0))
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
            let repeats = Repeats::new(Some(3));
            let metadata = place!(WARN);
            let mut now = Duration::ZERO;
            let (mut events, mut lines, mut told) = (0, 0, 0);
            for (step, count) in steps {
                now += Duration::from_millis(step);
                events += u64::from(count);
                let (put, left_out) = burst(&repeats, metadata, now, count);
                lines += u64::from(put);
                told += left_out.map_or(0, |left_out| left_out.count);
                told += repeats.ended(now).iter().map(|left_out| left_out.count).sum::<u64>();
            }
            told += repeats.all().iter().map(|left_out| left_out.count).sum::<u64>();
            prop_assert_eq!(lines + told, events);
        }
    }
}
