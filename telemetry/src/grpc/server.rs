//! The server side of gRPC.

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
use crate::{context, propagation, signals};

/// A layer that makes a SERVER span and the server metric of every call.
///
/// For `tonic::transport::Server::builder().layer(..)`.
#[derive(Debug, Clone, Copy, Default)]
pub struct ServerLayer {
    streams: &'static [&'static str],
}

/// What [`ServerLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct ServerService<S> {
    inner: S,
    streams: &'static [&'static str],
}

/// One call and its response, as far as it has come.
#[derive(Debug)]
pub struct ServerExchange {
    hop: Hop,
    method: String,
    deadline: Deadline,
    http_status: Option<StatusCode>,
    // The status of a response that has no body.
    early: Option<Status>,
    stream: Option<Held>,
}

// === impl ServerLayer ===

impl ServerLayer {
    /// A layer for which every method is unary.
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
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServerService {
            inner,
            streams: self.streams,
        }
    }
}

// === impl ServerService ===

impl<S, B, R> Service<Request<B>> for ServerService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Error: std::fmt::Display,
    R: Body,
{
    type Response = Response<TrackedBody<R, ServerExchange>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ServerExchange>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if method(request.uri().path()).starts_with(HEALTH) {
            return ResponseFuture::new(self.inner.call(request), None, false);
        }
        let exchange = ServerExchange::begin(&request, self.streams);
        let inner = exchange.span().in_scope(|| self.inner.call(request));
        ResponseFuture::new(inner, Some(exchange), false)
    }
}

// === impl ServerExchange ===

impl ServerExchange {
    fn begin<B>(request: &Request<B>, streams: &[&str]) -> Self {
        let method = method(request.uri().path()).to_owned();
        let span = tracing::info_span!(
            target: "telemetry",
            parent: None,
            "rpc.server",
            otel.name = method.as_str(),
            otel.kind = "server",
        );
        context::adopt(&span, propagation::extract(request.headers()));
        let hop = Hop::new(span);
        hop.set("rpc.system.name", "grpc");
        hop.set("rpc.method", method.clone());
        if let Some(authority) = request.uri().authority() {
            hop.set("server.address", authority.host().to_owned());
            if let Some(port) = authority.port_u16() {
                hop.set("server.port", i64::from(port));
            }
        }
        let stream = is_stream(streams, &method)
            .then(|| Held::new(signals::RPC_SERVER_OPEN_STREAMS.gauge(&[("rpc.method", &method)])));
        Self {
            hop,
            method,
            deadline: Deadline::read(request.headers()),
            http_status: None,
            early: None,
            stream,
        }
    }

    fn finish(self, status: Status, error_type: Option<&'static str>) {
        let Self {
            hop,
            method,
            stream,
            ..
        } = self;
        let is_stream = stream.is_some();
        drop(stream);
        let error_type = error_type.unwrap_or(if status == Status::OK {
            ""
        } else {
            status.name()
        });
        hop.end(|hop| {
            hop.set("rpc.response.status_code", status.name());
            if status.is_server_fault() {
                hop.fail(error_type, "");
            } else if !error_type.is_empty() {
                hop.set("error.type", error_type);
            }
            if !is_stream {
                // Anybody can call methods that do not exist, by names without bound.
                let method = match status {
                    Status::UNIMPLEMENTED => "_OTHER",
                    _ => &method,
                };
                signals::RPC_SERVER_CALL_DURATION
                    .histogram(&[
                        ("rpc.method", method),
                        ("rpc.response.status_code", status.name()),
                        ("error.type", error_type),
                    ])
                    .record(hop.seconds());
            }
        });
    }

    /// The status when the body ended and brought none.
    fn status_without_trailers(&self) -> Status {
        self.early.unwrap_or_else(|| match self.http_status {
            Some(StatusCode::OK) | None => Status::UNKNOWN,
            Some(status) => Status::of_http(status),
        })
    }
}

impl Exchange for ServerExchange {
    fn span(&self) -> &tracing::Span {
        self.hop.span()
    }

    fn head(&mut self, status: StatusCode, _version: http::Version, headers: &mut HeaderMap) {
        self.http_status = Some(status);
        self.early = Status::read(headers);
    }

    fn failed(self, _error: &str) {
        self.finish(Status::UNKNOWN, Some("service_error"));
    }

    fn ended(self, end: End<'_>) {
        match end {
            End::Complete => {
                let status = self.status_without_trailers();
                self.finish(status, None);
            }
            End::Trailers(trailers) => {
                let status = Status::read(trailers).unwrap_or(self.status_without_trailers());
                self.finish(status, None);
            }
            End::BodyError(_) => self.finish(Status::UNKNOWN, Some("body_error")),
            End::Abandoned(how @ Abandoned::Panicked) => {
                self.finish(Status::UNKNOWN, Some(how.error_type()));
            }
            // A response of headers only has its status there, and its body is not always polled.
            End::Abandoned(Abandoned::Cancelled) if self.early.is_some() => {
                let status = self.status_without_trailers();
                self.finish(status, None);
            }
            End::Abandoned(Abandoned::Cancelled) if self.deadline.has_passed() => {
                self.finish(Status::DEADLINE_EXCEEDED, None);
            }
            // Leaving a stream is how its reader ends it.
            End::Abandoned(Abandoned::Cancelled) if self.stream.is_some() => {
                self.finish(Status::CANCELLED, Some(""));
            }
            End::Abandoned(how @ Abandoned::Cancelled) => {
                self.finish(Status::CANCELLED, Some(how.error_type()));
            }
        }
    }
}
