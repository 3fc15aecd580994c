//! A histogram of latencies with a precision of three significant digits, up to ten minutes.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

const MAX_MICROS: u64 = 600_000_000;
const DIGITS: u8 = 3;

/// The latencies of one operation.
#[derive(Debug, Clone)]
pub struct Latencies {
    histogram: Histogram<u64>,
}

/// The quantiles of some latencies, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Default)]
pub struct Quantiles {
    /// How many latencies were recorded.
    pub count: u64,
    /// The shortest.
    pub min_ms: f64,
    /// The mean.
    pub mean_ms: f64,
    /// Half are at most this.
    pub p50_ms: f64,
    /// Nine of ten are at most this.
    pub p90_ms: f64,
    /// 99 of 100 are at most this.
    pub p99_ms: f64,
    /// 999 of 1000 are at most this.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

// === impl Latencies ===

impl Default for Latencies {
    fn default() -> Self {
        Self {
            histogram: Histogram::new_with_bounds(1, MAX_MICROS, DIGITS)
                .expect("the bounds are constants that the histogram accepts"),
        }
    }
}

impl Latencies {
    /// Records a latency. More than ten minutes is recorded as ten minutes.
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(MAX_MICROS);
        self.histogram
            .saturating_record(micros.clamp(1, MAX_MICROS));
    }

    /// How many were recorded.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// How many were at most `limit`.
    pub fn within(&self, limit: Duration) -> u64 {
        let micros = u64::try_from(limit.as_micros()).unwrap_or(MAX_MICROS);
        self.histogram.count_between(0, micros)
    }

    /// The latency up to which this share lies; zero when nothing was recorded.
    pub fn quantile(&self, share: f64) -> Duration {
        Duration::from_micros(self.histogram.value_at_quantile(share))
    }

    /// Their quantiles; all zero when nothing was recorded.
    pub fn quantiles(&self) -> Quantiles {
        if self.count() == 0 {
            return Quantiles::default();
        }
        Quantiles {
            count: self.count(),
            min_ms: millis(self.histogram.min()),
            mean_ms: (self.histogram.mean() / 10.0).round() / 100.0,
            p50_ms: millis(self.histogram.value_at_quantile(0.5)),
            p90_ms: millis(self.histogram.value_at_quantile(0.9)),
            p99_ms: millis(self.histogram.value_at_quantile(0.99)),
            p999_ms: millis(self.histogram.value_at_quantile(0.999)),
            max_ms: millis(self.histogram.max()),
        }
    }
}

fn millis(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Latencies, Quantiles};

    #[test]
    fn quantiles_are_those_of_the_recorded_latencies() {
        let mut latencies = Latencies::default();
        for milliseconds in 1..=100 {
            latencies.record(Duration::from_millis(milliseconds));
        }
        let quantiles = latencies.quantiles();
        assert_eq!(quantiles.count, 100);
        for (found, expected) in [
            (quantiles.min_ms, 1.0),
            (quantiles.p50_ms, 50.0),
            (quantiles.p90_ms, 90.0),
            (quantiles.p99_ms, 99.0),
            (quantiles.max_ms, 100.0),
        ] {
            assert!((found - expected).abs() < expected * 0.002, "{quantiles:?}");
        }
        assert_eq!(latencies.within(Duration::from_millis(25)), 25);
    }

    #[test]
    fn a_latency_above_the_histograms_range_is_counted() {
        let mut latencies = Latencies::default();
        latencies.record(Duration::from_hours(1));
        assert_eq!(latencies.count(), 1);
        assert!(latencies.quantile(1.0) >= Duration::from_secs(599));
    }

    #[test]
    fn without_latencies_all_quantiles_are_zero() {
        assert_eq!(Latencies::default().quantiles(), Quantiles::default());
    }
}
