//! The recorder behind the `metrics` facade, with its cardinality limits: counters and gauges go to the Prometheus
//! exporter, histograms to [`Histogram`].
//!
//! Nothing that comes through the facade can make the exposition invalid or grow without end: a measurement beyond a limit
//! goes to an overflow series or is dropped, and is counted in either case.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use metrics::{Counter, Gauge, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::buckets::Buckets;
use super::exemplar::Intervals;
use super::family::{Family, SeriesMap};
use super::histogram::{Histogram, HistogramConfig};
use super::lazy_counter::LazyCounter;
use super::names;
use super::overflow::{
    self, OverflowingCounter, OverflowingGauge, OverflowingHistogram, RejectedHandle,
};
use crate::metrics::signals::{
    Kind, METADATA, Metric, TelemetryMetricOverflow, TelemetryMetricRejected,
    TelemetryMetricRejectedReason as Reason, TelemetryMetricUndeclared,
};

/// Maximum number of undeclared metrics. Their names are in code, so more of them are a mistake in it.
const UNDECLARED_LIMIT: usize = 500;

/// The metrics recorder, with its cardinality limits.
pub(crate) struct LimitedRecorder {
    exporter: Arc<PrometheusRecorder>,
    intervals: Arc<Intervals>,
    families: RwLock<Families>,
    buckets: Buckets,
}

#[derive(Default)]
struct Families {
    // By the name that came through the facade; several may name the same family.
    known: HashMap<String, Arc<Family>>,
    // The names of all samples and families: no two families may share one.
    reserved: HashSet<String>,
    undeclared: usize,
    // Descriptions of metrics that were not measured yet.
    help: HashMap<String, SharedString>,
}

// === impl LimitedRecorder ===

impl LimitedRecorder {
    /// A recorder with these declared metrics; `buckets` are used instead of those that are declared.
    pub(crate) fn new(
        declared: impl Iterator<Item = &'static Metric>,
        buckets: Buckets,
        intervals: Arc<Intervals>,
    ) -> Self {
        let recorder = Self {
            exporter: Arc::new(PrometheusBuilder::new().build_recorder()),
            intervals,
            families: RwLock::default(),
            buckets,
        };
        for metric in declared {
            recorder.declare(metric);
        }
        recorder
    }

    /// Renders the counters and gauges.
    pub(crate) fn exporter(&self) -> PrometheusHandle {
        self.exporter.handle()
    }

    /// Every family, sorted by name.
    pub(crate) fn families(&self) -> Vec<Arc<Family>> {
        let families = self.families.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = families.known.values().cloned().collect();
        drop(families);
        all.sort_by(|one, other| one.name.cmp(&other.name));
        // A family with several names is there several times.
        all.dedup_by(|one, other| Arc::ptr_eq(one, other));
        all
    }

    /// Adds a declared metric, unless an earlier one has its name; the crate's own come first.
    fn declare(&self, metric: &'static Metric) {
        let name = metric.prometheus_name();
        let mut families = self
            .families
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if !families.reserve(&name, metric.kind) {
            return;
        }
        let bounds = self.buckets.of_declared(metric, &name);
        let family = Family {
            unit: metric.unit_suffix(),
            help: SharedString::const_str(metric.help).into(),
            ..self.family(name.clone(), metric.kind, bounds)
        };
        if !metric.labels.is_empty() && metric.kind != Kind::Info {
            family.overflowed.add(0);
        }
        families.known.insert(name, Arc::new(family));
    }

    fn family(&self, name: String, kind: Kind, bounds: &'static [f64]) -> Family {
        let overflowed = LazyCounter::new(
            &self.exporter,
            &TelemetryMetricOverflow {
                telemetry_metric_name: &name,
            },
        );
        let config = Arc::new(HistogramConfig {
            bounds,
            not_finite: self.rejected(&name, Reason::NotFinite),
        });
        Family {
            name,
            kind,
            unit: None,
            help: OnceLock::new(),
            overflowed,
            config,
            counters: SeriesMap::default(),
            gauges: SeriesMap::default(),
            histograms: SeriesMap::default(),
        }
    }

    fn rejected(&self, name: &str, reason: Reason) -> Arc<LazyCounter> {
        LazyCounter::new(
            &self.exporter,
            &TelemetryMetricRejected {
                telemetry_metric_name: name,
                telemetry_reason: reason,
            },
        )
    }

    /// The family of this name, or why a measurement of this kind is rejected.
    fn find(&self, name: &str, kind: Kind) -> Result<Arc<Family>, RejectedHandle> {
        let known = self
            .families
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .known
            .get(name)
            .cloned();
        let family = match known {
            Some(known) => known,
            None => self.find_undeclared(name, kind)?,
        };
        if family.kind.is_recorded_as(kind) {
            Ok(family)
        } else {
            Err(RejectedHandle(
                self.rejected(&family.name, Reason::KindConflict),
            ))
        }
    }

