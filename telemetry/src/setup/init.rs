//! Initialisation, from the environment and the builder.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::{Key, global};
use opentelemetry_sdk::Resource;
use tokio::runtime::Handle;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;

use crate::export::otlp::ExporterError;
use crate::export::pipeline;
use crate::export::pipeline::Ledger;
#[cfg(any(feature = "grpc", feature = "http"))]
use crate::layers::stream;
use crate::logs;
use crate::logs::{FlushOnDrop, Logs, RepeatLimit};
use crate::metrics::recorder;
use crate::metrics::recorder::buckets::{self, Buckets};
use crate::metrics::runtime;
use crate::metrics::signals::{self, Metric};
use crate::settings::{self, Rejected, Settings};
use crate::setup::guard::{Rendering, Telemetry};
use crate::setup::resource;
use crate::trace::bridge::{self, OtherLayer};
use crate::trace::context;
use crate::trace::propagation;
use crate::trace::sampling;
use crate::trace::sampling::Sampling;
use crate::trace::tracer::{Sink, Tracer};

const UPKEEP: Duration = Duration::from_secs(5);

/// Why [`init`] failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// There is no tokio runtime, which background tasks need.
    #[error("telemetry must be initialised inside a tokio runtime")]
    NoRuntime,
    /// Environment variables are invalid, and the mode is strict.
    #[error("invalid settings in strict mode:{}", lines(.0))]
    Settings(Vec<Rejected>),
    /// A `tracing` subscriber or a metrics recorder is installed already.
    #[error("telemetry, or another {0}, is installed in this process already")]
    AlreadyInstalled(&'static str),
    /// The buckets that [`Builder::buckets`] was given for a histogram are empty, not finite, or do not rise.
    #[error("the buckets of {0} must be finite, rise, and be at least one")]
    Buckets(&'static str),
    /// The OTLP exporter rejects its settings.
    #[error("the OTLP exporter cannot be set up; check the OTEL_EXPORTER_OTLP_* variables")]
    Exporter(#[from] ExporterError),
    /// The thread that writes log lines cannot be started.
    #[error("the thread that writes log lines cannot be started")]
    Logs(#[source] std::io::Error),
}

/// Settings of the telemetry made by the program; see [`builder`].
#[must_use]
pub struct Builder {
    service: &'static str,
    version: Option<&'static str>,
    collector: Option<String>,
    strict: bool,
    metrics: Vec<&'static Metric>,
    buckets: Vec<(&'static str, &'static [f64])>,
    sampling: Vec<(&'static str, Sampling)>,
    baggage: Vec<&'static str>,
    layers: Vec<OtherLayer>,
    stream_event_traces: Option<u32>,
    vendor: &'static str,
    log_repeats: Option<RepeatLimit>,
    keep_panic_hook: bool,
}

/// Starts the telemetry of a service: traces, metrics, logs and propagation.
///
/// To be called once, early, inside the tokio runtime. Everything is set by the standard `OTEL_*` variables
/// and `RUST_LOG`; `OTEL_SERVICE_NAME` wins over `service`.
pub fn init(service: &'static str) -> Result<Telemetry, InitError> {
    builder(service).init()
}

/// A builder, for services with settings of their own; [`init`] is `builder(service).init()`.
pub fn builder(service: &'static str) -> Builder {
    Builder {
        service,
        version: None,
        collector: None,
        strict: false,
        metrics: Vec::new(),
        buckets: Vec::new(),
        sampling: Vec::new(),
        baggage: Vec::new(),
        layers: Vec::new(),
        stream_event_traces: None,
        vendor: settings::VENDOR,
        log_repeats: None,
        keep_panic_hook: false,
    }
}

// === impl Builder ===

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("service", &self.service)
            .field("version", &self.version)
            .field("layers", &self.layers.len())
            .finish_non_exhaustive()
    }
}

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

    /// Names the product that the service belongs to, in lower case: `TELEMETRY_STRICT` and this crate's other variables
    /// are called `SHOP_STRICT` and so on with `vendor("shop")`, and its member of `tracestate` has the key `shop`. All
    /// services of a product use the same name. Without it the name is `telemetry`.
    pub fn vendor(mut self, name: &'static str) -> Self {
        self.vendor = name;
        self
    }

    /// Sets how many log lines one place in the code may write in ten seconds; `None` is no limit. The variable
    /// `TELEMETRY_LOG_REPEATS` overrides it.
    pub fn log_repeats(mut self, limit: Option<u32>) -> Self {
        self.log_repeats = Some(limit.map_or(RepeatLimit::Unlimited, RepeatLimit::Lines));
        self
    }

    /// Runs the previously installed panic hook after this crate's, which writes a panic as a log line. By default only the
    /// line is written.
    pub fn keep_panic_hook(mut self) -> Self {
        self.keep_panic_hook = true;
        self
    }

    /// Makes an invalid variable an error of [`init`](Self::init), as `TELEMETRY_STRICT=true` does. By default it is warned
    /// about and ignored, as the specification requires.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Declares the service's own metrics, so that their help and their buckets are installed.
    pub fn metrics(mut self, declared: &[&'static Metric]) -> Self {
        self.metrics.extend_from_slice(declared);
        self
    }

    /// Sets the buckets of a histogram by their upper bounds, which must be finite and rise.
    ///
    /// The histogram is one that the `metrics` facade records without a declaration, `metrics::histogram!("oven.temperature")`,
    /// or a declared one, also of this crate: these buckets then replace the declared ones. It is found by its recorded,
    /// declared or exposed name.
    pub fn buckets(mut self, histogram: &'static str, bounds: &[f64]) -> Self {
        // The recorder keeps them as long as the process lasts.
        let bounds = Box::leak(Box::from(bounds));
        self.buckets.push((histogram, bounds));
        self
    }

    /// Overrides the sampler for traces that begin with `operation`, the name of their first span (`GET /menu`). A caller's
    /// decision stands; [`Sampling::Keep`] then keeps the trace if it is recorded.
    pub fn sampling(mut self, operation: &'static str, sampling: Sampling) -> Self {
        self.sampling.push((operation, sampling));
        self
    }

    /// Copies these baggage members into attributes of every span, under the member's own key. Other members are propagated
    /// only, since their content is unknown.
    pub fn baggage_attributes(mut self, keys: &[&'static str]) -> Self {
        self.baggage.extend_from_slice(keys);
        self
    }

    /// Adds a layer of `tracing_subscriber`, for whoever reads spans and events beside this crate: an error reporter, a
    /// console.
    ///
    /// It sees all spans and events, of every level, unless it has a filter of its own (`with_filter`). The spans of
    /// requests, calls, messages and queries are among them, sampled or not: named for their kind (`server`, `client`,
    /// `producer`, `consumer`, `internal`), with the name of the span in the field `otel.name` and the target
    /// `telemetry::proxy`. With such a layer each of those has its `tracing` span from its start on, which costs about as
    /// much as all else that a sampled request pays for.
    ///
    /// ```
    /// # use tracing_subscriber::Layer;
    /// use tracing_subscriber::filter::LevelFilter;
    ///
    /// # struct Reporter;
    /// # impl<S: tracing::Subscriber> Layer<S> for Reporter {}
    /// let builder = telemetry::builder("kitchen").layer(Reporter.with_filter(LevelFilter::INFO));
    /// ```
    pub fn layer(mut self, layer: impl Layer<Registry> + Send + Sync) -> Self {
        self.layers.push(Box::new(layer));
        self
    }

    /// How many events of streams become traces in a second, all streams of the process together, unless
    /// `TELEMETRY_STREAM_EVENT_TRACES` says so: 50 without either, and 0 makes none. What is held back is counted in
    /// `telemetry.stream.events.untraced`.
    pub fn stream_event_traces(mut self, per_second: u32) -> Self {
        self.stream_event_traces = Some(per_second);
        self
    }

    /// Starts the telemetry; see [`init`].
    pub fn init(self) -> Result<Telemetry, InitError> {
        let runtime = Handle::try_current().map_err(|_| InitError::NoRuntime)?;
        let mut settings = Settings::from_environment(self.collector.as_deref(), self.vendor);
        settings.logs.repeats = settings.logs.repeats.or(self.log_repeats);
        if (self.strict || settings.strict) && !settings.rejected.is_empty() {
            return Err(InitError::Settings(settings.rejected));
        }
        let refused = self
            .buckets
            .iter()
            .find(|(_, bounds)| !buckets::are_valid(bounds));
        if let Some((histogram, _)) = refused {
            return Err(InitError::Buckets(histogram));
        }
        let resource = resource::detect(&settings, self.service, self.version);
        propagation::install(&settings);
        context::links::limit(settings.limits.links);
        #[cfg(any(feature = "grpc", feature = "http"))]
        if let Some(rate) = settings.stream_event_traces.or(self.stream_event_traces) {
            stream::event_rate::set(rate);
        }
        let ledger = Arc::new(Ledger::new(settings.batch));
        let service = resource::text(&resource, "service.name");
        let (mut pipeline, mut sampler) = (None, None);
        let tracer = if settings.disabled {
            Tracer::disabled()
        } else {
            let head = sampling::head(&settings, &self.sampling);
            sampler = Some(head.clone());
            let mut sink: Option<Arc<dyn Sink>> = None;
            if let Some((processor, started)) = pipeline::start(&settings, &resource, &ledger)? {
                sink = Some(Arc::new(processor));
                pipeline = Some(started);
            }
            let allowed = settings.baggage_attributes.iter().cloned().map(Key::new);
            let baggage = allowed.chain(self.baggage.into_iter().map(Key::new));
            Tracer::new(head, settings.limits, baggage.collect(), sink)
        };
        let logs = install(tracer.clone(), &settings, service.clone(), self.layers)?;
        logs.take_records();
        logs::install_panic_hook(&logs, self.keep_panic_hook);
        if tracer.is_enabled() {
            global::set_tracer_provider(tracer);
        }
        let rendering = Rendering {
            recorder: recorder::install(&settings, &self.metrics, Buckets::of(&self.buckets))?,
            ledger,
            logs,
            runtime: runtime.clone(),
        };
        describe_target(&resource);
        settings::report(&settings.rejected);
        let upkeep = rendering.clone();
        let tasks = vec![
            runtime.spawn(async move {
                let mut ticks = tokio::time::interval(UPKEEP);
                loop {
                    ticks.tick().await;
                    upkeep.recorder.upkeep();
                    upkeep.logs.upkeep();
                }
            }),
            runtime.spawn(runtime::probe_schedule_delay()),
        ];
        Ok(Telemetry {
            pipeline,
            _flush_logs: FlushOnDrop(rendering.logs.clone()),
            _poller: sampler.and_then(|head| head.follow(&settings, &service)),
            rendering,
            scraped_at: (settings.metrics.host, settings.metrics.port),
            tasks,
        })
    }
}

/// Installs the subscriber.
fn install(
    tracer: Tracer,
    settings: &Settings,
    service: String,
    layers: Vec<OtherLayer>,
) -> Result<Logs, InitError> {
    let logs = logs::start(settings.logs.clone(), service).map_err(InitError::Logs)?;
    bridge::subscriber(tracer, settings.span_levels.clone(), logs.clone(), layers)
        .try_init()
        .map_err(|_| InitError::AlreadyInstalled("tracing subscriber"))?;
    Ok(logs)
}

fn lines(rejected: &[Rejected]) -> String {
    rejected.iter().fold(String::new(), |lines, rejected| {
        format!("{lines}\n  {rejected}")
    })
}

fn describe_target(resource: &Resource) {
    let mut attributes: Vec<_> = resource
        .iter()
        .map(|(key, value)| (key.to_string(), value.as_str().into_owned()))
        .collect();
    attributes.sort();
    signals::TARGET_INFO.inform(attributes.into_iter());
    let version = resource::text(resource, "service.version");
    let build = [
        ("service.version", version.as_str()),
        ("telemetry.version", env!("CARGO_PKG_VERSION")),
    ];
    let build = build.map(|(key, value)| (key.to_owned(), value.to_owned()));
    signals::BUILD_INFO.inform(build.into_iter());
}
