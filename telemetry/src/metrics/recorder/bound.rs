//! The recorder behind the `metrics` facade: it knows every metric, holds each to its bound on series, and sends
//! counters and gauges to the exporter, histograms to [`Histogram`].
//!
//! Nothing that comes through the facade can spoil the exposition or grow without end: what does not fit is counted,
//! and goes to an overflow series or nowhere.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use metrics::{Counter, Gauge, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use super::exemplar::Clock;
use super::family::{Family, Members};
use super::histogram::{Histogram, Shape};
use super::names;
use super::overflow::{self, OverflowingCounter, OverflowingGauge, OverflowingHistogram, Refused};
use super::tally::Tally;
use crate::metrics::signals::{
    HTTP_SERVER_REQUEST_DURATION, Kind, METADATA, Metric, TelemetryMetricOverflow,
    TelemetryMetricRejected, TelemetryMetricRejectedReason as Reason, TelemetryMetricUndeclared,
};

/// How many metrics may come that nobody has declared. Their names are in code, so more are a mistake in it.
const UNDECLARED_LIMIT: usize = 500;

/// All that was measured in this process.
pub(crate) struct Bound {
    exporter: Arc<PrometheusRecorder>,
    clock: Arc<Clock>,
    families: RwLock<Families>,
}

#[derive(Default)]
struct Families {
    // By the name that came through the facade, of which several may mean the same.
    known: HashMap<String, Arc<Family>>,
    // The name of every sample and of every family: no two families may share one.
    taken: HashSet<String>,
    undeclared: usize,
    // What the facade was told about metrics before they came.
    help: HashMap<String, SharedString>,
}

// === impl Bound ===

impl Bound {
    /// A recorder that knows these metrics.
    pub(crate) fn new(declared: impl Iterator<Item = &'static Metric>, clock: Arc<Clock>) -> Self {
        let bound = Self {
            exporter: Arc::new(PrometheusBuilder::new().build_recorder()),
            clock,
            families: RwLock::default(),
        };
        for metric in declared {
            bound.declare(metric);
        }
        bound
    }

    /// What renders the counters and gauges.
    pub(crate) fn exporter(&self) -> PrometheusHandle {
        self.exporter.handle()
    }

    /// Every family, sorted by name.
    pub(crate) fn families(&self) -> Vec<Arc<Family>> {
        let families = self.families.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = families.known.values().cloned().collect();
        drop(families);
        all.sort_by(|one, other| one.name.cmp(&other.name));
        // Some are known by several names.
        all.dedup_by(|one, other| Arc::ptr_eq(one, other));
        all
    }

    /// Takes a metric in. The first declaration of a name stands; the crate's own come first.
    fn declare(&self, metric: &'static Metric) {
        let name = metric.prometheus_name();
        let mut families = self
            .families
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if !families.take(&name, metric.kind) {
            return;
        }
        let family = Family {
            unit: metric.unit_suffix(),
            help: SharedString::const_str(metric.help).into(),
            ..self.family(name.clone(), metric.kind, metric.buckets)
        };
        if !metric.labels.is_empty() && metric.kind != Kind::Info {
            family.swallowed.add(0);
        }
        families.known.insert(name, Arc::new(family));
    }

    fn family(&self, name: String, kind: Kind, bounds: &'static [f64]) -> Family {
        let swallowed = Tally::new(
            &self.exporter,
            &TelemetryMetricOverflow {
                telemetry_metric_name: &name,
            },
        );
        let shape = Arc::new(Shape {
            bounds,
            refused: self.rejected(&name, Reason::NotFinite),
        });
        Family {
            name,
            kind,
            unit: None,
            help: OnceLock::new(),
            swallowed,
            shape,
            counters: Members::default(),
            gauges: Members::default(),
            histograms: Members::default(),
        }
    }

    fn rejected(&self, name: &str, reason: Reason) -> Arc<Tally> {
        Tally::new(
            &self.exporter,
            &TelemetryMetricRejected {
                telemetry_metric_name: name,
                telemetry_reason: reason,
            },
        )
    }

    /// The family of this name, if a measurement of this kind may go there.
    fn find(&self, name: &str, kind: Kind) -> Result<Arc<Family>, Refused> {
        let known = self
            .families
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .known
            .get(name)
            .cloned();
        let family = match known {
            Some(known) => known,
            None => self.meet(name, kind)?,
        };
        if family.kind.is_recorded_as(kind) {
            Ok(family)
        } else {
            Err(Refused(self.rejected(&family.name, Reason::KindConflict)))
        }
    }

