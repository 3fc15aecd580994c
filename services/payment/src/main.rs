//! The payment provider's process.

use chassis::platform::Service;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    chassis::run(Service::Payment, |telemetry| telemetry, payment::serve).await
}
