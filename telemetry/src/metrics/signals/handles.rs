//! The handles that a thread used lately: a cache, so that measuring again costs neither an allocation nor a lock.
//!
//! Making the key of a series copies its labels; finding a handle here reads them as a few words, which are hashed and
//! compared as they come: a value of a closed set and a number are one or two, and only texts have more. A thread keeps a
//! bounded number, and forgets them all when they become too many: labels with ever new values are slower, not larger.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::thread::LocalKey;

use metrics::{Key, Recorder};

use super::series::{self, LabelWriter, Series};
use crate::metrics::installed;

/// How many handles of a kind a thread keeps: more than a service has series that are busy at a time.
const LIMIT: usize = 512;

/// How many words the values of a series may be to be kept. Longer ones are looked up where all are.
const ROOM: usize = 32;

/// The handles of one kind that one thread has used.
pub(super) struct Handles<H> {
    // Of two series with the same hash the later one stands.
    by_hash: HashMap<u64, Known<H>, BuildHasherDefault<Hashed>>,
}

struct Known<H> {
    words: Box<[u64]>,
    handle: H,
}

/// The series whose handle is looked up. The address of its metric is taken once: that of a constant may be another one elsewhere.
struct Wanted<'a, S: ?Sized> {
    metric: u64,
    series: &'a S,
}

/// Writes the labels of a series as words.
struct Words<P>(P);

/// The keys of the map are hashes already.
#[derive(Default)]
struct Hashed(u64);

/// Calls `act` with the handle of a series, which `register` makes when this thread has not used it lately.
#[inline]
pub(super) fn find<H: Clone, S: Series + ?Sized, R>(
    local: &'static LocalKey<RefCell<Handles<H>>>,
    series: &S,
    register: impl FnOnce(&dyn Recorder, &Key) -> H,
    act: impl Fn(&H) -> R,
) -> R {
    metrics::with_recorder(|recorder| {
        let keeps = installed::is_installed(recorder);
        let wanted = Wanted::of(series);
        let hash = wanted.hash();
        if keeps {
            // When the thread is about to end, it has no handles any more. What measures may measure more within.
            let done = local.try_with(|handles| {
                let handles = handles.try_borrow().ok()?;
                handles.get(hash, &wanted).map(&act)
            });
            if let Ok(Some(done)) = done {
                return done;
            }
        }
        let handle = register(recorder, &series::key(series));
        let done = act(&handle);
        if keeps {
            let _ = local.try_with(|handles| {
                if let Ok(mut handles) = handles.try_borrow_mut() {
                    handles.keep(hash, &wanted, handle);
                }
            });
        }
        done
    })
}

// === impl Handles ===

impl<H: Clone> Handles<H> {
    #[inline]
    fn get<S: Series + ?Sized>(&self, hash: u64, wanted: &Wanted<'_, S>) -> Option<&H> {
        let known = self.by_hash.get(&hash)?;
        let mut rest = known.words.iter();
        let mut is_same = true;
        wanted.each_word(|word| is_same &= rest.next() == Some(&word));
        (is_same && rest.next().is_none()).then_some(&known.handle)
    }

    fn keep<S: Series + ?Sized>(&mut self, hash: u64, wanted: &Wanted<'_, S>, handle: H) {
        let mut words = Vec::with_capacity(ROOM);
        wanted.each_word(|word| {
            if words.len() <= ROOM {
                words.push(word);
            }
        });
        if words.len() > ROOM {
            return;
        }
        if self.by_hash.len() >= LIMIT {
            self.by_hash.clear();
        }
        let words = words.into();
        self.by_hash.insert(hash, Known { words, handle });
    }
}

impl<H> Default for Handles<H> {
    fn default() -> Self {
        Self {
            by_hash: HashMap::default(),
        }
    }
}

// === impl Wanted ===

impl<'a, S: Series + ?Sized> Wanted<'a, S> {
    #[inline]
    fn of(series: &'a S) -> Self {
        Self {
            metric: std::ptr::from_ref(S::METRIC).addr() as u64,
            series,
        }
    }

    #[inline]
    fn each_word(&self, mut put: impl FnMut(u64)) {
        put(self.metric);
        self.series.write_labels(&mut Words(put));
    }

    /// Quick, and good enough where a collision only costs time: no word waits for the one before it.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // Both halves are taken.
    fn hash(&self) -> u64 {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut factor = FACTOR;
        let mut hash = 0_u64;
        self.each_word(|word| {
            hash = hash.wrapping_add(word.wrapping_mul(factor));
            // It stays odd.
            factor = factor.wrapping_add(FACTOR << 1);
        });
        // The map takes its buckets from the low bits and its tags from the high ones: spread all to both.
        let spread = u128::from(hash) * u128::from(FACTOR);
        (spread >> 64) as u64 ^ spread as u64
    }
}

// === impl Words ===