    /// Finds or makes the family for a name that has not come before and is not declared.
    fn meet(&self, name: &str, kind: Kind) -> Result<Arc<Family>, Refused> {
        let exposed = names::metric(name, kind);
        let mut families = self
            .families
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = families.known.get(name) {
            return Ok(Arc::clone(known));
        }
        if families.undeclared >= UNDECLARED_LIMIT {
            return Err(Refused(self.rejected("", Reason::TooManyMetrics)));
        }
        let family = match families.known.get(&exposed).cloned() {
            Some(known) => known,
            None if families.take(&exposed, kind) => {
                let undeclared = TelemetryMetricUndeclared {
                    telemetry_metric_name: &exposed,
                };
                Tally::new(&self.exporter, &undeclared).add(1);
                let bounds = match kind {
                    Kind::Histogram => HTTP_SERVER_REQUEST_DURATION.buckets,
                    _ => &[],
                };
                let family = self.family(exposed.clone(), kind, bounds);
                if let Some(help) = families.help.remove(name) {
                    let _ = family.help.set(help);
                }
                let family = Arc::new(family);
                families.known.insert(exposed, Arc::clone(&family));
                family
            }
            None => return Err(Refused(self.rejected(&exposed, Reason::KindConflict))),
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
        Arc::new(Histogram::new(&family.shape, &self.clock))
    }

    fn describe(&self, name: &KeyName, help: SharedString) {
        let mut families = self
            .families
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(family) = families.known.get(name.as_str()) {
            // The first description stands.
            let _ = family.help.set(help);
        } else if families.help.len() < UNDECLARED_LIMIT {
            families
                .help
                .entry(name.as_str().to_owned())
                .or_insert(help);
        }
    }
}

impl Recorder for Bound {
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
            Err(refused) => return Counter::from_arc(Arc::new(refused)),
        };
        let own = family.counters.find(key, || self.counter(&family, key));
        own.unwrap_or_else(|| {
            Counter::from_arc(Arc::new(OverflowingCounter {
                into: family
                    .counters
                    .overflow(|| self.counter(&family, &overflow::key())),
                swallowed: Arc::clone(&family.swallowed),
            }))
        })
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let family = match self.find(key.name(), Kind::Gauge) {
            Ok(family) => family,
            Err(refused) => return Gauge::from_arc(Arc::new(refused)),
        };
        let own = family.gauges.find(key, || self.gauge(&family, key));
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
            Err(refused) => return metrics::Histogram::from_arc(Arc::new(refused)),
        };
        match family.histograms.find(key, || self.histogram(&family)) {
            Some(own) => metrics::Histogram::from_arc(own),
            None => metrics::Histogram::from_arc(Arc::new(OverflowingHistogram {
                into: family.histograms.overflow(|| self.histogram(&family)),
                swallowed: Arc::clone(&family.swallowed),
            })),
        }
    }
}

// === impl Families ===

