//! Setting everything up, from the environment and from what a service says about itself.

use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::{Tracer, TracerProvider, noop::NoopTracer};
use opentelemetry::{Key, KeyValue, global};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::export::{Counted, CountedExporter, Ledger};
use crate::guard::{Rendering, Telemetry};
use crate::signals::{self, Kind, Metric};
use crate::{logs, runtime};

const DEFAULT_COLLECTOR: &str = "http://127.0.0.1:4317";
const ENDPOINT_VARIABLES: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];
const DEFAULT_QUEUE: usize = 2048;
const DEFAULT_BATCH: usize = 512;
const UPKEEP: Duration = Duration::from_secs(5);

/// The parts of the exporter's own road: tracing them would make a trace of every export, for ever.
const EXPORT_TARGETS: [&str; 6] = [
    "h2",
    "hyper",
    "hyper_util",
    "opentelemetry",
    "tonic",
    "tower",
];

/// Why the telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// The exporter works on the runtime, so there must be one.
    #[error("telemetry must be initialised inside a tokio runtime")]
    NoRuntime,
    /// A subscriber or a recorder is there already.
    #[error("telemetry, or another {0}, is installed in this process already")]
    AlreadyInstalled(&'static str),
    /// The OTLP exporter does not accept its settings.
    #[error("the OTLP exporter cannot be set up; check the OTEL_EXPORTER_OTLP_* variables")]
    Exporter(#[source] opentelemetry_otlp::ExporterBuildError),
    /// A declared metric cannot be exposed.
    #[error("the metric {name} cannot be exposed")]
    Metric {
        /// The metric's declared name.
        name: &'static str,
        /// What is wrong with it.
        #[source]
        source: metrics_exporter_prometheus::BuildError,
    },
}

/// What a service says about itself before its telemetry starts. Made by [`builder`].
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    service: &'static str,
    version: Option<&'static str>,
    collector: Option<String>,
    metrics: Vec<&'static Metric>,
}

/// Starts the telemetry of a service: traces, metrics, logs and propagation.
///
/// To be called once, early, inside the tokio runtime. Everything is set by the standard `OTEL_*` variables
/// and `RUST_LOG`; `OTEL_SERVICE_NAME` wins over `service`.
pub fn init(service: &'static str) -> Result<Telemetry, InitError> {
    builder(service).init()
}

/// The same as [`init`], for a service that has a version to tell or metrics of its own.
pub fn builder(service: &'static str) -> Builder {
    Builder {
        service,
        version: None,
        collector: None,
        metrics: Vec::new(),
    }
}

// === impl Builder ===

impl Builder {
    /// The version of the service, as `service.version`: usually `env!("CARGO_PKG_VERSION")`.
    pub fn version(mut self, version: &'static str) -> Self {
        self.version = Some(version);
        self
    }

    /// The collector to use when no `OTEL_EXPORTER_OTLP_*ENDPOINT` variable names one, as a URL; without it
    /// that is `http://127.0.0.1:4317`.
    pub fn collector(mut self, url: impl Into<String>) -> Self {
        self.collector = Some(url.into());
        self
    }

    /// Declares the service's own metrics, so that their help and their buckets are installed.
    pub fn metrics(mut self, declared: &[&'static Metric]) -> Self {
        self.metrics.extend_from_slice(declared);
        self
    }

    /// Starts the telemetry; see [`init`].
    pub fn init(self) -> Result<Telemetry, InitError> {
        let runtime = Handle::try_current().map_err(|_| InitError::NoRuntime)?;
        let resource = self.resource();
        global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ]));
        let queue = from_environment("OTEL_BSP_MAX_QUEUE_SIZE", DEFAULT_QUEUE);
        let ledger = Ledger::new(queue);
        let provider = if is_disabled() {
            None
        } else {
            let collector = self.collector.as_deref().unwrap_or(DEFAULT_COLLECTOR);
            Some(provider(resource.clone(), collector, queue, &ledger)?)
        };
        let service = text(&resource, "service.name");
        match &provider {
            Some(provider) => install(provider.tracer("telemetry"), service)?,
            None => install(NoopTracer::new(), service)?,
        }
        if let Some(provider) = &provider {
            global::set_tracer_provider(provider.clone());
        }
        let rendering = Rendering {
            prometheus: recorder(&self.metrics)?,
            ledger,
            runtime: runtime.clone(),
        };
        describe_target(&resource);
        let upkeep = rendering.prometheus.clone();
        let tasks = vec![
            runtime.spawn(async move {
                let mut ticks = tokio::time::interval(UPKEEP);
                loop {
                    ticks.tick().await;
                    upkeep.run_upkeep();
                }
            }),
            runtime.spawn(runtime::probe_schedule_delay()),
        ];
        Ok(Telemetry {
            provider,
            rendering,
            tasks,
        })
    }

    fn resource(&self) -> Resource {
        // The detectors read OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES; what they find stays.
        let found = Resource::builder().build();
        let mut resource = Resource::builder();
        let known = |key: &'static str| {
            found
                .get(&Key::from_static_str(key))
                .is_some_and(|value| !value.as_str().starts_with("unknown_service"))
        };
        if !known("service.name") {
            resource = resource.with_service_name(self.service);
        }
        if let Some(version) = self.version
            && !known("service.version")
        {
            resource = resource.with_attribute(KeyValue::new("service.version", version));
        }
        if !known("service.instance.id") {
            let id = uuid::Uuid::now_v7().to_string();
            resource = resource.with_attribute(KeyValue::new("service.instance.id", id));
        }
        resource.build()
    }
}

