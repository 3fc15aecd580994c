//! The notification service's process.

use chassis::platform::Service;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    chassis::run(Service::Notification, |own| own, notification::serve).await
}
