//! Counts of what the recorder could not take as it came. A series appears with its first count, so that the
//! hundreds of metrics that are in order do not each add one.

use std::sync::{Arc, OnceLock};

use metrics::{Counter, Recorder};
use metrics_exporter_prometheus::PrometheusRecorder;

use crate::metrics::signals::{METADATA, Series, key};

/// One series of a counter that this recorder counts itself.
pub(crate) struct Tally {
    exporter: Arc<PrometheusRecorder>,
    key: metrics::Key,
    counter: OnceLock<Counter>,
}

// === impl Tally ===

impl Tally {
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
