//! The auction service's process.

use chassis::platform::Service;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    chassis::run(Service::Auction, |telemetry| telemetry, auction::serve).await
}
