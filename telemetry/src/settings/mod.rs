//! What the environment says, read once: the variables of the OpenTelemetry specification, and this crate's own.
//!
//! Every part of the crate takes its settings from here and reads no variable itself. Each variable is declared once,
//! with its default and what is right; the reading, the warnings and `docs/configuration.md` come from that. A value
//! that cannot be used is put down as a [`Rejected`], the default stands in, and [`init`](crate::init) warns of it,
//! counts it, or refuses to start, as the mode has it.

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

/// Every variable that is read, in the order of the page.
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

/// Everything that can be set from outside.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `OTEL_SDK_DISABLED`: no span is made; contexts still travel, metrics and logs stay.
    pub(crate) disabled: bool,
    /// `BIDTRACE_STRICT`: a bad value is an error at start-up.
    pub(crate) strict: bool,
    /// `OTEL_SERVICE_NAME`, over `service.name` in `OTEL_RESOURCE_ATTRIBUTES`.
    pub(crate) service_name: Option<String>,
    /// `OTEL_RESOURCE_ATTRIBUTES`.
    pub(crate) resource: Vec<KeyValue>,
    /// `OTEL_PROPAGATORS`, in the order given, each once.
    pub(crate) propagators: Vec<Propagator>,
    /// `BIDTRACE_BAGGAGE_ATTRIBUTES`.
    pub(crate) baggage_attributes: Vec<String>,
    /// `OTEL_TRACES_SAMPLER` with `OTEL_TRACES_SAMPLER_ARG`.
    pub(crate) sampler: Sampler,
    /// `BIDTRACE_SPAN_LEVELS`.
    pub(crate) span_levels: SpanLevels,
    /// `OTEL_SPAN_*_LIMIT`, `OTEL_ATTRIBUTE_*_LIMIT`, `OTEL_EVENT_*_LIMIT`, `OTEL_LINK_*_LIMIT`.
    pub(crate) limits: Limits,
    /// `OTEL_BSP_*`.
    pub(crate) batch: Batch,
    /// `OTEL_TRACES_EXPORTER`.
    pub(crate) exporter: Exporter,
    /// `OTEL_EXPORTER_OTLP_*`, those of `OTEL_EXPORTER_OTLP_TRACES_*` over them.
    pub(crate) otlp: Otlp,
    /// `OTEL_METRICS_EXPORTER` and `OTEL_EXPORTER_PROMETHEUS_*`.
    pub(crate) metrics: Metrics,
    /// `OTEL_METRICS_EXEMPLAR_FILTER`.
    pub(crate) exemplars: ExemplarFilter,
    /// `OTEL_LOGS_EXPORTER`, `OTEL_LOG_LEVEL`, `RUST_LOG`, `BIDTRACE_LOG_*`.
    pub(crate) logs: logs::Settings,
    /// What was said and could not be used.
    pub(crate) rejected: Vec<Rejected>,
}

/// One form in which a context travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagator {
    TraceContext,
    Baggage,
    B3,
    B3Multi,
    Jaeger,
}

/// Which traces are recorded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sampler {
    /// Whether a parent's decision goes before the root's.
    pub(crate) parent_based: bool,
    /// How a trace without a parent is decided.
    pub(crate) root: RootSampler,
}

/// How a trace without a parent is decided.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RootSampler {
    Always,
    Never,
    /// This share of the traces, by their ids.
    Ratio(f64),
    JaegerRemote {
        endpoint: Uri,
        polling_interval: Duration,
        /// Until the first strategy is there.
        initial_ratio: f64,
    },
}

/// How much a span may hold; none is no limit.
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

/// How ended spans wait for their export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) schedule_delay: Duration,
    pub(crate) export_timeout: Duration,
    pub(crate) queue_size: usize,
    /// At most `queue_size`.
    pub(crate) export_size: usize,
}

/// Where spans go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exporter {
    Otlp,
    /// Lines of JSON on the standard output.
    Console,
    None,
}

/// How an OTLP collector is reached.
#[derive(Debug, Clone)]
pub(crate) struct Otlp {
    pub(crate) protocol: Protocol,
    /// Always with its scheme; for HTTP with the path of the signal.
    pub(crate) endpoint: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) gzip: bool,
    /// Of one attempt to export.
    pub(crate) timeout: Duration,
    pub(crate) tls: Tls,
}

/// How OTLP is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Grpc,
    HttpProtobuf,
}

/// Files in PEM, as their contents.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    /// Whom to trust, instead of the system's authorities.
    pub(crate) authorities: Option<Vec<u8>>,
    /// The client's own certificate and key.
    pub(crate) identity: Option<(Vec<u8>, Vec<u8>)>,
}

/// How metrics are exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Metrics {
    /// Whether they are recorded at all.
    pub(crate) recorded: bool,
    /// Where they are scraped, unless the program says where.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// Which measurements may become exemplars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExemplarFilter {
    /// The same here as those of sampled traces: an exemplar without a trace leads nowhere.
    AlwaysOn,
    AlwaysOff,
    TraceBased,
}

// === impl Settings ===

impl Settings {
    /// Reads the environment of the process. `collector` is where spans go when no variable says so.
    pub(crate) fn from_environment(collector: Option<&str>) -> Self {
        Self::read(std::env::vars_os(), collector)
    }

    fn read(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        collector: Option<&str>,
    ) -> Self {
        let environment = &mut Environment::new(variables);
        general::refuse_files(environment);
        Self {
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

// === impl Tls ===

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("authorities", &self.authorities.is_some())
            .field("identity", &self.identity.is_some())
            .finish()
    }
}
