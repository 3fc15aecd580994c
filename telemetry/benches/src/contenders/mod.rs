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
    /// The binary that measures it.
    pub build: Build,
    protocols: &'static [Protocol],
    start: fn(&Runtime, &Order) -> anyhow::Result<Target>,
}

/// How a binary is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// With this repository's crate alone, as an adopter does.
    Own,
    #[cfg_attr(not(feature = "peers"), allow(dead_code))]
    Peers,
}

/// A service with its telemetry.
pub struct Target {
    service: Router,
    flush: Box<dyn Fn()>,
}

use Protocol::{Grpc, Http};

const fn contender(
    name: &'static str,
    build: Build,
    protocols: &'static [Protocol],
    start: fn(&Runtime, &Order) -> anyhow::Result<Target>,
) -> Contender {
    Contender {
        name,
        build,
        protocols,
        start,
    }
}

pub const ALL: &[Contender] = &[
    contender("bare", Build::Own, &[Http, Grpc], bare),
    contender("a layer that does nothing", Build::Own, &[Http, Grpc], idle),
    contender("bidtrace", Build::Own, &[Http, Grpc], ours::start),
    #[cfg(feature = "peers")]
    contender(
        "axum-tracing-opentelemetry + axum-prometheus",
        Build::Peers,
        &[Http],
        peers::axum_tracing_opentelemetry,
    ),
    #[cfg(feature = "peers")]
    contender(
        "opentelemetry-instrumentation-tower",
        Build::Peers,
        &[Http],
        peers::instrumentation_tower,
    ),
    #[cfg(feature = "peers")]
    contender("tower-otel", Build::Peers, &[Http, Grpc], peers::tower_otel),
    #[cfg(feature = "peers")]
    contender("fastrace-axum", Build::Peers, &[Http], peers::fastrace_axum),
    #[cfg(feature = "peers")]
    contender(
        "fastrace-tonic",
        Build::Peers,
        &[Grpc],
        peers::fastrace_tonic,
    ),
    #[cfg(feature = "peers")]
    contender(
        "tonic-tracing-opentelemetry",
        Build::Peers,
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

#[allow(clippy::unnecessary_wraps)] // Others may fail to start.
fn bare(_: &Runtime, order: &Order) -> anyhow::Result<Target> {
    Ok(Target {
        service: service(order.case),
        flush: Box::new(|| {}),
    })
}

/// What it costs to have a layer at all: axum puts the service and the body into boxes.
#[allow(clippy::unnecessary_wraps)]
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
