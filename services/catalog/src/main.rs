//! The catalog service's process.

use chassis::platform::Service;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    chassis::run(Service::Catalog, |own| own, catalog::serve).await
}
