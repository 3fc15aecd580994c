//! The client side of gRPC.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use opentelemetry::trace::SpanKind;
use tonic::transport::Endpoint;
use tower::Layer;

use super::deadline::Deadline;
use super::exchange::{CallExchange, Server, Side};
use super::{is_about_the_server, is_stream, method};
use crate::layers::exchange::{Measured, Protocol};
use crate::layers::hop::Hop;
use crate::metrics::signals::attributes::{SERVER_ADDRESS, SERVER_PORT};
use crate::trace::propagation;
use crate::trace::tracer::Start;

/// A layer that makes a CLIENT span and the client metric of every call, sends the context along, and gives each
/// call its deadline.
///
/// For a `tonic::transport::Channel`; a generated client takes what it makes of one.
#[derive(Debug, Clone, Default)]
pub struct ClientLayer {
    streams: &'static [&'static str],
    server: Option<Server>,
    deadline: Option<Duration>,
}

/// What [`ClientLayer`] makes of a channel.
pub type ClientService<S> = Measured<S, ClientLayer>;

// === impl ClientLayer ===

impl ClientLayer {
    /// A layer for which every method is unary.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares the methods that stream, by their full paths (`/pkg.Service/Method`), as on the server.
    #[must_use]
    pub fn streams(mut self, methods: &'static [&'static str]) -> Self {
        self.streams = methods;
        self
    }

    /// Names the server that is called (`server.address`, `server.port`), when the URI of the endpoint does not.
    #[must_use]
    pub fn server(mut self, address: impl AsRef<str>, port: u16) -> Self {
        self.server = Some(Server::Named {
            host: Arc::from(address.as_ref()),
            port,
        });
        self
    }

    /// Takes `server.address` and `server.port` from the endpoint that the channel is made of. Neither a channel nor its
    /// requests say it, but for those of a client with an origin (`with_origin`).
    ///
    /// ```
    /// use telemetry::grpc::ClientLayer;
    /// use tonic::transport::Channel;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let endpoint = Channel::from_static("http://127.0.0.1:50052");
    /// let channel = ClientLayer::to(&endpoint).layer(endpoint.connect_lazy());
    /// # drop(channel);
    /// # }
    /// ```
    #[must_use]
    pub fn to(endpoint: &Endpoint) -> Self {
        Self {
            server: Server::of(endpoint.uri()),
            ..Self::default()
        }
    }

    /// How long a call may take that does not stream, when neither it nor the call on whose behalf it is made has
    /// a deadline that ends sooner.
    #[must_use]
    pub fn deadline(mut self, budget: Duration) -> Self {
        self.deadline = Some(budget);
        self
    }

    /// The same as [`Layer::layer`], for callers that do not import `tower`.
    pub fn layer<S>(&self, inner: S) -> ClientService<S> {
        Layer::layer(self, inner)
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Measured::new(inner, self.clone())
    }
}

impl Protocol for ClientLayer {
    type Exchange = CallExchange;

    fn begin<B>(&self, request: &mut Request<B>) -> Option<CallExchange> {
        let path = request.uri().path();
        if is_about_the_server(path) {
            return None;
        }
        let is_stream = is_stream(self.streams, path);
        let server = self.server.clone().or_else(|| Server::of(request.uri()));
        let hop = Hop::start(
            Start::here(SpanKind::Client),
            || method(path).to_owned().into(),
            |attributes| {
                if let Some(server) = &server {
                    attributes.set(SERVER_ADDRESS, server.host());
                    if let Some(port) = server.port() {
                        attributes.set(SERVER_PORT, port);
                    }
                }
            },
        );
        let default = self.deadline.filter(|_| !is_stream);
        let deadline = Deadline::send(request.headers_mut(), default);
        propagation::inject(&hop.context(), request.headers_mut());
        let side = Side::Client(server);
        let path = request.uri().path_and_query();
        Some(CallExchange::new(hop, side, path, deadline, is_stream))
    }
}
