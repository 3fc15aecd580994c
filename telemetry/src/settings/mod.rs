//! What the environment says, read once: the variables of the OpenTelemetry specification, and this crate's own.
//!
//! Every part of the crate takes its settings from here and reads no variable itself. A value that cannot be used
//! is put down as a [`Rejected`], the default stands in, and [`init`](crate::init) warns of it, counts it, or
//! refuses to start, as the mode has it.

use std::time::Duration;

use http::{HeaderMap, Uri};
use opentelemetry::KeyValue;
use opentelemetry_sdk::trace::SpanLimits;

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
    /// `OTEL_TRACES_SAMPLER` with `OTEL_TRACES_SAMPLER_ARG`.
    pub(crate) sampler: Sampler,
    /// `OTEL_SPAN_*_LIMIT`, `OTEL_ATTRIBUTE_*_LIMIT`, `OTEL_EVENT_*_LIMIT`, `OTEL_LINK_*_LIMIT`.
    pub(crate) limits: Limits,
    /// `OTEL_BSP_*`.
    pub(crate) batch: Batch,
    /// `OTEL_TRACES_EXPORTER`.
    pub(crate) exporter: Exporter,
    /// `OTEL_EXPORTER_OTLP_*`, those of `OTEL_EXPORTER_OTLP_TRACES_*` over them.
    pub(crate) otlp: Otlp,
    /// `OTEL_METRICS_EXEMPLAR_FILTER`.
    pub(crate) exemplars: ExemplarFilter,
    /// What was said and could not be used.
    pub(crate) rejected: Vec<Rejected>,
}

/// A variable whose value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The variable.
    pub variable: String,
    /// The value that it had; never that of a variable that may hold a secret.
    pub value: String,
    /// What would be right.
    pub expected: String,
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
    /// As it was given; for HTTP with the path of the signal.
    pub(crate) endpoint: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) gzip: bool,
    /// Of one attempt to export.
    pub(crate) timeout: Duration,
    /// Whether a gRPC endpoint without a scheme is spoken to in clear text.
    pub(crate) insecure: bool,
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
        Self::read(|name| std::env::var(name).ok(), collector)
    }

    fn read(lookup: impl Fn(&str) -> Option<String>, collector: Option<&str>) -> Self {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let count = |name: &str, default: usize| {
            get(name)
                .and_then(|value| value.parse().ok())
                .filter(|value| *value > 0)
                .unwrap_or(default)
        };
        let endpoint = get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
            .or_else(|| get("OTEL_EXPORTER_OTLP_ENDPOINT"))
            .or_else(|| collector.map(str::to_owned))
            .and_then(|value| value.parse().ok())
            .unwrap_or_else(|| Uri::from_static("http://127.0.0.1:4317"));
        let max_queue = count("OTEL_BSP_MAX_QUEUE_SIZE", 2048);
        Self {
            disabled: get("OTEL_SDK_DISABLED")
                .is_some_and(|value| value.eq_ignore_ascii_case("true")),
            strict: false,
            service_name: get("OTEL_SERVICE_NAME"),
            resource: Vec::new(),
            propagators: vec![Propagator::TraceContext, Propagator::Baggage],
            sampler: Sampler {
                parent_based: true,
                root: RootSampler::Always,
            },
            limits: Limits {
                attributes: 128,
                events: 128,
                links: 128,
                attributes_per_event: 128,
                attributes_per_link: 128,
                attribute_length: None,
            },
            batch: Batch {
                schedule_delay: Duration::from_secs(5),
                export_timeout: Duration::from_secs(30),
                queue_size: max_queue,
                export_size: count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512).min(max_queue),
            },
            exporter: Exporter::Otlp,
            otlp: Otlp {
                protocol: Protocol::Grpc,
                endpoint,
                headers: HeaderMap::new(),
                gzip: false,
                timeout: Duration::from_secs(10),
                insecure: false,
                tls: Tls::default(),
            },
            exemplars: ExemplarFilter::TraceBased,
            rejected: Vec::new(),
        }
    }
}

// === impl Limits ===

impl Limits {
    /// The same for the SDK, which knows no limit of length.
    pub(crate) fn of_spans(self) -> SpanLimits {
        SpanLimits {
            max_events_per_span: self.events,
            max_attributes_per_span: self.attributes,
            max_links_per_span: self.links,
            max_attributes_per_event: self.attributes_per_event,
            max_attributes_per_link: self.attributes_per_link,
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