    /// The family for a name that was not measured before and is not declared.
    fn find_undeclared(&self, name: &str, kind: Kind) -> Result<Arc<Family>, RejectedHandle> {
        let exposed = names::metric(name, kind);
        let mut families = self
            .families
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = families.known.get(name) {
            return Ok(Arc::clone(known));
        }
        if families.undeclared >= UNDECLARED_LIMIT {
            return Err(RejectedHandle(self.rejected("", Reason::TooManyMetrics)));
        }
        let family = match families.known.get(&exposed).cloned() {
            Some(known) => known,
            None if families.reserve(&exposed, kind) => {
                let undeclared = TelemetryMetricUndeclared {
                    telemetry_metric_name: &exposed,
                };
                LazyCounter::new(&self.exporter, &undeclared).add(1);
                let bounds = self.buckets.of_undeclared(&exposed, kind);
                let family = self.family(exposed.clone(), kind, bounds);
                if let Some(help) = families.help.remove(name) {
                    let _ = family.help.set(help);
                }
                let family = Arc::new(family);
                families.known.insert(exposed, Arc::clone(&family));
                family
            }
            None => {
                return Err(RejectedHandle(
                    self.rejected(&exposed, Reason::KindConflict),
                ));
            }
        };
        families.undeclared += 1;
        families.known.insert(name.to_owned(), Arc::clone(&family));
        Ok(family)
    }

    fn counter(&self, family: &Family, key: &Key) -> Counter {
        let key = names::for_exporter(&family.name, key);
        self.exporter.register_counter(&key, &METADATA)
    }

    fn gauge(&self, family: &Family, key: &Key) -> Gauge {
        let key = names::for_exporter(&family.name, key);
        self.exporter.register_gauge(&key, &METADATA)
    }

    fn histogram(&self, family: &Family) -> Arc<Histogram> {
        Arc::new(Histogram::new(&family.config, &self.intervals))
    }

    fn describe(&self, name: &KeyName, help: SharedString) {
        let mut families = self
            .families
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(family) = families.known.get(name.as_str()) {
            // The first description is kept.
            let _ = family.help.set(help);
        } else if families.help.len() < UNDECLARED_LIMIT {
            families
                .help
                .entry(name.as_str().to_owned())
                .or_insert(help);
        }
    }
}

impl Recorder for LimitedRecorder {
    fn describe_counter(&self, name: KeyName, _unit: Option<Unit>, help: SharedString) {
        self.describe(&name, help);
    }

    fn describe_gauge(&self, name: KeyName, _unit: Option<Unit>, help: SharedString) {
        self.describe(&name, help);
    }

    fn describe_histogram(&self, name: KeyName, _unit: Option<Unit>, help: SharedString) {
        self.describe(&name, help);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let family = match self.find(key.name(), Kind::Counter) {
            Ok(family) => family,
            Err(rejected) => return Counter::from_arc(Arc::new(rejected)),
        };
        let own = family
            .counters
            .get_or_add(key, || self.counter(&family, key));
        own.unwrap_or_else(|| {
            Counter::from_arc(Arc::new(OverflowingCounter {
                series: family
                    .counters
                    .overflow(|| self.counter(&family, &overflow::key())),
                overflowed: Arc::clone(&family.overflowed),
            }))
        })
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let family = match self.find(key.name(), Kind::Gauge) {
            Ok(family) => family,
            Err(rejected) => return Gauge::from_arc(Arc::new(rejected)),
        };
        let own = family.gauges.get_or_add(key, || self.gauge(&family, key));
        own.unwrap_or_else(|| {
            Gauge::from_arc(Arc::new(OverflowingGauge {
                exporter: Arc::clone(&self.exporter),
                family,
            }))
        })
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> metrics::Histogram {
        let family = match self.find(key.name(), Kind::Histogram) {
            Ok(family) => family,
            Err(rejected) => return metrics::Histogram::from_arc(Arc::new(rejected)),
        };
        match family
            .histograms
            .get_or_add(key, || self.histogram(&family))
        {
            Some(own) => metrics::Histogram::from_arc(own),
            None => metrics::Histogram::from_arc(Arc::new(OverflowingHistogram {
                series: family.histograms.overflow(|| self.histogram(&family)),
                overflowed: Arc::clone(&family.overflowed),
            })),
        }
    }
}

// === impl Families ===

impl Families {
    /// Reserves the names of a new family and its samples; false when another family has one of them.
    fn reserve(&mut self, name: &str, kind: Kind) -> bool {
        let names = names::reserved(name, kind);
        let free = names.iter().all(|name| !self.reserved.contains(name));
        if free {
            self.reserved.extend(names);
        }
        free
    }
}

#[cfg(test)]
mod tests;
