//! gRPC channels to the other services, with tracing and deadline propagation.

use std::time::Duration;

use telemetry::grpc::{ClientLayer, ClientService};
use tonic::transport::{Channel as Transport, Endpoint};

use crate::config;
use crate::platform::Service;

/// The deadline of a unary call, unless the caller or the surrounding call sets an earlier one.
pub const DEADLINE: Duration = Duration::from_secs(5);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// A channel for the generated clients. It connects when it is first used; each unary call has a deadline.
pub type Channel = ClientService<Transport>;

/// A channel to `service`.
///
/// # Errors
/// When its address is not a URI.
pub fn channel(service: Service) -> Result<Channel, tonic::transport::Error> {
    channel_to(config::url_of(service))
}

/// A channel to an address.
///
/// # Errors
/// When the address is not a URI.
pub fn channel_to(url: String) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(url)?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_while_idle(true);
    let layer = ClientLayer::to(&endpoint)
        .streams(api::STREAMING_METHODS)
        .deadline(DEADLINE);
    Ok(layer.layer(endpoint.connect_lazy()))
}
