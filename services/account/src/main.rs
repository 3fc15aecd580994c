//! The account service's process.

use chassis::platform::Service;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    chassis::run(Service::Account, |telemetry| telemetry, account::serve).await
}
