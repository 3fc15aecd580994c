//! This repository's crate, as an adopter uses it.

use tokio::runtime::Runtime;

use super::{Target, service};
use crate::Order;
use crate::measure::Protocol;

pub fn start(runtime: &Runtime, order: &Order) -> anyhow::Result<Target> {
    let telemetry = telemetry::builder("bench")
        .collector(order.collector.clone())
        .init()?;
    let service = match order.case.protocol {
        Protocol::Http => service(order.case).layer(telemetry::http::ServerLayer::new()),
        Protocol::Grpc => service(order.case).layer(telemetry::grpc::ServerLayer::new()),
    };
    let runtime = runtime.handle().clone();
    Ok(Target {
        service,
        flush: Box::new(move || {
            runtime
                .block_on(telemetry.flush())
                .expect("the sink accepts everything");
        }),
    })
}
