//! Where measurements go: the recorder of the process, and what a scrape reads.
//!
//! Measurements come through the `metrics` facade to a [`Bound`], which knows every declared metric and holds each to
//! a bound on its series. Counters and gauges lie in the Prometheus exporter; histograms are our own, in fixed memory
//! and with an exemplar for each bucket, which the exporter has not. [`exposition`] writes both.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use crate::InitError;
use crate::metrics::signals::{self, Metric};
use crate::settings::{ExemplarFilter, Settings};
use crate::trace::propagation::Rejection;

mod bound;
mod exemplar;
mod exposition;
mod family;
mod histogram;
mod names;
pub(crate) mod negotiation;
mod overflow;
mod tally;

use bound::Bound;
use exemplar::Clock;
pub(crate) use exemplar::measured_within;
pub(crate) use exposition::Format;

/// Where the recorder of the process is; 0 while there is none.
static INSTALLED: AtomicUsize = AtomicUsize::new(0);

/// The installed recorder. Clones render the same.
#[derive(Clone)]
pub(crate) struct Recorder {
    bound: Arc<Bound>,
    clock: Arc<Clock>,
}

/// Installs the recorder of the process, which knows `own` beside the metrics of this crate. When nothing is to be
/// recorded, nothing comes to it.
pub(crate) fn install(settings: &Settings, own: &[&'static Metric]) -> Result<Recorder, InitError> {
    let recorder = Recorder::new(settings.exemplars, own);
    if !settings.metrics.recorded {
        return Ok(recorder);
    }
    metrics::set_global_recorder(Arc::clone(&recorder.bound))
        .map_err(|_| InitError::AlreadyInstalled("metrics recorder"))?;
    INSTALLED.store(metrics::with_recorder(address), Ordering::Release);
    for metric in signals::all() {
        if metric.labels.is_empty() {
            metric.begin();
        }
    }
    Rejection::zero();
    Ok(recorder)
}

/// Whether measurements on this thread go to the recorder of the process, which stays for ever: not in a test that
/// has put one of its own in its place.
pub(crate) fn is_the_installed(recorder: &dyn metrics::Recorder) -> bool {
    address(recorder) == INSTALLED.load(Ordering::Acquire)
}

fn address(recorder: &dyn metrics::Recorder) -> usize {
    std::ptr::from_ref(recorder).cast::<()>().addr()
}

// === impl Recorder ===

impl Recorder {
    fn new(exemplars: ExemplarFilter, own: &[&'static Metric]) -> Self {
        let clock = Arc::new(Clock::new(exemplars != ExemplarFilter::AlwaysOff));
        let declared = signals::all().chain(own.iter().copied());
        Self {
            bound: Arc::new(Bound::new(declared, Arc::clone(&clock))),
            clock,
        }
    }

    /// What must be done from time to time, whether or not somebody scrapes.
    pub(crate) fn upkeep(&self) {
        self.clock.tick();
    }

    /// All that was measured, in this format.
    pub(crate) fn render(&self, format: Format) -> String {
        let text = exposition::render(&self.bound, format, SystemTime::now());
        if format == Format::OpenMetrics {
            self.clock.scraped();
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
            let recorder = Recorder::new(filter, &[]);
            provider.tracer("t").in_span("a", |_| {
                metrics::with_local_recorder(&recorder.bound, || {
                    signals::HTTP_SERVER_REQUEST_DURATION
                        .histogram(&[])
                        .record(0.1);
                });
            });
            let told = recorder.render(Format::OpenMetrics);
            assert_eq!(told.contains("trace_id"), expected, "{filter:?}");
        }
    }
}