impl Families {
    /// Takes the names for a new family, unless one of them is another's.
    fn take(&mut self, name: &str, kind: Kind) -> bool {
        let claimed = names::claimed(name, kind);
        let free = claimed.iter().all(|name| !self.taken.contains(name));
        if free {
            self.taken.extend(claimed);
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use metrics::with_local_recorder;

    use super::super::exposition::{self, Format};
    use super::super::family::SERIES_LIMIT;
    use super::*;
    use crate::metrics::signals::{
        TelemetryContextRejected, TelemetryContextRejectedReason, TokioRuntimeScheduleDelay,
    };

    const CALLS: Metric = Metric {
        name: "test.calls",
        kind: Kind::Counter,
        unit: "{call}",
        help: "Calls.",
        buckets: &[],
        labels: &["who"],
    };
    const OPEN: Metric = Metric {
        name: "test.open",
        kind: Kind::Gauge,
        ..CALLS
    };
    const TIME: Metric = Metric {
        name: "test.time",
        kind: Kind::Histogram,
        unit: "s",
        buckets: &[1.0],
        ..CALLS
    };

    fn measured(work: impl FnOnce()) -> String {
        let declared = crate::metrics::signals::all().chain([&CALLS, &OPEN, &TIME]);
        let bound = Bound::new(declared, Arc::new(Clock::new(true)));
        with_local_recorder(&bound, work);
        exposition::render(&bound, Format::Text, SystemTime::now())
    }

    fn value(text: &str, series: &str) -> Option<f64> {
        text.lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
    }

    fn count(text: &str, start: &str) -> usize {
        text.lines().filter(|line| line.starts_with(start)).count()
    }

    #[test]
    #[allow(clippy::cast_precision_loss)]
    fn labels_with_ever_new_values_fill_one_series_and_are_counted() {
        const MORE: usize = 500;
        let text = measured(|| {
            for number in 0..SERIES_LIMIT + MORE {
                let who = number.to_string();
                let labels = &[("who", who.as_str())];
                CALLS.counter(labels).increment(2);
                OPEN.gauge(labels).increment(1.0);
                TIME.histogram(labels).record(0.5);
            }
            // A gauge goes back where it came from.
            let last = (SERIES_LIMIT + MORE - 1).to_string();
            OPEN.gauge(&[("who", &last)]).decrement(1.0);
            // A value of one among many says nothing about the many.
            OPEN.gauge(&[("who", "late")]).set(1e9);
            // The series that are there go on.
            CALLS.counter(&[("who", "0")]).increment(5);
        });
        assert_eq!(count(&text, "test_calls_total{"), SERIES_LIMIT + 1);
        assert_eq!(count(&text, "test_open{"), SERIES_LIMIT + 1);
        assert_eq!(count(&text, "test_time_seconds_count{"), SERIES_LIMIT + 1);
        let rest = |name| value(&text, &format!("{name}{{otel_metric_overflow=\"true\"}}"));
        assert_eq!(rest("test_calls_total"), Some(2.0 * MORE as f64));
        assert_eq!(rest("test_open"), Some(MORE as f64 - 1.0));
        assert_eq!(rest("test_time_seconds_count"), Some(MORE as f64));
        assert_eq!(value(&text, "test_calls_total{who=\"0\"}"), Some(7.0));
        for (metric, swallowed) in [
            ("test_calls_total", MORE),
            ("test_open", MORE + 2),
            ("test_time_seconds", MORE),
        ] {
            let series =
                format!("telemetry_metric_overflow_total{{telemetry_metric_name=\"{metric}\"}}");
            assert_eq!(value(&text, &series), Some(swallowed as f64), "{metric}");
        }
    }

    #[test]
    fn every_value_of_a_closed_label_starts_at_zero() {
        let text = measured(|| {
            TelemetryContextRejected::zero();
            TelemetryContextRejected {
                telemetry_reason: TelemetryContextRejectedReason::Malformed,
            }
            .add(1);
            TokioRuntimeScheduleDelay::zero();
        });
        for reason in TelemetryContextRejectedReason::ALL {
            let is_counted = reason == TelemetryContextRejectedReason::Malformed;
            let reason = reason.as_str();
            let series =
                format!("telemetry_context_rejected_total{{telemetry_reason=\"{reason}\"}}");
            let expected = if is_counted { 1.0 } else { 0.0 };
            assert_eq!(value(&text, &series), Some(expected), "{series}");
        }
        let delays = "tokio_runtime_schedule_delay_seconds_count";
        assert_eq!(value(&text, delays), Some(0.0));
    }

    #[test]
    fn what_could_overflow_is_counted_from_the_start() {
        let text = measured(|| {});
        let series =
            |name| format!("telemetry_metric_overflow_total{{telemetry_metric_name=\"{name}\"}}");
        assert_eq!(value(&text, &series("test_time_seconds")), Some(0.0));
        assert_eq!(value(&text, &series("otel_sdk_span_started_total")), None);
    }

    #[test]
    fn a_metric_that_nobody_declared_is_taken_and_counted() {
        let text = measured(|| {
            metrics::describe_histogram!("surprise.time", "How long.");
            metrics::histogram!("surprise.time", "who" => "me").record(0.2);
            metrics::counter!("surprises").increment(1);
        });
        assert!(text.contains("# HELP surprise_time How long.\n"), "{text}");
        let bucket = "surprise_time_bucket{who=\"me\",le=\"0.25\"}";
        assert_eq!(value(&text, bucket), Some(1.0));
        assert_eq!(value(&text, "surprises_total"), Some(1.0));
        for metric in ["surprise_time", "surprises_total"] {
            let series =
                format!("telemetry_metric_undeclared_total{{telemetry_metric_name=\"{metric}\"}}");
            assert_eq!(value(&text, &series), Some(1.0));
        }
    }

    #[test]
    fn a_name_that_belongs_to_another_family_is_refused_and_counted() {
        let text = measured(|| {
            TIME.histogram(&[]).record(0.5);
            metrics::gauge!("test_time_seconds").set(1.0);
            metrics::gauge!("test_time_seconds_count").set(2.0);
            metrics::gauge!("test.calls").set(3.0);
            metrics::counter!("test_calls").increment(4);
        });
        for refused in ["test_time_seconds", "test_time_seconds_count", "test_calls"] {
            let series = format!(
                "telemetry_metric_rejected_total{{telemetry_metric_name=\"{refused}\",telemetry_reason=\"kind_conflict\"}}"
            );
            assert_eq!(value(&text, &series), Some(1.0), "{refused} in {text}");
        }
        assert_eq!(value(&text, "test_time_seconds_count"), Some(1.0));
        // The undeclared spelling of a declared counter is that counter.
        assert_eq!(value(&text, "test_calls_total"), Some(4.0));
    }

    #[test]
    fn names_that_never_end_find_no_room() {
        let text = measured(|| {
            for number in 0..UNDECLARED_LIMIT + 7 {
                metrics::counter!(format!("surprise_{number}")).increment(1);
            }
        });
        assert_eq!(count(&text, "surprise_"), UNDECLARED_LIMIT);
        let series = "telemetry_metric_rejected_total{telemetry_metric_name=\"\",telemetry_reason=\"too_many_metrics\"}";
        assert_eq!(value(&text, series), Some(7.0));
    }
}
