//! The server side of gRPC.

use http::Request;
use opentelemetry::trace::SpanKind;
use tower::Layer;

use super::deadline::{Deadline, store};
use super::exchange::{CallExchange, Side};
use super::{TrustPolicy, is_about_the_server, is_stream, method};
use crate::layers::exchange::{Measured, Protocol};
use crate::layers::hop::Hop;
use crate::metrics::signals::attributes::{SERVER_ADDRESS, SERVER_PORT};
use crate::trace::tracer::Start;

/// A layer that makes a SERVER span and the server metric of every call, and enforces its deadline.
///
/// For `tonic::transport::Server::builder().layer(..)`.
#[derive(Debug, Clone, Default)]
pub struct ServerLayer {
    streams: &'static [&'static str],
    trust: TrustPolicy,
}

/// What [`ServerLayer`] makes of a service.
pub type ServerService<S> = Measured<S, ServerLayer>;

// === impl ServerLayer ===

impl ServerLayer {
    /// A layer for which every method is unary, and that inherits the context of every caller.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares the methods that stream, by their full paths (`/pkg.Service/Method`): they live as long as
    /// their clients like, so they are counted while they are open and kept out of the durations.
    #[must_use]
    pub fn streams(mut self, methods: &'static [&'static str]) -> Self {
        self.streams = methods;
        self
    }

    /// Says whose trace context it goes on from.
    #[must_use]
    pub fn trust(mut self, trust: TrustPolicy) -> Self {
        self.trust = trust;
        self
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Measured::new(inner, self.clone())
    }
}

impl Protocol for ServerLayer {
    type Exchange = CallExchange;

    fn begin<B>(&self, request: &mut Request<B>) -> Option<CallExchange> {
        let uri = request.uri();
        if is_about_the_server(uri.path()) {
            return None;
        }
        let deadline = Deadline::read(request.headers());
        let (mut caller, linked) = self.trust.admit(request.headers());
        caller.context = store(deadline, caller.context);
        let hop = Hop::start(
            Start::below(caller, SpanKind::Server).link(linked),
            || method(uri.path()).to_owned().into(),
            |attributes| {
                if let Some(authority) = uri.authority() {
                    attributes.set(SERVER_ADDRESS, authority.host());
                    if let Some(port) = authority.port_u16() {
                        attributes.set(SERVER_PORT, port);
                    }
                }
            },
        );
        let is_stream = is_stream(self.streams, uri.path());
        let path = uri.path_and_query();
        Some(CallExchange::new(
            hop,
            Side::Server,
            path,
            deadline,
            is_stream,
        ))
    }
}