/// Each value says how many words it has, so that no two sequences of values are the same words.
impl<P: FnMut(u64)> LabelWriter for Words<P> {
    #[inline]
    fn known(&mut self, value: Option<(u64, &'static str)>) {
        (self.0)(value.map_or(0, |(place, _)| place + 1));
    }

    #[inline]
    fn number(&mut self, value: Option<i64>) {
        (self.0)(u64::from(value.is_some()));
        if let Some(value) = value {
            (self.0)(value.cast_unsigned());
        }
    }

    /// Its length, and then its letters, of which the last eight may be there twice in part.
    #[inline]
    fn text(&mut self, value: &str) {
        let text = value.as_bytes();
        (self.0)(text.len() as u64);
        let (whole, rest) = text.as_chunks();
        for word in whole {
            (self.0)(u64::from_le_bytes(*word));
        }
        if rest.is_empty() {
            return;
        }
        if let Some(last) = text.last_chunk() {
            (self.0)(u64::from_le_bytes(*last));
        } else {
            let letters = rest.iter().rev();
            (self.0)(letters.fold(0, |word, letter| word << 8 | u64::from(*letter)));
        }
    }
}

// === impl Hashed ===

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    /// Only hashes are hashed.
    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::signals::Metric;
    use crate::metrics::signals::{
        HTTP_SERVER_ACTIVE_REQUESTS as OTHER, HTTP_SERVER_REQUEST_DURATION as ONE,
    };

    enum Value {
        Known(Option<u64>),
        Number(Option<i64>),
        Text(String),
    }

    /// A series of one metric with these labels, and of another one.
    struct One(Vec<Value>);
    struct Other(Vec<Value>);

    impl Series for One {
        const METRIC: &'static Metric = &ONE;

        fn write_labels(&self, labels: &mut impl LabelWriter) {
            for value in &self.0 {
                match value {
                    Value::Known(place) => labels.known(place.map(|place| (place, "known"))),
                    Value::Number(number) => labels.number(*number),
                    Value::Text(text) => labels.text(text),
                }
            }
        }
    }

    impl Series for Other {
        const METRIC: &'static Metric = &OTHER;

        fn write_labels(&self, labels: &mut impl LabelWriter) {
            for value in &self.0 {
                if let Value::Text(text) = value {
                    labels.text(text);
                }
            }
        }
    }

    fn texts(values: &[&str]) -> Vec<Value> {
        let owned = |text: &&str| Value::Text((*text).to_owned());
        values.iter().map(owned).collect()
    }

    fn words(series: &impl Series) -> Vec<u64> {
        let mut words = Vec::new();
        Wanted::of(series).each_word(|word| words.push(word));
        words
    }

    #[test]
    fn a_handle_is_found_by_all_of_its_labels_also_when_hashes_collide() {
        let one = |values: &[&str]| One(texts(values));
        let mut handles = Handles::default();
        handles.keep(7, &Wanted::of(&one(&["1"])), 1);
        assert_eq!(handles.get(7, &Wanted::of(&one(&["1"]))), Some(&1));
        for other in [&[][..], &["2"], &["1", "2"], &["1", ""]] {
            assert_eq!(handles.get(7, &Wanted::of(&one(other))), None, "{other:?}");
        }
        assert_eq!(handles.get(7, &Wanted::of(&Other(texts(&["1"])))), None);
        handles.keep(7, &Wanted::of(&one(&["2"])), 2);
        assert_eq!(handles.get(7, &Wanted::of(&one(&["1"]))), None);
        assert_eq!(handles.get(7, &Wanted::of(&one(&["2"]))), Some(&2));
    }

    #[test]
    fn a_thread_keeps_a_bounded_number() {
        let mut handles = Handles::default();
        for number in 0..10 * LIMIT as u64 {
            handles.keep(number, &Wanted::of(&One(Vec::new())), number);
        }
        assert!(handles.by_hash.len() <= LIMIT);
    }

    #[test]
    fn a_series_with_a_long_text_is_not_kept() {
        let long = One(texts(&[&"x".repeat(300)]));
        let mut handles = Handles::default();
        handles.keep(7, &Wanted::of(&long), 1);
        assert_eq!(handles.get(7, &Wanted::of(&long)), None);
        assert!(handles.by_hash.is_empty());
    }

    #[test]
    fn where_one_label_ends_and_the_next_begins_counts() {
        for (one, other) in [
            (["ab", "c"], ["a", "bc"]),
            (["", "x"], ["x", ""]),
            (["12345678", ""], ["", "12345678"]),
            (["\0\0\0\0\0\0\0\0", ""], ["", "\0\0\0\0\0\0\0\0"]),
            (["a", ""], ["a\0", ""]),
        ] {
            let (one, other) = (One(texts(&one)), One(texts(&other)));
            assert_ne!(words(&one), words(&other));
            assert_ne!(Wanted::of(&one).hash(), Wanted::of(&other).hash());
        }
    }

    #[test]
    fn no_value_is_another_one_whatever_comes_after_it() {
        use Value::{Known, Number};
        let all = [
            vec![],
            vec![Known(None)],
            vec![Known(Some(0))],
            vec![Known(Some(1))],
            vec![Number(Some(0))],
            vec![Number(Some(1))],
            vec![Number(Some(-1))],
            vec![Number(None), Number(Some(1))],
            vec![Number(Some(1)), Number(None)],
        ];
        let all: Vec<_> = all.into_iter().map(|values| words(&One(values))).collect();
        for (place, one) in all.iter().enumerate() {
            assert!(!all[..place].contains(one), "{place}");
        }
    }

    proptest! {
        #[test]
        fn different_texts_are_different_words(
            one in prop::collection::vec("[\0ab]{0,18}", 2),
            other in prop::collection::vec("[\0ab]{0,18}", 2),
        ) {
            let of = |values: &[String]| {
                let values: Vec<_> = values.iter().map(String::as_str).collect();
                words(&One(texts(&values)))
            };
            prop_assert_eq!(of(&one) == of(&other), one == other);
        }
    }
}
