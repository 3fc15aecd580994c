//! The handles that a thread has used lately, so that measuring again costs neither an allocation nor a lock.
//!
//! Making the key of a series copies its labels; finding a handle here only reads their values, whose keys are the same
//! for every series of a metric. A thread keeps a bounded
//! number, and forgets them all when they become too many: labels with ever new values are slower, not larger.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::thread::LocalKey;

use metrics::{Key, Recorder};

use super::{Metric, series};
use crate::recorder;

/// How many handles of a kind a thread keeps: more than a service has series that are busy at a time.
const LIMIT: usize = 512;

/// The handles of one kind that one thread has used.
pub(super) struct Handles<H> {
    // Of two series with the same hash the later one stands.
    by_hash: HashMap<u64, Known<H>, BuildHasherDefault<Hashed>>,
}

struct Known<H> {
    name: &'static str,
    values: Box<[Box<str>]>,
    handle: H,
}

/// The keys of the map are hashes already.
#[derive(Default)]
struct Hashed(u64);

/// The handle of one series, which `register` makes when this thread has not used it lately.
pub(super) fn find<H: Clone>(
    local: &'static LocalKey<RefCell<Handles<H>>>,
    metric: &Metric,
    values: &[&str],
    register: impl FnOnce(&dyn Recorder, &Key) -> H,
) -> H {
    metrics::with_recorder(|recorder| {
        if !recorder::is_the_installed(recorder) {
            return register(recorder, &series::key(metric, values));
        }
        let hash = hash(metric.name, values);
        // When the thread is about to end, it has no handles any more.
        let known = local.try_with(|handles| handles.borrow().get(hash, metric.name, values));
        if let Ok(Some(handle)) = known {
            return handle;
        }
        let handle = register(recorder, &series::key(metric, values));
        let _ = local.try_with(|handles| {
            handles
                .borrow_mut()
                .keep(hash, metric.name, values, handle.clone());
        });
        handle
    })
}

// === impl Handles ===

impl<H: Clone> Handles<H> {
    fn get(&self, hash: u64, name: &str, values: &[&str]) -> Option<H> {
        let known = self.by_hash.get(&hash)?;
        let same = known.name == name
            && known.values.len() == values.len()
            && known
                .values
                .iter()
                .zip(values)
                .all(|(value, other)| **value == **other);
        same.then(|| known.handle.clone())
    }

    fn keep(&mut self, hash: u64, name: &'static str, values: &[&str], handle: H) {
        if self.by_hash.len() >= LIMIT {
            self.by_hash.clear();
        }
        let values = values.iter().map(|value| Box::from(*value)).collect();
        self.by_hash.insert(
            hash,
            Known {
                name,
                values,
                handle,
            },
        );
    }
}

impl<H> Default for Handles<H> {
    fn default() -> Self {
        Self {
            by_hash: HashMap::default(),
        }
    }
}

// === impl Hashed ===

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = mix(self.0, bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Quick, and good enough where a collision only costs time.
fn hash(name: &str, values: &[&str]) -> u64 {
    let hash = values.iter().fold(mix(0, name.as_bytes()), |hash, value| {
        mix(hash, value.as_bytes())
    });
    // The map takes its buckets from the low bits and its tags from the high ones: spread both.
    hash ^ (hash >> 32)
}

fn mix(hash: u64, bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |hash: u64, word: u64| (hash.rotate_left(23) ^ word).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks::<8>();
    let hash = words
        .iter()
        .fold(step(hash, bytes.len() as u64), |hash, word| {
            step(hash, u64::from_le_bytes(*word))
        });
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    step(hash, u64::from_le_bytes(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_found_by_all_of_its_labels_also_when_hashes_collide() {
        let mut handles = Handles::default();
        handles.keep(7, "m", &["1"], 1);
        assert_eq!(handles.get(7, "m", &["1"]), Some(1));
        for other in [&[][..], &["2"], &["1", "2"]] {
            assert_eq!(handles.get(7, "m", other), None, "{other:?}");
        }
        assert_eq!(handles.get(7, "n", &["1"]), None);
    }

    #[test]
    fn a_thread_keeps_a_bounded_number() {
        let mut handles = Handles::default();
        for number in 0..10 * LIMIT as u64 {
            handles.keep(number, "m", &[], number);
        }
        assert!(handles.by_hash.len() <= LIMIT);
    }

    #[test]
    fn where_one_label_ends_and_the_next_begins_counts() {
        let split = |a, b| hash("m", &[a, b]);
        assert_ne!(split("ab", "c"), split("a", "bc"));
        assert_ne!(split("", "x"), split("x", ""));
        assert_ne!(split("12345678", ""), split("", "12345678"));
    }
}
