//! The environment variables, read once: those of the OpenTelemetry specification and this crate's own.
//!
//! No other part of the crate reads a variable. Each variable is declared once, with its default and its expected form;
//! parsing, warnings and `docs/configuration.md` come from the declaration. An invalid value is recorded as a
//! [`Rejected`] and replaced by the default; [`init`](crate::init) then warns and counts, or in strict mode refuses to
//! start.

use std::ffi::OsString;
use std::time::Duration;

use http::{HeaderMap, Uri};
use opentelemetry::KeyValue;

use crate::logs;
use crate::trace::levels::SpanLevels;
use variable::{Environment, Section};

mod endpoint;
mod general;
mod otlp;
mod output;
mod reference;
mod rejected;
mod sampler;
mod spans;
#[cfg(test)]
mod testing;
mod unknown;
mod value;
mod variable;

pub use reference::environment_reference;
pub use rejected::Rejected;
pub(crate) use rejected::report;

/// Every variable that is read, in the order of `docs/configuration.md`.
const SECTIONS: &[Section] = &[
    general::SECTION,
    sampler::SECTION,
    spans::MAKING,
    spans::SECTION,
    spans::LIMITS,
    otlp::SECTION,
    output::METRICS,
    output::LOGS,
];

/// The vendor when the program names none.
pub(crate) const VENDOR: &str = "telemetry";

/// The settings of the process.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The product that the process belongs to: the prefix of this crate's own variables, in capitals, and the key of its
    /// member of `tracestate`.
    pub(crate) vendor: &'static str,
    /// `OTEL_SDK_DISABLED`: no spans; propagation, metrics and logs go on.
    pub(crate) disabled: bool,
    /// `TELEMETRY_STRICT`: a bad value is an error at start-up.
    pub(crate) strict: bool,
    /// `OTEL_SERVICE_NAME`, which overrides `service.name` in `OTEL_RESOURCE_ATTRIBUTES`.
    pub(crate) service_name: Option<String>,
    /// `OTEL_RESOURCE_ATTRIBUTES`.
    pub(crate) resource: Vec<KeyValue>,
    /// `OTEL_PROPAGATORS`, in the order given, each once.
    pub(crate) propagators: Vec<Propagator>,
    /// `TELEMETRY_BAGGAGE_ATTRIBUTES`.
    pub(crate) baggage_attributes: Vec<String>,
    /// `OTEL_TRACES_SAMPLER` with `OTEL_TRACES_SAMPLER_ARG`.
    pub(crate) sampler: Sampler,
    /// `TELEMETRY_SPAN_LEVELS`.
    pub(crate) span_levels: SpanLevels,
    /// `TELEMETRY_STREAM_EVENT_TRACES`, when it is given.
    pub(crate) stream_event_traces: Option<u32>,
    /// `OTEL_SPAN_*_LIMIT`, `OTEL_ATTRIBUTE_*_LIMIT`, `OTEL_EVENT_*_LIMIT`, `OTEL_LINK_*_LIMIT`.
    pub(crate) limits: Limits,
    /// `OTEL_BSP_*`.
    pub(crate) batch: BatchLimits,
    /// `OTEL_TRACES_EXPORTER`.
    pub(crate) exporter: Exporter,
    /// `OTEL_EXPORTER_OTLP_*`, overridden by `OTEL_EXPORTER_OTLP_TRACES_*`.
    pub(crate) otlp: Otlp,
    /// `OTEL_METRICS_EXPORTER` and `OTEL_EXPORTER_PROMETHEUS_*`.
    pub(crate) metrics: Metrics,
    /// `OTEL_METRICS_EXEMPLAR_FILTER`.
    pub(crate) exemplars: ExemplarFilter,
    /// `OTEL_LOGS_EXPORTER`, `OTEL_LOG_LEVEL`, `RUST_LOG`, `TELEMETRY_LOG_*`.
    pub(crate) logs: logs::Settings,
    /// Values that were rejected.
    pub(crate) rejected: Vec<Rejected>,
}

/// One format of context headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagator {
    TraceContext,
    Baggage,
    B3,
    B3Multi,
    Jaeger,
}

/// The head sampler.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sampler {
    /// Whether a parent's decision overrides `root`.
    pub(crate) parent_based: bool,
    /// The sampler of traces without a parent.
    pub(crate) root: RootSampler,
}

