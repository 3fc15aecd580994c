//! The client side of HTTP.

use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body::Body;
use tower::{Layer, Service};

use super::{method_label, version_text};
use crate::body::{End, Exchange, ResponseFuture, TrackedBody};
use crate::hop::{Abandoned, Hop};
use crate::{propagation, signals};

/// A layer that makes a CLIENT span and the client metric of every request, and sends the context along.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClientLayer {
    _private: (),
}

/// What [`ClientLayer`] makes of a client.
#[derive(Debug, Clone)]
pub struct ClientService<S> {
    inner: S,
}

/// One outgoing request and its response, as far as it has come.
#[derive(Debug)]
pub struct ClientExchange {
    hop: Hop,
    method: &'static str,
    address: String,
    port: String,
    status: Option<StatusCode>,
}

// === impl ClientLayer ===

impl ClientLayer {
    /// The layer; there is nothing to set.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ClientService { inner }
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
        let no_body = request.method() == http::Method::HEAD;
        let exchange = ClientExchange::begin(&request);
        propagation::inject(&exchange.hop.context(), request.headers_mut());
        let inner = exchange.span().in_scope(|| self.inner.call(request));
        ResponseFuture::new(inner, Some(exchange), no_body)
    }
}

// === impl ClientExchange ===

impl ClientExchange {
    fn begin<B>(request: &Request<B>) -> Self {
        let method = method_label(request.method());
        let name = if method == "_OTHER" { "HTTP" } else { method };
        let hop = Hop::new(tracing::info_span!(
            target: "telemetry",
            "http.client",
            otel.name = name,
            otel.kind = "client",
        ));
        hop.set("http.request.method", method);
        if method == "_OTHER" {
            hop.set("http.request.method_original", request.method().to_string());
        }
        let uri = request.uri();
        let (address, port) = (uri.host().unwrap_or_default().to_owned(), port(uri));
        hop.set("url.full", redacted(uri));
        hop.set("server.address", address.clone());
        if let Some(port) = port {
            hop.set("server.port", i64::from(port));
        }
        Self {
            hop,
            method,
            address,
            port: port.map(|port| port.to_string()).unwrap_or_default(),
            status: None,
        }
    }

    fn finish(self, error_type: &str, failure: Option<&str>) {
        self.hop.end(|hop| {
            if let Some(description) = failure {
                hop.fail(error_type, description);
            } else if !error_type.is_empty() {
                hop.set("error.type", error_type.to_owned());
            }
            signals::HTTP_CLIENT_REQUEST_DURATION
                .histogram(&[
                    ("http.request.method", self.method),
                    ("server.address", &self.address),
                    ("server.port", &self.port),
                    (
                        "http.response.status_code",
                        self.status.as_ref().map_or("", StatusCode::as_str),
                    ),
                    ("error.type", error_type),
                ])
                .record(hop.seconds());
        });
    }
}

impl Exchange for ClientExchange {
    fn span(&self) -> &tracing::Span {
        self.hop.span()
    }

    fn head(&mut self, status: StatusCode, version: http::Version, _headers: &mut HeaderMap) {
        self.status = Some(status);
        self.hop
            .set("http.response.status_code", i64::from(status.as_u16()));
        self.hop
            .set("network.protocol.version", version_text(version));
    }

    fn failed(self, error: &str) {
        self.finish("connection_error", Some(error));
    }

    fn ended(self, end: End<'_>) {
        match end {
            End::Complete | End::Trailers(_) => match self.status {
                Some(status) if status.is_client_error() || status.is_server_error() => {
                    self.finish(status.as_str(), Some(""));
                }
                _ => self.finish("", None),
            },
            End::BodyError(error) => self.finish("body_error", Some(error)),
            End::Abandoned(how @ Abandoned::Panicked) => {
                self.finish(how.error_type(), Some("the caller panicked"));
            }
            End::Abandoned(how @ Abandoned::Cancelled) => self.finish(how.error_type(), None),
        }
    }
}

/// The address without what may be secret: user, password and query.
fn redacted(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or("http");
    let host = uri.host().unwrap_or_default();
    match uri.port_u16() {
        Some(port) => format!("{scheme}://{host}:{port}{}", uri.path()),
        None => format!("{scheme}://{host}{}", uri.path()),
    }
}

fn port(uri: &Uri) -> Option<u16> {
    uri.port_u16().or_else(|| match uri.scheme_str() {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    })
}
