//! The metrics of this crate, as its registry declares them: data, and types to record with.
//!
//! Names are OpenTelemetry's (dotted, semantic conventions 1.42); what Prometheus sees is derived from the
//! name, the unit and the kind by [`Metric::prometheus_name`], the way the specification's Prometheus
//! compatibility document asks: dots become underscores, the unit becomes a suffix, a counter ends in `_total`.
//!
//! A metric is a constant, for whoever reads it, and a type whose fields are its labels, for whoever records it.
//! What the registry does not declare does not compile: no such metric,
//!
//! ```compile_fail,E0433
//! telemetry::signals::TelemetryLogEvnts { telemetry_log_level: telemetry::signals::TelemetryLogLevel::Error }.add(1);
//! ```
//!
//! no such label, and none forgotten,
//!
//! ```compile_fail,E0560
//! use telemetry::signals::{TelemetryLogEvents, TelemetryLogLevel};
//! TelemetryLogEvents { telemetry_log_level: TelemetryLogLevel::Error, target: "kitchen" }.add(1);
//! ```
//!
//! ```compile_fail,E0063
//! telemetry::signals::TelemetryLogEvents {}.add(1);
//! ```
//!
//! no such value, by its name or as a text,
//!
//! ```compile_fail,E0599
//! use telemetry::signals::{TelemetryLogEvents, TelemetryLogLevel};
//! TelemetryLogEvents { telemetry_log_level: TelemetryLogLevel::Fatal }.add(1);
//! ```
//!
//! ```compile_fail,E0308
//! telemetry::signals::TelemetryLogEvents { telemetry_log_level: "fatal" }.add(1);
//! ```
//!
//! and no measurement of another kind:
//!
//! ```compile_fail,E0599
//! use telemetry::signals::{TelemetryLogEvents, TelemetryLogLevel};
//! TelemetryLogEvents { telemetry_log_level: TelemetryLogLevel::Error }.record(0.5);
//! ```
//!
//! What is left is
//!
//! ```
//! use telemetry::signals::{TelemetryLogEvents, TelemetryLogLevel};
//! TelemetryLogEvents { telemetry_log_level: TelemetryLogLevel::Error }.add(1);
//! ```
//!
//! The key of an attribute has the type of its values, so that an attribute that is not declared does not compile either,
//!
//! ```compile_fail,E0425
//! telemetry::signals::attributes::HTTP_ROAD.with("/dishes");
//! ```
//!
//! nor a value of another type,
//!
//! ```compile_fail,E0277
//! telemetry::signals::attributes::SERVER_PORT.with("443");
//! ```
//!
//! ```compile_fail,E0277
//! telemetry::signals::attributes::HTTP_ROUTE.with(1);
//! ```
//!
//! or one that is none of a closed set, by its text or from another set:
//!
//! ```compile_fail,E0277
//! telemetry::signals::attributes::URL_SCHEME.with("gopher");
//! ```
//!
//! ```compile_fail,E0277
//! use telemetry::signals::{TelemetryLogLevel, attributes};
//! attributes::URL_SCHEME.with(TelemetryLogLevel::Error);
//! ```
//!
//! What is left is
//!
//! ```
//! use telemetry::signals::{KnownErrorType, UrlScheme, attributes};
//! # let _ = [
//! attributes::HTTP_ROUTE.with("/dishes/{id}"),
//! attributes::SERVER_PORT.with(443_u16),
//! attributes::URL_SCHEME.with(UrlScheme::Https),
//! attributes::ERROR_TYPE.with(KnownErrorType::Timeout), // of an open set, which takes
//! attributes::ERROR_TYPE.with("sold_out"),              // any other text as well
//! # ];
//! ```
//!
//! A service declares its own in a registry of the same form, has the same Rust made of it, and hands the constants to
//! [`Builder::metrics`](crate::Builder::metrics), so that their help and buckets are installed.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use metrics::{Key, Label, SharedString};

mod attribute;
mod decimal;
mod generated;
mod handles;
mod series;

pub use attribute::{
    Attribute, AttributeEnum, AttributeKey, AttributeTemplate, AttributeValue, FromCode, Open,
    RawValue,
};
pub use generated::*;
pub use metrics::{Counter, Gauge, Histogram};
pub use series::{LabelWriter, Series};

pub(crate) use series::key;

/// Every metric that this crate emits.
pub fn all() -> impl Iterator<Item = &'static Metric> + Clone {
    ALL.iter().copied()
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

// === impl Metric ===

impl Metric {
    /// The name under which Prometheus knows this metric: `http_server_request_duration_seconds`.
    ///
    /// A histogram's series add `_bucket`, `_sum` and `_count` to it.
    pub fn prometheus_name(&self) -> String {
        prometheus_name(self.name, self.unit, self.kind)
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

    /// The unit as the end of an exposed name: `seconds`.
    pub(crate) fn unit_suffix(&self) -> Option<&'static str> {
        unit_suffix(self.unit)
    }

    /// Has the only series of a counter or histogram without labels be there before anything is measured.
    pub(crate) fn begin(&self) {
        let key = series::key_of(self, Vec::new());
        metrics::with_recorder(|recorder| match self.kind {
            Kind::Counter => recorder.register_counter(&key, &METADATA).increment(0),
            Kind::Histogram => drop(recorder.register_histogram(&key, &METADATA)),
            // What has not been looked at has no value.
            Kind::Gauge | Kind::ObservableCounter | Kind::Info => {}
        });
    }
}

/// Any series, for tests of what lies below the types.
#[cfg(test)]
impl Metric {
    pub(crate) fn counter(&self, labels: &[(&'static str, &str)]) -> Counter {
        let key = self.any_key(labels);
        metrics::with_recorder(|recorder| recorder.register_counter(&key, &METADATA))
    }

    pub(crate) fn gauge(&self, labels: &[(&'static str, &str)]) -> Gauge {
        let key = self.any_key(labels);
        metrics::with_recorder(|recorder| recorder.register_gauge(&key, &METADATA))
    }

    pub(crate) fn histogram(&self, labels: &[(&'static str, &str)]) -> Histogram {
        let key = self.any_key(labels);
        metrics::with_recorder(|recorder| recorder.register_histogram(&key, &METADATA))
    }

    fn any_key(&self, labels: &[(&'static str, &str)]) -> Key {
        let labels: Vec<_> = labels
            .iter()
            .map(|(key, value)| Label::new(label_name(key), (*value).to_owned()))
            .collect();
        Key::from_parts(self.prometheus_name(), labels)
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

/// The name under which Prometheus knows a metric of this name, unit and kind; see [`Metric::prometheus_name`].
pub fn prometheus_name(name: &str, unit: &str, kind: Kind) -> String {
    let mut name = name.replace(['.', '-'], "_");
    if let Some(suffix) = unit_suffix(unit)
        && !name.ends_with(suffix)
    {
        name.push('_');
        name.push_str(suffix);
    }
    if matches!(kind, Kind::Counter | Kind::ObservableCounter) && !name.ends_with("_total") {
        name.push_str("_total");
    }
    name
}

/// What a unit leaves at the end of a name.
fn unit_suffix(unit: &str) -> Option<&str> {
    match unit {
        "s" => Some("seconds"),
        "ms" => Some("milliseconds"),
        "By" => Some("bytes"),
        "m" => Some("meters"),
        "" | "1" => None,
        annotation if annotation.starts_with('{') => None,
        other => Some(other),
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
