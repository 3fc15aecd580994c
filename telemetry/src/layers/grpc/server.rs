//! The server side of gRPC.

use http::Request;
use opentelemetry::trace::SpanKind;
use tower::Layer;

use super::deadline::{Deadline, store};
use super::exchange::{CallExchange, GRPC, Name, Side};
use super::methods::{InvalidDescriptors, Methods};
use super::{TrustPolicy, is_about_the_server, is_call, is_stream, method, served};
use crate::layers::exchange::{Measured, Protocol};
use crate::layers::headers::bare_host;
use crate::layers::hop::Hop;
use crate::metrics::signals::attributes::{SERVER_ADDRESS, SERVER_PORT};
use crate::trace::tracer::Start;

/// A layer that makes a SERVER span and the server metric of every call, and enforces its deadline.
///
/// For `tonic::transport::Server::builder().layer(..)`, or for an axum router. What is no call of gRPC passes through it
/// unmeasured.
///
/// A method's name is a label and the name of its spans, so it must be one that the server has: anybody can call others.
/// Declare them with [`methods`](Self::methods) or [`descriptors`](Self::descriptors). Without that, a name counts once
/// its method has answered OK, for at most 200 methods. Any other method is `_OTHER`, its span `grpc`.
#[derive(Debug, Clone, Default)]
pub struct ServerLayer {
    methods: Methods,
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

    /// Declares the methods of the server, by their full paths (`/pkg.Service/Method`). Any other method is `_OTHER`.
    #[must_use]
    pub fn methods<P: AsRef<str>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.methods = self.methods.with(paths, true);
        self
    }

    /// Declares the methods of the server by a `google.protobuf.FileDescriptorSet`, which `tonic-build` writes to
    /// `file_descriptor_set_path`. Any other method is `_OTHER`.
    pub fn descriptors(mut self, set: &[u8]) -> Result<Self, InvalidDescriptors> {
        self.methods = self.methods.described(set)?;
        Ok(self)
    }

    /// Declares the methods that stream, by their full paths (`/pkg.Service/Method`): they live as long as
    /// their clients like, so they are counted while they are open and kept out of the durations.
    #[must_use]
    pub fn streams(mut self, methods: &'static [&'static str]) -> Self {
        self.methods = self.methods.with(methods, false);
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
        served::note();
        Measured::new(inner, self.clone())
    }
}

impl Protocol for ServerLayer {
    type Exchange = CallExchange;

    fn begin<B>(&self, request: &mut Request<B>) -> Option<CallExchange> {
        let uri = request.uri();
        if !is_call(request) || is_about_the_server(uri.path()) {
            return None;
        }
        let full_name = method(uri.path());
        let name = if self.methods.has(full_name) {
            Name::Known
        } else {
            Name::Unknown(self.methods.clone())
        };
        let deadline = Deadline::read(request.headers());
        let (mut caller, linked) = self.trust.admit(request.headers());
        caller.context = store(deadline, caller.context);
        let hop = Hop::start(
            Start::below(caller, SpanKind::Server).link(linked),
            || match name {
                Name::Known => full_name.to_owned().into(),
                Name::Unknown(_) => GRPC.into(),
            },
            |attributes| {
                if let Some(authority) = uri.authority() {
                    attributes.set(SERVER_ADDRESS, bare_host(authority.host()));
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
            Side::Server(name),
            path,
            deadline,
            is_stream,
        ))
    }
}
