//! The counters that this recorder increments itself. A series is registered by its first increment, so that the hundreds of
//! metrics without a rejected measurement do not each add one.

use std::sync::{Arc, OnceLock};

use metrics::{Counter, Recorder};
use metrics_exporter_prometheus::PrometheusRecorder;

use crate::metrics::signals::{METADATA, Series, key};

/// One series of a counter, registered by its first increment.
pub(crate) struct LazyCounter {
    exporter: Arc<PrometheusRecorder>,
    key: metrics::Key,
    counter: OnceLock<Counter>,
}

// === impl LazyCounter ===

impl LazyCounter {
    pub(crate) fn new<S: Series>(exporter: &Arc<PrometheusRecorder>, series: &S) -> Arc<Self> {
        Arc::new(Self {
            exporter: Arc::clone(exporter),
            key: key(series),
            counter: OnceLock::new(),
        })
    }

    pub(crate) fn add(&self, count: u64) {
        self.counter
            .get_or_init(|| self.exporter.register_counter(&self.key, &METADATA))
            .increment(count);
    }
}