/// The sampler of traces without a parent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RootSampler {
    Always,
    Never,
    /// This fraction of the traces, by trace id.
    Ratio(f64),
    JaegerRemote {
        endpoint: Uri,
        polling_interval: Duration,
        /// The ratio in use until the first strategy arrives.
        initial_ratio: f64,
    },
}

/// The limits of a span; `None` is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) attributes: u32,
    pub(crate) events: u32,
    pub(crate) links: u32,
    pub(crate) attributes_per_event: u32,
    pub(crate) attributes_per_link: u32,
    /// In characters.
    pub(crate) attribute_length: Option<usize>,
}

/// The limits of the export queue (`OTEL_BSP_*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchLimits {
    pub(crate) schedule_delay: Duration,
    pub(crate) export_timeout: Duration,
    pub(crate) queue_size: usize,
    /// At most `queue_size`.
    pub(crate) export_size: usize,
}

/// The exporter of spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exporter {
    Otlp,
    /// Lines of JSON on the standard output.
    Console,
    None,
}

/// The connection to an OTLP collector.
#[derive(Debug, Clone)]
pub(crate) struct Otlp {
    pub(crate) protocol: Protocol,
    /// With scheme; for HTTP with the path of the signal.
    pub(crate) endpoint: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) gzip: bool,
    /// The time-out of one export attempt.
    pub(crate) timeout: Duration,
    pub(crate) tls: Tls,
}

/// The OTLP protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Grpc,
    HttpProtobuf,
}

/// The contents of PEM files.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    /// Certificate authorities to trust instead of the system's.
    pub(crate) authorities: Option<Vec<u8>>,
    /// The client's own certificate and key.
    pub(crate) identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// The export of metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metrics {
    /// Whether metrics are recorded.
    pub(crate) recorded: bool,
    /// The host of the admin port, unless the program chooses one.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Which measurements may become exemplars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExemplarFilter {
    /// Treated as `TraceBased`: an exemplar of an unrecorded trace would lead nowhere.
    AlwaysOn,
    AlwaysOff,
    TraceBased,
}

// === impl Settings ===

impl Settings {
    /// Reads the environment of the process. `collector` is the endpoint when no variable gives one; `vendor` names the
    /// product that the process belongs to.
    pub(crate) fn from_environment(collector: Option<&str>, vendor: &'static str) -> Self {
        Self::read(std::env::vars_os(), collector, vendor)
    }

    fn read(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        collector: Option<&str>,
        vendor: &'static str,
    ) -> Self {
        let (vendor, refused) = if is_vendor(vendor) {
            (vendor, None)
        } else {
            (VENDOR, Some(vendor))
        };
        let environment = &mut Environment::new(variables, vendor);
        if let Some(refused) = refused {
            environment.put_down(Rejected::new(
                "Builder::vendor",
                None,
                refused,
                "a lower-case letter, then lower-case letters, digits and underscores".to_owned(),
            ));
        }
        general::refuse_files(environment);
        Self {
            vendor,
            disabled: environment.get_or_default(&general::DISABLED),
            strict: environment.get_or_default(&general::STRICT),
            service_name: environment.get(&general::SERVICE_NAME),
            resource: environment
                .get(&general::RESOURCE_ATTRIBUTES)
                .unwrap_or_default(),
            propagators: environment.get_or_default(&general::PROPAGATORS),
            baggage_attributes: environment
                .get(&general::BAGGAGE_ATTRIBUTES)
                .unwrap_or_default(),
            sampler: sampler::read(environment),
            span_levels: environment.get_or_default(&spans::LEVELS),
            stream_event_traces: environment.get(&sampler::STREAM_EVENT_TRACES),
            limits: spans::read_limits(environment),
            batch: spans::read_batch(environment),
            exporter: environment.get_or_default(&spans::EXPORTER),
            otlp: otlp::read(environment, collector),
            metrics: output::read_metrics(environment),
            exemplars: environment.get_or_default(&output::EXEMPLAR_FILTER),
            logs: output::read_logs(environment),
            rejected: environment.take_rejected(),
        }
    }
}

/// Whether a name can be both the key of a `tracestate` member and the start of a variable's name.
fn is_vendor(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

// === impl Tls ===

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("authorities", &self.authorities.is_some())
            .field("identity", &self.identity.is_some())
            .finish()
    }
}
