//! The clock as a value, so that tests of rules about time need not wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use uuid::Uuid;

/// Unix time in milliseconds.
pub type Millis = i64;

/// The time in a version 7 UUID, as the ids of the platform are; `None` for any other text.
pub fn time_of_id(id: &str) -> Option<Millis> {
    let (seconds, nanoseconds) = Uuid::parse_str(id).ok()?.get_timestamp()?.to_unix();
    let seconds = Millis::try_from(seconds).ok()?;
    Some(seconds * 1000 + Millis::from(nanoseconds / 1_000_000))
}

/// A source of time.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The system clock.
    System,
    /// A clock that advances only when a test does it.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A manual clock that starts at `now`.
    pub fn manual(now: Millis) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now)))
    }

    /// The current time.
    pub fn now(&self) -> Millis {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| {
                    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
                }),
            Self::Manual(now) => now.load(Ordering::SeqCst),
        }
    }

    /// Advances a manual clock. The system clock is not changed.
    pub fn advance(&self, by: Millis) {
        if let Self::Manual(now) = self {
            now.fetch_add(by, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::{NoContext, Timestamp, Uuid};

    use super::time_of_id;

    #[test]
    fn an_id_of_version_7_has_its_time_in_milliseconds() {
        let timestamp = Timestamp::from_unix(NoContext, 1_763_688_909, 123_000_000);
        let id = Uuid::new_v7(timestamp).to_string();
        assert_eq!(time_of_id(&id), Some(1_763_688_909_123));
    }

    #[test]
    fn other_texts_have_no_time() {
        for id in ["", "order", "6ba7b810-9dad-41d1-80b4-00c04fd430c8"] {
            assert_eq!(time_of_id(id), None, "{id:?}");
        }
    }
}
