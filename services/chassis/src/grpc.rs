//! gRPC channels to the other services, traced and with a deadline that travels.

use crate::{config, platform::Service};
use std::{
    task::{Context, Poll},
    time::Duration,
};
use telemetry::grpc::{ClientLayer, ClientService};
use tonic::transport::{Channel as Transport, Endpoint};
use tower::Layer as _;

/// How long a unary call may take when its caller says nothing else.
pub const DEADLINE: Duration = Duration::from_secs(5);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// A channel for the generated clients: traced, lazily connected, and each unary call carries `grpc-timeout`.
pub type Channel = Deadlines<ClientService<Transport>>;

/// The channel to `service`.
///
/// # Errors
/// When its address is no URI.
pub fn channel(service: Service) -> Result<Channel, tonic::transport::Error> {
    channel_to(config::url_of(service))
}

/// The channel to an address.
///
/// # Errors
/// When the address is no URI.
pub fn channel_to(url: String) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(url)?
        .connect_timeout(CONNECT_TIMEOUT)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_while_idle(true);
    let mut layer = ClientLayer::new().streams(api::STREAMING_METHODS);
    if let (Some(host), Some(port)) = (endpoint.uri().host(), endpoint.uri().port_u16()) {
        layer = layer.server(host, port);
    }
    Ok(Deadlines {
        inner: layer.layer(endpoint.connect_lazy()),
    })
}

/// Gives each unary call the deadline [`DEADLINE`], unless it has one.
#[derive(Debug, Clone)]
pub struct Deadlines<S> {
    inner: S,
}

const GRPC_TIMEOUT: &str = "grpc-timeout";

impl<S, B> tower::Service<http::Request<B>> for Deadlines<S>
where
    S: tower::Service<http::Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let streams = api::STREAMING_METHODS.contains(&request.uri().path());
        if !streams && !request.headers().contains_key(GRPC_TIMEOUT) {
            let milliseconds = format!("{}m", DEADLINE.as_millis());
            if let Ok(value) = http::HeaderValue::from_str(&milliseconds) {
                request.headers_mut().insert(GRPC_TIMEOUT, value);
            }
        }
        self.inner.call(request)
    }
}
