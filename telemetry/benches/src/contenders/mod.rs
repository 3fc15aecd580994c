//! Who is measured. Each adds its layers to the same service, with spans exported over OTLP to the same sink.

mod ours;
#[cfg(feature = "peers")]
mod peers;

use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use tokio::runtime::Runtime;
use tower::Service;

use crate::Order;
use crate::measure::{Case, Protocol};
use crate::request;

/// One row of the table.
pub struct Contender {
    pub name: &'static str,
    protocols: &'static [Protocol],
    start: fn(&Runtime, &Order) -> anyhow::Result<Target>,
}

/// A service with its telemetry.
pub struct Target {
    service: Router,
    flush: Box<dyn Fn()>,
}

use Protocol::{Grpc, Http};

/// The name of what runs in the other binary.
pub const LEAN: &str = "bidtrace, lean bridge";

const fn contender(
    name: &'static str,
    protocols: &'static [Protocol],
    start: fn(&Runtime, &Order) -> anyhow::Result<Target>,
) -> Contender {
    Contender {
        name,
        protocols,
        start,
    }
}

pub const ALL: &[Contender] = &[
    contender("bare", &[Http, Grpc], bare),
    contender("a layer that does nothing", &[Http, Grpc], idle),
    contender("bidtrace", &[Http, Grpc], ours::start),
    contender(LEAN, &[Http, Grpc], ours::start),
    #[cfg(feature = "peers")]
    contender(
        "axum-tracing-opentelemetry + axum-prometheus",
        &[Http],
        peers::axum_tracing_opentelemetry,
    ),
    #[cfg(feature = "peers")]
    contender(
        "opentelemetry-instrumentation-tower",
        &[Http],
        peers::instrumentation_tower,
    ),
    #[cfg(feature = "peers")]
    contender("tower-otel", &[Http, Grpc], peers::tower_otel),
    #[cfg(feature = "peers")]
    contender("fastrace-axum", &[Http], peers::fastrace_axum),
    #[cfg(feature = "peers")]
    contender("fastrace-tonic", &[Grpc], peers::fastrace_tonic),
    #[cfg(feature = "peers")]
    contender(
        "tonic-tracing-opentelemetry",
        &[Grpc],
        peers::tonic_tracing_opentelemetry,
    ),
];

pub fn named(name: &str) -> anyhow::Result<&'static Contender> {
    ALL.iter()
        .find(|contender| contender.name == name)
        .ok_or_else(|| anyhow::anyhow!("no contender is called {name}"))
}

/// The service of a case, without telemetry, whose spans are made with `tracing`.
fn service(case: Case) -> Router {
    service_with(case, request::tracing_steps)
}

fn service_with(case: Case, steps: request::Steps) -> Router {
    let steps = case.nested.then_some(steps);
    match case.protocol {
        Http => request::http(steps),
        Grpc => request::grpc(steps),
    }
}

fn bare(_: &Runtime, order: &Order) -> anyhow::Result<Target> {
    Ok(Target {
        service: service(order.case),
        flush: Box::new(|| {}),
    })
}

/// What it costs to have a layer at all: axum puts the service and the body into boxes.
fn idle(_: &Runtime, order: &Order) -> anyhow::Result<Target> {
    let idle = |service| tower::util::MapRequest::new(service, |request: Request<Body>| request);
    Ok(Target {
        service: service(order.case).layer(tower::layer::layer_fn(idle)),
        flush: Box::new(|| {}),
    })
}

impl Contender {
    pub fn speaks(&self, protocol: Protocol) -> bool {
        self.protocols.contains(&protocol)
    }

    pub fn start(&self, runtime: &Runtime, order: &Order) -> anyhow::Result<Target> {
        (self.start)(runtime, order)
    }
}

impl Target {
    /// Serves one request to the last frame of its response.
    pub async fn serve(&mut self, request: Request<Body>) {
        let Ok(response) = Service::call(&mut self.service, request).await;
        assert!(response.status().is_success(), "{response:?}");
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            std::hint::black_box(frame.expect("the body is whole"));
        }
    }

    /// Waits until everything is exported.
    pub fn flush(&self) {
        (self.flush)();
    }
}
