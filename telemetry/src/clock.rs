//! The time of day, told by the processor's counter.
//!
//! Asking the operating system costs more than all else that a small span does, on some virtual machines a tenth of a
//! microsecond. So it is asked once a second on each thread, and in between the counter tells how much later it is.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use quanta::Instant;

/// How long one answer of the system is gone by.
const INTERVAL: Duration = Duration::from_secs(1);

thread_local! {
    static ASKED: Cell<Option<(Instant, SystemTime)>> = const { Cell::new(None) };
}

/// What time it is. It never goes back within a second of one thread.
pub(crate) fn now() -> SystemTime {
    let instant = Instant::now();
    if let Some((asked, answer)) = ASKED.get() {
        let since = instant.saturating_duration_since(asked);
        if since < INTERVAL {
            return answer + since;
        }
    }
    let answer = SystemTime::now();
    ASKED.set(Some((instant, answer)));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

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
