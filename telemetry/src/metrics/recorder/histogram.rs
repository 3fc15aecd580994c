//! A histogram in fixed memory: for each bucket a count and one exemplar.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use metrics::HistogramFn;

use super::exemplar::{Exemplar, ExemplarSlot, Intervals};
use super::lazy_counter::LazyCounter;

/// What the histograms of one metric have in common.
pub(crate) struct HistogramConfig {
    /// The upper bounds of the buckets, rising; the last bucket has no bound.
    pub(crate) bounds: &'static [f64],
    /// Counts measurements that are infinite or not a number.
    pub(crate) not_finite: Arc<LazyCounter>,
}

/// One series of a histogram.
pub(crate) struct Histogram {
    config: Arc<HistogramConfig>,
    intervals: Arc<Intervals>,
    // One for each bound and one without a bound. The total count is their sum, so that the two agree.
    buckets: Box<[Bucket]>,
    // The bits of an `f64`.
    sum: AtomicU64,
}

#[derive(Debug, Default)]
struct Bucket {
    count: AtomicU64,
    exemplar: ExemplarSlot,
}

/// The values of a histogram at one moment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Snapshot {
    /// For each bucket the number of measurements in it and in those below it, and its exemplar.
    pub(crate) cumulative: Vec<(u64, Option<Exemplar>)>,
    pub(crate) sum: f64,
}

// === impl Histogram ===

impl Histogram {
    pub(crate) fn new(config: &Arc<HistogramConfig>, intervals: &Arc<Intervals>) -> Self {
        Self {
            config: Arc::clone(config),
            intervals: Arc::clone(intervals),
            buckets: (0..=config.bounds.len())
                .map(|_| Bucket::default())
                .collect(),
            sum: AtomicU64::new(0.0_f64.to_bits()),
        }
    }

    pub(crate) fn snapshot(&self, time: SystemTime) -> Snapshot {
        let mut total = 0;
        let cumulative = self
            .buckets
            .iter()
            .map(|bucket| {
                total += bucket.count.load(Ordering::Relaxed);
                (total, bucket.exemplar.at(time))
            })
            .collect();
        Snapshot {
            cumulative,
            sum: f64::from_bits(self.sum.load(Ordering::Relaxed)),
        }
    }
}

impl HistogramFn for Histogram {
    fn record(&self, value: f64) {
        self.record_many(value, 1);
    }

    #[allow(clippy::cast_precision_loss)] // Nobody records 2^52 measurements at once.
    fn record_many(&self, value: f64, count: usize) {
        // One of these would make the sum useless for good.
        if !value.is_finite() {
            self.config.not_finite.add(count as u64);
            return;
        }
        let index = self.config.bounds.partition_point(|bound| *bound < value);
        let bucket = &self.buckets[index];
        bucket.count.fetch_add(count as u64, Ordering::Relaxed);
        let more = value * count as f64;
        // The update never declines, so that it never fails.
        let _ = self
            .sum
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |sum| {
                Some((f64::from_bits(sum) + more).to_bits())
            });
        bucket.exemplar.try_sample(value, &self.intervals);
    }
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::signals::{
        HTTP_SERVER_REQUEST_DURATION, TelemetryMetricRejected, TelemetryMetricRejectedReason,
    };

    fn histogram(bounds: &'static [f64]) -> Histogram {
        let config = Arc::new(HistogramConfig {
            bounds,
            not_finite: LazyCounter::new(
                &Arc::new(PrometheusBuilder::new().build_recorder()),
                &TelemetryMetricRejected {
                    telemetry_metric_name: "test",
                    telemetry_reason: TelemetryMetricRejectedReason::NotFinite,
                },
            ),
        });
        Histogram::new(&config, &Arc::new(Intervals::new(true)))
    }

    fn counts(histogram: &Histogram) -> Vec<u64> {
        let snapshot = histogram.snapshot(SystemTime::now());
        snapshot
            .cumulative
            .into_iter()
            .map(|(count, _)| count)
            .collect()
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let histogram = histogram(&[0.1, 1.0]);
        for value in [0.1, 0.100_001, 1.0, 1.1] {
            histogram.record(value);
        }
        assert_eq!(counts(&histogram), [1, 3, 4]);
    }

    #[test]
    fn what_is_no_number_spoils_nothing() {
        let histogram = histogram(&[1.0]);
        histogram.record(0.5);
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            histogram.record(value);
        }
        assert_eq!(counts(&histogram), [1, 1]);
        assert!((histogram.snapshot(SystemTime::now()).sum - 0.5).abs() < f64::EPSILON);
    }

    #[test]
    fn threads_that_record_at_once_lose_nothing() {
        let histogram = histogram(&[1.0, 2.0]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for value in [0.5, 1.5, 2.5, 0.5] {
                        histogram.record_many(value, 250);
                    }
                });
            }
        });
        assert_eq!(counts(&histogram), [2000, 3000, 4000]);
        assert!((histogram.snapshot(SystemTime::now()).sum - 5000.0).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn the_buckets_agree_with_counting_by_hand(values in prop::collection::vec(-1.0..20.0_f64, 0..200)) {
            let bounds = HTTP_SERVER_REQUEST_DURATION.buckets;
            let histogram = histogram(bounds);
            for value in &values {
                histogram.record(*value);
            }
            let expected: Vec<u64> = bounds
                .iter()
                .chain(&[f64::INFINITY])
                .map(|bound| values.iter().filter(|value| *value <= bound).count() as u64)
                .collect();
            prop_assert_eq!(counts(&histogram), expected);
        }
    }
}