/// `true` only for the word itself, as the specification has it.
fn is_disabled() -> bool {
    std::env::var("OTEL_SDK_DISABLED").is_ok_and(|value| value.eq_ignore_ascii_case("true"))
}

fn from_environment(variable: &str, default: usize) -> usize {
    std::env::var(variable)
        .ok()
        .and_then(|value| value.parse().ok())
        .filter(|value| *value > 0)
        .unwrap_or(default)
}

fn provider(
    resource: Resource,
    collector: &str,
    queue: usize,
    ledger: &Arc<Ledger>,
) -> Result<SdkTracerProvider, InitError> {
    let mut exporter = SpanExporter::builder().with_tonic();
    if ENDPOINT_VARIABLES
        .iter()
        .all(|variable| std::env::var_os(variable).is_none_or(|value| value.is_empty()))
    {
        exporter = exporter.with_endpoint(collector);
    }
    let exporter = exporter.build().map_err(InitError::Exporter)?;
    let exporter = CountedExporter::new(exporter, Arc::clone(ledger));
    let batch = from_environment("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", DEFAULT_BATCH).min(queue);
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(queue)
        .with_max_export_batch_size(batch)
        .build();
    let processor = BatchSpanProcessor::builder(exporter)
        .with_batch_config(config)
        .build();
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_span_processor(Counted::new(processor, Arc::clone(ledger)))
        .build())
}

/// Installs the subscriber. The span layer has a filter of its own: a log level must never cut a trace.
fn install<T>(tracer: T, service: String) -> Result<(), InitError>
where
    T: Tracer + Send + Sync + 'static,
    T::Span: Send + Sync,
{
    let filter = EXPORT_TARGETS.iter().fold(
        Targets::new().with_default(LevelFilter::INFO),
        |targets, target| targets.with_target(*target, LevelFilter::OFF),
    );
    let spans = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_target(false)
        .with_filter(filter);
    tracing_subscriber::registry()
        .with(spans)
        .with(logs::layer(service))
        .try_init()
        .map_err(|_| InitError::AlreadyInstalled("tracing subscriber"))
}

/// Installs the metrics recorder with the buckets and the help of every declared metric.
fn recorder(own: &[&'static Metric]) -> Result<PrometheusHandle, InitError> {
    let declared = || signals::ALL.iter().chain(own);
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
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)
        .map_err(|_| InitError::AlreadyInstalled("metrics recorder"))?;
    for metric in declared() {
        metric.describe();
    }
    Ok(handle)
}

fn describe_target(resource: &Resource) {
    let version = text(resource, "service.version");
    signals::TARGET
        .gauge(&[
            ("service.name", &text(resource, "service.name")),
            ("service.version", &version),
            (
                "service.instance.id",
                &text(resource, "service.instance.id"),
            ),
        ])
        .set(1.0);
    signals::BUILD
        .gauge(&[
            ("service.version", &version),
            ("telemetry.version", env!("CARGO_PKG_VERSION")),
        ])
        .set(1.0);
}

fn text(resource: &Resource, key: &'static str) -> String {
    resource
        .get(&Key::from_static_str(key))
        .map(|value| value.as_str().into_owned())
        .unwrap_or_default()
}
