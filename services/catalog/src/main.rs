//! The catalog service's process.

use chassis::platform::Service;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    chassis::run(Service::Catalog, |telemetry| telemetry, catalog::serve).await
}
