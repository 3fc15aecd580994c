//! The peers, each set up as its own documentation does.

use std::borrow::Cow;

use axum_prometheus::PrometheusMetricLayer;
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use fastrace::collector::Config;
use fastrace_opentelemetry::OpenTelemetryReporter;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{InstrumentationScope, global};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Runtime;
use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::{Target, service, service_with};
use crate::Order;
use crate::measure::Protocol;
use crate::request::fastrace_steps;

fn exporter(order: &Order) -> anyhow::Result<SpanExporter> {
    Ok(SpanExporter::builder()
        .with_tonic()
        .with_endpoint(order.collector.clone())
        .build()?)
}

/// The SDK with its batch processor, and tracing-opentelemetry on it.
fn sdk(order: &Order) -> anyhow::Result<SdkTracerProvider> {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter(order)?)
        .build();
    global::set_tracer_provider(provider.clone());
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    tracing_subscriber::registry()
        .with(spans.with_filter(LevelFilter::INFO))
        .try_init()?;
    Ok(provider)
}

fn meters() -> SdkMeterProvider {
    let provider = SdkMeterProvider::builder()
        .with_reader(opentelemetry_sdk::metrics::ManualReader::builder().build())
        .build();
    global::set_meter_provider(provider.clone());
    provider
}

fn flushing(provider: SdkTracerProvider) -> Box<dyn Fn()> {
    Box::new(move || provider.force_flush().expect("the sink accepts everything"))
}

pub fn axum_tracing_opentelemetry(_: &Runtime, order: &Order) -> anyhow::Result<Target> {
    let provider = sdk(order)?;
    let (metrics, _) = PrometheusMetricLayer::pair();
    Ok(Target {
        service: service(order.case)
            .layer(OtelAxumLayer::default())
            .layer(metrics),
        flush: flushing(provider),
    })
}

pub fn instrumentation_tower(_: &Runtime, order: &Order) -> anyhow::Result<Target> {
    let provider = sdk(order)?;
    let _meters = meters();
    Ok(Target {
        service: service(order.case)
            .layer(opentelemetry_instrumentation_tower::http::server::Layer::new()),
        flush: flushing(provider),
    })
}

pub fn tower_otel(_: &Runtime, order: &Order) -> anyhow::Result<Target> {
    let provider = sdk(order)?;
    let meters = meters();
    let service = match order.case.protocol {
        Protocol::Http => {
            let meter = opentelemetry::metrics::MeterProvider::meter(&meters, "bench");
            service(order.case)
                .layer(tower_otel::trace::HttpLayer::server(Level::INFO))
                .layer(tower_otel::metrics::HttpLayer::server(&meter))
        }
        Protocol::Grpc => {
            service(order.case).layer(tower_otel::trace::GrpcLayer::server(Level::INFO))
        }
    };
    Ok(Target {
        service,
        flush: flushing(provider),
    })
}

pub fn tonic_tracing_opentelemetry(_: &Runtime, order: &Order) -> anyhow::Result<Target> {
    let provider = sdk(order)?;
    Ok(Target {
        service: service(order.case)
            .layer(tonic_tracing_opentelemetry::middleware::server::OtelGrpcLayer::default()),
        flush: flushing(provider),
    })
}

fn fastrace(order: &Order) -> anyhow::Result<()> {
    let reporter = OpenTelemetryReporter::new(
        exporter(order)?,
        Cow::Owned(Resource::builder().build()),
        InstrumentationScope::builder("bench").build(),
    );
    fastrace::set_reporter(reporter, Config::default());
    Ok(())
}

pub fn fastrace_axum(_: &Runtime, order: &Order) -> anyhow::Result<Target> {
    fastrace(order)?;
    Ok(Target {
        service: service_with(order.case, fastrace_steps)
            .layer(fastrace_axum::FastraceLayer::default()),
        flush: Box::new(fastrace::flush),
    })
}

pub fn fastrace_tonic(_: &Runtime, order: &Order) -> anyhow::Result<Target> {
    fastrace(order)?;
    Ok(Target {
        service: service_with(order.case, fastrace_steps)
            .layer(fastrace_tonic::FastraceServerLayer::default()),
        flush: Box::new(fastrace::flush),
    })
}
