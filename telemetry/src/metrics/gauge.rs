//! A gauge that counts what is open, and cannot leak.

use metrics::Gauge;

/// One unit in a gauge, from its creation to its drop, whichever way that comes.
#[derive(Debug)]
pub(crate) struct Held(Gauge);

impl Held {
    pub(crate) fn new(gauge: Gauge) -> Self {
        gauge.increment(1.0);
        Self(gauge)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}
