//! The notification service's process.

use chassis::platform::Service;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    chassis::run(
        Service::Notification,
        |telemetry| telemetry,
        notification::serve,
    )
    .await
}
