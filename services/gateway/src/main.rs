//! The gateway's process. `gateway openapi` prints the OpenAPI document instead of serving.

use std::io::Write as _;

use chassis::health;
use chassis::platform::Service;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match std::env::args().nth(1).as_deref() {
        None | Some(health::COMMAND) => {
            chassis::run(Service::Gateway, gateway::telemetry, gateway::serve).await
        }
        Some("openapi") => Ok(std::io::stdout().write_all(gateway::openapi_json()?.as_bytes())?),
        Some(other) => {
            anyhow::bail!("unknown command {other:?}: expected nothing (to serve) or `openapi`")
        }
    }
}
