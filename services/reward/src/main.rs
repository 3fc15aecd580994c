//! The reward service's process.

use chassis::platform::Service;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    chassis::run(Service::Reward, |telemetry| telemetry, reward::serve).await
}
