//! The metrics of this crate, declared once as data.
//!
//! Names are OpenTelemetry's (dotted, semantic conventions 1.42); what Prometheus sees is derived from the
//! name, the unit and the kind by [`Metric::prometheus_name`], the way the specification's Prometheus
//! compatibility document asks: dots become underscores, the unit becomes a suffix, a counter ends in `_total`.
//! A service declares its own metrics as further [`Metric`] values and hands them to
//! [`Builder::metrics`](crate::Builder::metrics), so that their help and buckets are installed.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use metrics::{Key, Label, SharedString};

mod declared;
mod handles;

use handles::Handles;

pub use declared::*;

/// Every metric that this crate emits.
pub fn all() -> impl Iterator<Item = &'static Metric> + Clone {
    declared::ALL.iter().copied().flatten().copied()
}

/// What a metric measures, as Prometheus tells it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Only ever goes up; exposed with `_total`.
    Counter,
    /// Goes up and down (OpenTelemetry's `Gauge` and `UpDownCounter`).
    Gauge,
    /// A distribution over the metric's buckets.
    Histogram,
    /// A counter that is read elsewhere and shown as it is, with fractions (OpenTelemetry's asynchronous counter);
    /// exposed with `_total`.
    ObservableCounter,
    /// Facts as labels; the value says nothing.
    Info,
}

/// The declaration of one metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metric {
    /// The OpenTelemetry name, dotted: `http.server.request.duration`.
    pub name: &'static str,
    /// Counter, gauge or histogram.
    pub kind: Kind,
    /// The unit in UCUM: `s`, `By`, `1`, or an annotation such as `{request}`, which leaves no suffix.
    pub unit: &'static str,
    /// One sentence for the reader of `/metrics`.
    pub help: &'static str,
    /// The upper bounds of a histogram's buckets, rising; empty for the other kinds.
    pub buckets: &'static [f64],
    /// The attribute keys it carries, dotted: `http.request.method`.
    pub labels: &'static [&'static str],
}

/// Bucket bounds that the semantic conventions advise for latencies of requests and calls, in seconds.
pub const LATENCY_BUCKETS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// Bucket bounds that the semantic conventions advise for database operations and messaging, in seconds.
pub const FAST_BUCKETS: &[f64] = &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// One label of a series: its declared (dotted) key and its value.
pub type LabelValue<'a> = (&'static str, &'a str);

thread_local! {
    static COUNTERS: RefCell<Handles<metrics::Counter>> = RefCell::default();
    static GAUGES: RefCell<Handles<metrics::Gauge>> = RefCell::default();
    static HISTOGRAMS: RefCell<Handles<metrics::Histogram>> = RefCell::default();
}

// === impl Metric ===

impl Metric {
    /// The name under which Prometheus knows this metric: `http_server_request_duration_seconds`.
    ///
    /// A histogram's series add `_bucket`, `_sum` and `_count` to it.
    pub fn prometheus_name(&self) -> String {
        let mut name = self.name.replace(['.', '-'], "_");
        if let Some(suffix) = self.unit_suffix()
            && !name.ends_with(suffix)
        {
            name.push('_');
            name.push_str(suffix);
        }
        if matches!(self.kind, Kind::Counter | Kind::ObservableCounter) && !name.ends_with("_total")
        {
            name.push_str("_total");
        }
        name
    }

