//! The order service's process.

use chassis::platform::Service;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    chassis::run(Service::Order, |telemetry| telemetry, order::serve).await
}
