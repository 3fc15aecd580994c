//! Names that came before, since judging one takes longer than all else that an attribute does.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::is_sensitive;

/// How many a thread remembers: more than a service has, unless it makes them up.
const NAMES: usize = 1024;

thread_local! {
    static KNOWN: RefCell<HashMap<Box<str>, bool, BuildHasherDefault<Quick>>> = RefCell::default();
}

/// Quick, and good enough where a collision only costs time: whoever can choose names could as well make up new ones.
#[derive(Default)]
struct Quick(u64);

/// The same as [`is_sensitive`], for names that come again and again.
pub(crate) fn is_sensitive_again(name: &str) -> bool {
    // When the thread is about to end, it remembers nothing any more.
    let known = KNOWN.try_with(|known| known.borrow().get(name).copied());
    if let Ok(Some(known)) = known {
        return known;
    }
    let sensitive = is_sensitive(name);
    let _ = KNOWN.try_with(|known| {
        let mut known = known.borrow_mut();
        if known.len() >= NAMES {
            known.clear();
        }
        known.insert(name.into(), sensitive);
    });
    sensitive
}

// === impl Quick ===

impl Hasher for Quick {
    fn finish(&self) -> u64 {
        // The map takes its buckets from the low bits and its tags from the high ones: spread both.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let last = rest
            .iter()
            .fold(0, |word, byte| (word << 8) | u64::from(*byte));
        self.write_u64(last);
    }

    fn write_u64(&mut self, word: u64) {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(FACTOR);
    }

    /// The end of a text.
    fn write_u8(&mut self, _: u8) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_judged_the_same_each_time_and_a_thread_remembers_a_bounded_number() {
        for _ in 0..2 {
            assert!(is_sensitive_again("user.password"));
            assert!(!is_sensitive_again("user.passwords_left".get(..5).unwrap()));
            assert!(!is_sensitive_again("dish"));
        }
        for number in 0..2 * NAMES {
            is_sensitive_again(&format!("name.{number}"));
        }
        assert!(KNOWN.with_borrow(HashMap::len) <= NAMES);
        assert!(is_sensitive_again("user.password"));
    }
}