    /// The counter of one series. The labels are given by their declared keys, in any order.
    pub fn counter(&self, labels: &[LabelValue<'_>]) -> metrics::Counter {
        debug_assert_eq!(self.kind, Kind::Counter, "{} is no counter", self.name);
        handles::find(&COUNTERS, self, labels, |recorder, key| {
            recorder.register_counter(key, &METADATA)
        })
    }

    /// The gauge of one series. The labels are given by their declared keys, in any order.
    pub fn gauge(&self, labels: &[LabelValue<'_>]) -> metrics::Gauge {
        debug_assert_eq!(self.kind, Kind::Gauge, "{} is no gauge", self.name);
        handles::find(&GAUGES, self, labels, |recorder, key| {
            recorder.register_gauge(key, &METADATA)
        })
    }

    /// The histogram of one series. The labels are given by their declared keys, in any order.
    pub fn histogram(&self, labels: &[LabelValue<'_>]) -> metrics::Histogram {
        debug_assert_eq!(self.kind, Kind::Histogram, "{} is no histogram", self.name);
        handles::find(&HISTOGRAMS, self, labels, |recorder, key| {
            recorder.register_histogram(key, &METADATA)
        })
    }

    /// Shows what an [`ObservableCounter`](Kind::ObservableCounter) says now.
    pub fn observe(&self, labels: &[LabelValue<'_>], total: f64) {
        debug_assert_eq!(
            self.kind,
            Kind::ObservableCounter,
            "{} is not read elsewhere",
            self.name
        );
        let key = self.key(labels);
        metrics::with_recorder(|recorder| recorder.register_gauge(&key, &METADATA)).set(total);
    }

    /// Shows facts as the labels of an [`Info`](Kind::Info), whatever they are called.
    pub(crate) fn inform(&self, facts: impl Iterator<Item = (String, String)>) {
        debug_assert_eq!(self.kind, Kind::Info, "{} shows no facts", self.name);
        let labels = facts
            .map(|(key, value)| Label::new(key, value))
            .collect::<Vec<_>>();
        let key = Key::from_parts(SharedString::const_str(exposed(self)), labels);
        metrics::with_recorder(|recorder| recorder.register_gauge(&key, &METADATA)).set(1.0);
    }

    /// Has the series of a counter or histogram be there before anything is measured, so that a rate of it never
    /// misses its first event: one for each combination of these labels' values. Without labels, the one that
    /// there is.
    ///
    /// ```
    /// # use telemetry::signals::{Kind, Metric};
    /// # const ORDERS: Metric = Metric {
    /// #     name: "kitchen.orders", kind: Kind::Counter, unit: "{order}", help: "Orders.", buckets: &[],
    /// #     labels: &["course", "outcome"],
    /// # };
    /// ORDERS.zero(&[
    ///     ("course", &["starter", "main"]),
    ///     ("outcome", &["served", "sent_back"]),
    /// ]);
    /// ```
    pub fn zero(&self, closed: &[(&'static str, &[&str])]) {
        let mut combinations: Vec<Vec<LabelValue<'_>>> = vec![Vec::new()];
        for (key, values) in closed {
            combinations = combinations
                .iter()
                .flat_map(|labels| {
                    values.iter().map(|value| {
                        let mut labels = labels.clone();
                        labels.push((*key, *value));
                        labels
                    })
                })
                .collect();
        }
        for labels in combinations {
            match self.kind {
                Kind::Counter => self.counter(&labels).increment(0),
                Kind::Histogram => drop(self.histogram(&labels)),
                // What has not been looked at has no value.
                Kind::Gauge | Kind::ObservableCounter | Kind::Info => {}
            }
        }
    }

    /// The unit as the end of an exposed name: `seconds`.
    pub(crate) fn unit_suffix(&self) -> Option<&'static str> {
        match self.unit {
            "s" => Some("seconds"),
            "ms" => Some("milliseconds"),
            "By" => Some("bytes"),
            "m" => Some("meters"),
            "" | "1" => None,
            annotation if annotation.starts_with('{') => None,
            other => Some(other),
        }
    }

    pub(crate) fn key(&self, labels: &[LabelValue<'_>]) -> Key {
        debug_assert!(
            labels.iter().all(|(key, _)| self.labels.contains(key)),
            "{} does not declare one of the labels {labels:?}",
            self.name
        );
        let labels = labels
            .iter()
            .map(|(key, value)| Label::new(label_name(key), (*value).to_owned()))
            .collect::<Vec<_>>();
        Key::from_parts(SharedString::const_str(exposed(self)), labels)
    }
}

// === impl Kind ===

impl Kind {
    /// Whether measurements of a metric of this kind come as those of the other, which is one that the `metrics`
    /// facade knows.
    pub(crate) fn is_recorded_as(self, facade: Self) -> bool {
        match self {
            Self::Counter | Self::Gauge | Self::Histogram => self == facade,
            Self::ObservableCounter | Self::Info => facade == Self::Gauge,
        }
    }
}

/// The Prometheus name of an attribute key: dots become underscores.
pub fn label_name(key: &'static str) -> Cow<'static, str> {
    if key.contains(['.', '-']) {
        Cow::Borrowed(interned(key, |key| key.replace(['.', '-'], "_")))
    } else {
        Cow::Borrowed(key)
    }
}

/// The facade wants to know who measures; nobody asks.
pub(crate) static METADATA: metrics::Metadata<'static> =
    metrics::Metadata::new("telemetry", metrics::Level::INFO, Some("telemetry"));

fn exposed(metric: &Metric) -> &'static str {
    static NAMES: LazyLock<RwLock<HashMap<(&'static str, Kind), &'static str>>> =
        LazyLock::new(RwLock::default);
    let declared = (metric.name, metric.kind);
    let known = NAMES
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&declared)
        .copied();
    known.unwrap_or_else(|| {
        NAMES
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(declared)
            .or_insert_with(|| Box::leak(metric.prometheus_name().into_boxed_str()))
    })
}

/// Derives a name once and keeps it: declarations are static, so what is kept is bounded by them.
fn interned(key: &'static str, derive: impl FnOnce(&str) -> String) -> &'static str {
    static NAMES: LazyLock<RwLock<HashMap<&'static str, &'static str>>> =
        LazyLock::new(RwLock::default);
    let known = NAMES
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(key)
        .copied();
    known.unwrap_or_else(|| {
        NAMES
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(key)
            .or_insert_with(|| Box::leak(derive(key).into_boxed_str()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declared_name_becomes_the_name_that_prometheus_sees() {
        assert_eq!(
            HTTP_SERVER_REQUEST_DURATION.prometheus_name(),
            "http_server_request_duration_seconds"
        );
        assert_eq!(
            MESSAGING_CLIENT_SENT_MESSAGES.prometheus_name(),
            "messaging_client_sent_messages_total"
        );
        assert_eq!(
            HTTP_SERVER_ACTIVE_REQUESTS.prometheus_name(),
            "http_server_active_requests"
        );
    }

    #[test]
    fn every_declaration_is_whole_and_said_once() {
        let mut seen = std::collections::HashSet::new();
        for metric in all() {
            assert!(
                seen.insert(metric.prometheus_name()),
                "{} twice",
                metric.name
            );
            assert!(!metric.help.is_empty(), "{} has no help", metric.name);
            assert_eq!(
                metric.kind == Kind::Histogram,
                !metric.buckets.is_empty(),
                "{}: buckets belong to histograms, and every histogram has some",
                metric.name
            );
            assert!(
                metric.buckets.windows(2).all(|pair| pair[0] < pair[1]),
                "{}: buckets must rise",
                metric.name
            );
        }
    }
}
