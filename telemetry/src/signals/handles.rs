//! The handles that a thread has used lately, so that measuring again costs neither an allocation nor a lock.
//!
//! Making the key of a series copies its labels; finding a handle here writes them into a few words on the stack, which
//! are hashed and compared as such. A thread keeps a bounded number, and forgets them all when they become too many:
//! labels with ever new values are slower, not larger.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::thread::LocalKey;

use metrics::{Key, Recorder};

use super::{Metric, series};
use crate::recorder;

/// How many handles of a kind a thread keeps: more than a service has series that are busy at a time.
const LIMIT: usize = 512;

/// How many words the values of a series may take. Longer ones are looked up where all are.
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

/// A series as words: the address of its metric, and the values of its labels.
struct Words {
    words: [u64; ROOM],
    count: usize,
}

/// The keys of the map are hashes already.
#[derive(Default)]
struct Hashed(u64);

/// The handle of one series, which `register` makes when this thread has not used it lately.
pub(super) fn find<H: Clone>(
    local: &'static LocalKey<RefCell<Handles<H>>>,
    metric: &'static Metric,
    values: &[&str],
    register: impl FnOnce(&dyn Recorder, &Key) -> H,
) -> H {
    metrics::with_recorder(|recorder| {
        let make = || register(recorder, &series::key(metric, values));
        if !recorder::is_the_installed(recorder) {
            return make();
        }
        let Some(words) = Words::of(metric, values) else {
            return make();
        };
        let hash = words.hash();
        // When the thread is about to end, it has no handles any more.
        let known = local.try_with(|handles| handles.borrow().get(hash, &words));
        if let Ok(Some(handle)) = known {
            return handle;
        }
        let handle = make();
        let _ = local.try_with(|handles| {
            handles.borrow_mut().keep(hash, &words, handle.clone());
        });
        handle
    })
}

// === impl Handles ===

impl<H: Clone> Handles<H> {
    fn get(&self, hash: u64, words: &Words) -> Option<H> {
        let known = self.by_hash.get(&hash)?;
        (*known.words == *words.as_slice()).then(|| known.handle.clone())
    }

    fn keep(&mut self, hash: u64, words: &Words, handle: H) {
        if self.by_hash.len() >= LIMIT {
            self.by_hash.clear();
        }
        let words = words.as_slice().into();
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

// === impl Words ===

impl Words {
    /// None when there is no room for all.
    fn of(metric: &'static Metric, values: &[&str]) -> Option<Self> {
        let mut all = Self {
            words: [0; ROOM],
            count: 0,
        };
        all.put(std::ptr::from_ref(metric).addr() as u64)?;
        for value in values {
            all.text(value.as_bytes())?;
        }
        Some(all)
    }

    /// Its last word, which has fewer than eight letters, begins with a byte that no text has in it, so that no two
    /// sequences of texts are the same words.
    fn text(&mut self, text: &[u8]) -> Option<()> {
        const END: u64 = 0xf8;
        let (whole, rest) = text.as_chunks::<8>();
        for word in whole {
            self.put(u64::from_le_bytes(*word))?;
        }
        let end = END | rest.len() as u64;
        self.put(
            rest.iter()
                .fold(end, |word, letter| (word << 8) | u64::from(*letter))
                << (8 * (7 - rest.len())),
        )
    }

    fn put(&mut self, word: u64) -> Option<()> {
        *self.words.get_mut(self.count)? = word;
        self.count += 1;
        Some(())
    }

    fn as_slice(&self) -> &[u64] {
        &self.words[..self.count]
    }

    /// Quick, and good enough where a collision only costs time.
    fn hash(&self) -> u64 {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let hash = self.as_slice().iter().fold(0_u64, |hash, word| {
            (hash.rotate_left(23) ^ word).wrapping_mul(FACTOR)
        });
        // The map takes its buckets from the low bits and its tags from the high ones: spread both.
        hash ^ (hash >> 32)
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
    use super::*;
    use crate::signals::{
        HTTP_SERVER_ACTIVE_REQUESTS as OTHER, HTTP_SERVER_REQUEST_DURATION as ONE,
    };

    fn words(metric: &'static Metric, values: &[&str]) -> Words {
        Words::of(metric, values).unwrap()
    }

    #[test]
    fn a_handle_is_found_by_all_of_its_labels_also_when_hashes_collide() {
        let mut handles = Handles::default();
        handles.keep(7, &words(&ONE, &["1"]), 1);
        assert_eq!(handles.get(7, &words(&ONE, &["1"])), Some(1));
        for other in [&[][..], &["2"], &["1", "2"], &["1", ""]] {
            assert_eq!(handles.get(7, &words(&ONE, other)), None, "{other:?}");
        }
        assert_eq!(handles.get(7, &words(&OTHER, &["1"])), None);
    }

    #[test]
    fn a_thread_keeps_a_bounded_number() {
        let mut handles = Handles::default();
        for number in 0..10 * LIMIT as u64 {
            handles.keep(number, &words(&ONE, &[]), number);
        }
        assert!(handles.by_hash.len() <= LIMIT);
    }

    #[test]
    fn where_one_label_ends_and_the_next_begins_counts() {
        let of = |values: &[&str]| words(&ONE, values).as_slice().to_vec();
        for (one, other) in [
            (["ab", "c"], ["a", "bc"]),
            (["", "x"], ["x", ""]),
            (["12345678", ""], ["", "12345678"]),
            (["\0\0\0\0\0\0\0\0", ""], ["", "\0\0\0\0\0\0\0\0"]),
            (["a", ""], ["a\0", ""]),
        ] {
            assert_ne!(of(&one), of(&other));
            assert_ne!(words(&ONE, &one).hash(), words(&ONE, &other).hash());
        }
        assert!(Words::of(&ONE, &["x".repeat(300).as_str()]).is_none());
    }
}
