//! The metrics recorder of the process, and the text that a scrape reads.
//!
//! Measurements come through the `metrics` facade to a [`LimitedRecorder`], which knows every declared metric and limits the
//! number of series of each. Counters and gauges are kept in the Prometheus exporter. Histograms are this crate's own: they
//! have fixed memory and an exemplar for each bucket, which the exporter's have not. [`exposition`] writes both.

use std::sync::Arc;
use std::time::SystemTime;

use crate::InitError;
use crate::metrics::installed;
use crate::metrics::signals::{self, Metric};
use crate::settings::{ExemplarFilter, Settings};
use crate::trace::propagation::Rejection;

pub(crate) mod buckets;
mod exemplar;
mod exposition;
mod family;
mod histogram;
mod lazy_counter;
mod limited;
mod names;
pub(crate) mod negotiation;
mod overflow;

use buckets::Buckets;
use exemplar::Intervals;
pub(crate) use exemplar::with_exemplars_of;
pub(crate) use exposition::Format;
use limited::LimitedRecorder;

/// The installed recorder. Clones render the same.
#[derive(Clone)]
pub(crate) struct Recorder {
    limited: Arc<LimitedRecorder>,
    intervals: Arc<Intervals>,
}

/// Installs the recorder of the process with the metrics of this crate and the service's `own`. When metrics are turned off,
/// it is made and not installed.
pub(crate) fn install(
    settings: &Settings,
    own: &[&'static Metric],
    buckets: Buckets,
) -> Result<Recorder, InitError> {
    let recorder = Recorder::new(settings.exemplars, own, buckets);
    if !settings.metrics.recorded {
        return Ok(recorder);
    }
    metrics::set_global_recorder(Arc::clone(&recorder.limited))
        .map_err(|_| InitError::AlreadyInstalled("metrics recorder"))?;
    installed::remember();
    for metric in signals::all() {
        if metric.labels.is_empty() {
            metric.begin();
        }
    }
    Rejection::zero();
    Ok(recorder)
}

// === impl Recorder ===

impl Recorder {
    fn new(exemplars: ExemplarFilter, own: &[&'static Metric], buckets: Buckets) -> Self {
        let intervals = Arc::new(Intervals::new(exemplars != ExemplarFilter::AlwaysOff));
        let declared = signals::all().chain(own.iter().copied());
        Self {
            limited: Arc::new(LimitedRecorder::new(
                declared,
                buckets,
                Arc::clone(&intervals),
            )),
            intervals,
        }
    }

    /// Ends the interval of the exemplars when nobody scrapes; to be called every few seconds.
    pub(crate) fn upkeep(&self) {
        self.intervals.tick();
    }

    /// All metrics in this format.
    pub(crate) fn render(&self, format: Format) -> String {
        let text = exposition::render(&self.limited, format, SystemTime::now());
        if format == Format::OpenMetrics {
            self.intervals.scraped();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Tracer, TracerProvider};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;
    use crate::trace::sampling::DatedIds;

    #[test]
    fn the_exemplar_filter_is_obeyed() {
        let provider = SdkTracerProvider::builder()
            .with_id_generator(DatedIds::default())
            .build();
        for (filter, expected) in [
            (ExemplarFilter::TraceBased, true),
            (ExemplarFilter::AlwaysOn, true),
            (ExemplarFilter::AlwaysOff, false),
        ] {
            let recorder = Recorder::new(filter, &[], Buckets::default());
            provider.tracer("t").in_span("a", |_| {
                metrics::with_local_recorder(&recorder.limited, || {
                    signals::HTTP_SERVER_REQUEST_DURATION
                        .histogram(&[])
                        .record(0.1);
                });
            });
            let text = recorder.render(Format::OpenMetrics);
            assert_eq!(text.contains("trace_id"), expected, "{filter:?}");
        }
    }
}
