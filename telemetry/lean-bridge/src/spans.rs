//! Where the spans of a bridge are, from their making to their close.

use std::cell::Cell;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::span::Id;

use crate::span::Data;

/// How many threads make spans without meeting.
const SHARDS: usize = 64;

/// All spans that are open. Each thread makes its own in one shard, whose lock is nearly always free: others need it only
/// for spans that have wandered.
pub(crate) struct Spans {
    shards: Box<[Mutex<Shard>]>,
}

#[derive(Default)]
struct Shard {
    places: Vec<Place>,
    free: Vec<u32>,
}

/// A place for a span, and how often it has been given back: an id that is out of date finds nothing.
#[derive(Default)]
struct Place {
    round: u32,
    open: Option<Open>,
}

struct Open {
    holders: usize,
    data: Data,
}

/// What an id says: 6 bits of shard, 32 of place, 25 of round, and one that makes it more than zero.
struct Address {
    shard: usize,
    place: u32,
    round: u32,
}

const ROUNDS: u32 = 1 << 25;

thread_local! {
    static SHARD: Cell<Option<usize>> = const { Cell::new(None) };
}

// === impl Spans ===

impl Spans {
    pub(crate) fn new() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// Opens a span, which has one holder.
    pub(crate) fn open(&self, data: Data) -> Id {
        let number = shard_of_thread();
        let mut shard = self.shard(number);
        let Shard { places, free } = &mut *shard;
        let index = free.pop().unwrap_or_else(|| {
            places.push(Place::default());
            // There is no memory for more.
            u32::try_from(places.len() - 1).unwrap_or(u32::MAX)
        });
        let place = &mut places[index as usize];
        place.open = Some(Open { holders: 1, data });
        Address {
            shard: number,
            place: index,
            round: place.round,
        }
        .id()
    }

    /// Works on the span, under a lock: nothing of anybody else may be called. None when there is no such span.
    pub(crate) fn with<T>(&self, id: &Id, work: impl FnOnce(&mut Data) -> T) -> Option<T> {
        self.at(id, |open| work(&mut open.data))
    }

    /// One holder more.
    pub(crate) fn hold(&self, id: &Id) {
        self.at(id, |open| open.holders += 1);
    }

    /// One holder less. Returns what the last one leaves.
    pub(crate) fn release(&self, id: &Id) -> Option<Data> {
        let address = Address::of(id);
        let mut shard = self.shard(address.shard);
        let Shard { places, free } = &mut *shard;
        let place = places.get_mut(address.place as usize)?;
        if place.round != address.round {
            return None;
        }
        let open = place.open.as_mut()?;
        open.holders -= 1;
        if open.holders > 0 {
            return None;
        }
        let open = place.open.take()?;
        place.round = (place.round + 1) % ROUNDS;
        free.push(address.place);
        Some(open.data)
    }

    fn at<T>(&self, id: &Id, work: impl FnOnce(&mut Open) -> T) -> Option<T> {
        let address = Address::of(id);
        let mut shard = self.shard(address.shard);
        let place = shard.places.get_mut(address.place as usize)?;
        let open = place.open.as_mut()?;
        (place.round == address.round).then(|| work(open))
    }

    fn shard(&self, number: usize) -> MutexGuard<'_, Shard> {
        self.shards[number % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Threads take turns.
fn shard_of_thread() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    // A thread that is about to end may have none any more.
    SHARD
        .try_with(|shard| {
            let number = shard
                .get()
                .unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed) % SHARDS);
            shard.set(Some(number));
            number
        })
        .unwrap_or(0)
}

// === impl Address ===

impl Address {
    fn id(&self) -> Id {
        let number = u64::from(self.round) << 38 | u64::from(self.place) << 6 | self.shard as u64;
        Id::from_non_zero_u64(NonZeroU64::MIN.saturating_add(number))
    }

    #[allow(clippy::cast_possible_truncation)] // Each part is taken by its bits.
    fn of(id: &Id) -> Self {
        let number = id.into_u64() - 1;
        Self {
            shard: (number & 0x3f) as usize,
            place: (number >> 6) as u32,
            round: (number >> 38) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::Context;

    use super::*;

    fn data() -> Data {
        Data::standing_for(Context::new())
    }

    #[test]
    fn a_span_is_there_until_its_last_holder_leaves_and_its_id_finds_no_other() {
        let spans = Spans::new();
        let (first, second) = (spans.open(data()), spans.open(data()));
        spans.hold(&first);
        assert!(spans.release(&first).is_none());
        assert!(spans.with(&first, |_| ()).is_some());
        assert!(spans.release(&first).is_some());
        let third = spans.open(data());
        assert_ne!(third, first);
        assert!(spans.with(&first, |_| ()).is_none());
        assert!(spans.release(&first).is_none());
        assert!(spans.with(&second, |_| ()).is_some());
        assert!(spans.with(&third, |_| ()).is_some());
    }

    #[test]
    fn an_id_says_where_a_span_is() {
        for (shard, place, round) in [(0, 0, 0), (63, u32::MAX, ROUNDS - 1), (5, 7, 9)] {
            let address = Address {
                shard,
                place,
                round,
            };
            let read = Address::of(&address.id());
            assert_eq!((read.shard, read.place, read.round), (shard, place, round));
        }
    }
}
