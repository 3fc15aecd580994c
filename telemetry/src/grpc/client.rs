//! The client side of gRPC.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use tower::{Layer, Service};

use super::deadline::Deadline;
use super::status::Status;
use super::{HEALTH, is_stream, method};
use crate::body::{End, Exchange, ResponseFuture, TrackedBody};
use crate::gauge::Held;
use crate::hop::{Abandoned, Hop};
use crate::{propagation, signals};

/// A layer that makes a CLIENT span and the client metric of every call, and sends the context along.
///
/// For a `tonic::transport::Channel`; a generated client takes what it makes of one.
#[derive(Debug, Clone, Default)]
pub struct ClientLayer {
    streams: &'static [&'static str],
    server: Option<(Arc<str>, u16)>,
}

/// What [`ClientLayer`] makes of a channel.
#[derive(Debug, Clone)]
pub struct ClientService<S> {
    inner: S,
    layer: ClientLayer,
}

/// One outgoing call and its response, as far as it has come.
#[derive(Debug)]
pub struct ClientExchange {
    hop: Hop,
    method: String,
    deadline: Deadline,
    http_status: Option<StatusCode>,
    early: Option<Status>,
    stream: Option<Held>,
}

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

    /// Names the server that is called (`server.address`, `server.port`): a channel's requests do not say it.
    #[must_use]
    pub fn server(mut self, address: impl Into<Arc<str>>, port: u16) -> Self {
        self.server = Some((address.into(), port));
        self
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ClientService {
            inner,
            layer: self.clone(),
        }
    }
}

// === impl ClientService ===

impl<S, B, R> Service<Request<B>> for ClientService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: std::fmt::Display,
    R: Body,
{
    type Response = Response<TrackedBody<R, ClientExchange>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ClientExchange>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if method(request.uri().path()).starts_with(HEALTH) {
            return ResponseFuture::new(self.inner.call(request), None, false);
        }
        let exchange = ClientExchange::begin(&request, &self.layer);
        propagation::inject(&exchange.hop.context(), request.headers_mut());
        let inner = exchange.span().in_scope(|| self.inner.call(request));
        ResponseFuture::new(inner, Some(exchange), false)
    }
}

// === impl ClientExchange ===

impl ClientExchange {
    fn begin<B>(request: &Request<B>, layer: &ClientLayer) -> Self {
        let method = method(request.uri().path()).to_owned();
        let hop = Hop::new(tracing::info_span!(
            target: "telemetry",
            "rpc.client",
            otel.name = method.as_str(),
            otel.kind = "client",
        ));
        hop.set("rpc.system.name", "grpc");
        hop.set("rpc.method", method.clone());
        if let Some((address, port)) = &layer.server {
            hop.set("server.address", Arc::clone(address));
            hop.set("server.port", i64::from(*port));
        }
        let stream = is_stream(layer.streams, &method)
            .then(|| Held::new(signals::RPC_CLIENT_OPEN_STREAMS.gauge(&[("rpc.method", &method)])));
        Self {
            hop,
            method,
            deadline: Deadline::read(request.headers()),
            http_status: None,
            early: None,
            stream,
        }
    }

    /// `status` is none when the call came to no answer.
    fn finish(self, status: Option<Status>, error_type: Option<&'static str>, description: &str) {
        let Self {
            hop,
            method,
            stream,
            ..
        } = self;
        let is_stream = stream.is_some();
        drop(stream);
        let failed = status.filter(|status| *status != Status::OK);
        let error_type = error_type.or(failed.map(Status::name)).unwrap_or_default();
        hop.end(|hop| {
            if let Some(status) = status {
                hop.set("rpc.response.status_code", status.name());
            }
            if !error_type.is_empty() {
                hop.fail(error_type, description);
            }
            if !is_stream {
                signals::RPC_CLIENT_CALL_DURATION
                    .histogram(&[
                        ("rpc.method", &method),
                        (
                            "rpc.response.status_code",
                            status.map(Status::name).unwrap_or_default(),
                        ),
                        ("error.type", error_type),
                    ])
                    .record(hop.seconds());
            }
        });
    }

    fn status_without_trailers(&self) -> Status {
        self.early.unwrap_or_else(|| match self.http_status {
            Some(StatusCode::OK) | None => Status::UNKNOWN,
            Some(status) => Status::of_http(status),
        })
    }
}

impl Exchange for ClientExchange {
    fn span(&self) -> &tracing::Span {
        self.hop.span()
    }

    fn head(&mut self, status: StatusCode, _version: http::Version, headers: &mut HeaderMap) {
        self.http_status = Some(status);
        self.early = Status::read(headers);
    }

    fn failed(self, error: &str) {
        if self.deadline.has_passed() {
            self.finish(Some(Status::DEADLINE_EXCEEDED), None, error);
            return;
        }
        self.finish(None, Some("connection_error"), error);
    }

    fn ended(self, end: End<'_>) {
        match end {
            End::Complete => {
                let status = self.status_without_trailers();
                self.finish(Some(status), None, "");
            }
            End::Trailers(trailers) => {
                let status = Status::read(trailers).unwrap_or(self.status_without_trailers());
                self.finish(Some(status), None, "");
            }
            End::BodyError(error) => self.finish(None, Some("body_error"), error),
            End::Abandoned(how @ Abandoned::Panicked) => {
                self.finish(None, Some(how.error_type()), "the caller panicked");
            }
            End::Abandoned(Abandoned::Cancelled) if self.early.is_some() => {
                let status = self.status_without_trailers();
                self.finish(Some(status), None, "");
            }
            End::Abandoned(Abandoned::Cancelled) if self.deadline.has_passed() => {
                self.finish(Some(Status::DEADLINE_EXCEEDED), None, "");
            }
            // Leaving a stream is how its reader ends it.
            End::Abandoned(Abandoned::Cancelled) if self.stream.is_some() => {
                self.finish(Some(Status::OK), None, "");
            }
            End::Abandoned(how @ Abandoned::Cancelled) => {
                self.finish(Some(Status::CANCELLED), Some(how.error_type()), "");
            }
        }
    }
}
