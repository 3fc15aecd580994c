//! Where measurements go: the recorder of the process, and what a scrape reads.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::InitError;
use crate::settings::Settings;
use crate::signals::{self, Kind, Metric};

/// The installed recorder. Clones render the same.
#[derive(Clone)]
pub(crate) struct Recorder {
    prometheus: PrometheusHandle,
}

/// Installs the recorder of the process, which knows `own` beside the metrics of this crate.
pub(crate) fn install(
    _settings: &Settings,
    own: &[&'static Metric],
) -> Result<Recorder, InitError> {
    let declared = || signals::all().chain(own.iter().copied());
    let mut builder = PrometheusBuilder::new();
    for metric in declared().filter(|metric| metric.kind == Kind::Histogram) {
        builder = builder
            .set_buckets_for_metric(Matcher::Full(metric.prometheus_name()), metric.buckets)
            .map_err(|source| InitError::Metric {
                name: metric.name,
                source,
            })?;
    }
    let recorder = builder.build_recorder();
    let prometheus = recorder.handle();
    metrics::set_global_recorder(recorder)
        .map_err(|_| InitError::AlreadyInstalled("metrics recorder"))?;
    for metric in declared() {
        metric.describe();
    }
    Ok(Recorder { prometheus })
}

// === impl Recorder ===

impl Recorder {
    /// What must be done from time to time, whether or not somebody scrapes.
    pub(crate) fn upkeep(&self) {
        self.prometheus.run_upkeep();
    }

    /// The Prometheus text format.
    pub(crate) fn render(&self) -> String {
        self.prometheus.render()
    }
}
