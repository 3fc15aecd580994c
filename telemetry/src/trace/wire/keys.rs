//! Which keys of attributes have been written.

/// A filter: what it does not know is new for certain; what it knows may have been written or not.
///
/// Most keys are new. Looking for each of them among the bytes that are written would cost more than writing it.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Keys(u128);

impl Keys {
    /// Whether the key was certainly not inserted.
    #[inline]
    pub(super) fn is_new(self, key: &str) -> bool {
        self.0 & bit(key) == 0
    }

    #[inline]
    pub(super) fn insert(&mut self, key: &str) {
        self.0 |= bit(key);
    }
}

/// One of 128 bits, by the length of a key and its first and last characters: names have a prefix in common, or an end,
/// and seldom both.
#[inline]
fn bit(key: &str) -> u128 {
    let bytes = key.as_bytes();
    let ends = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from_le_bytes(*first) ^ u64::from_le_bytes(*last).rotate_left(29)
        }
        _ => bytes
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    };
    let mixed = (ends ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    1 << (mixed >> 57)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_that_was_inserted_is_never_new(keys in prop::collection::vec("\\PC{0,20}", 0..20)) {
            let mut seen = Keys::default();
            for key in &keys {
                seen.insert(key);
            }
            prop_assert!(keys.iter().all(|key| !seen.is_new(key)));
        }
    }

    #[test]
    fn the_keys_of_a_request_seldom_share_a_bit() {
        let keys = [
            "http.request.method",
            "http.response.status_code",
            "http.route",
            "url.path",
            "url.scheme",
            "network.protocol.version",
            "server.address",
            "server.port",
            "user_agent.original",
            "error.type",
            "client.address",
            "telemetry.keep",
        ];
        let mut seen = Keys::default();
        let shared = keys.iter().filter(|key| {
            let is_new = seen.is_new(key);
            seen.insert(key);
            !is_new
        });
        assert!(shared.count() <= 2);
    }
}
