//! The server side of HTTP.

use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::MatchedPath;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use http_body::Body;
use opentelemetry::trace::TraceContextExt;
use tower::{Layer, Service};

use super::{method_label, version_text};
use crate::body::{End, Exchange, ResponseFuture, TrackedBody};
use crate::gauge::Held;
use crate::hop::{Abandoned, Hop};
use crate::{context, propagation, signals};

/// The response header that carries the trace id, for whoever reports a problem.
const TRACE_ID_HEADER: &str = "x-trace-id";

/// Whose trace context a server goes on from.
#[derive(Clone, Default)]
pub enum TrustPolicy {
    /// Everybody's: for servers that only their own system can reach.
    #[default]
    Inherit,
    /// Only of callers for whom the function says so, by a credential among the headers. Of everybody else the
    /// context becomes a link, the baggage is dropped, and the sampling flag does not count.
    Boundary(Arc<dyn Fn(&HeaderMap) -> bool + Send + Sync>),
}

/// A layer that makes a SERVER span and the server metrics of every request.
///
/// The span is named after the method and axum's route template; it ends when the response body has ended.
#[derive(Debug, Clone, Default)]
pub struct ServerLayer {
    trust: TrustPolicy,
}

/// What [`ServerLayer`] makes of a service.
#[derive(Debug, Clone)]
pub struct ServerService<S> {
    inner: S,
    trust: TrustPolicy,
}

/// One request and its response, as far as it has come.
#[derive(Debug)]
pub struct ServerExchange {
    hop: Hop,
    method: &'static str,
    route: String,
    status: Option<StatusCode>,
    // An open request or an open stream, counted while this lives.
    held: Held,
    stream: bool,
}

// === impl TrustPolicy ===

impl std::fmt::Debug for TrustPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Inherit => "Inherit",
            Self::Boundary(_) => "Boundary",
        })
    }
}

impl TrustPolicy {
    fn trusts(&self, headers: &HeaderMap) -> bool {
        match self {
            Self::Inherit => true,
            Self::Boundary(trusted) => trusted(headers),
        }
    }
}

// === impl ServerLayer ===

impl ServerLayer {
    /// A layer that inherits the context of every caller.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same, with another policy.
    #[must_use]
    pub fn trust(mut self, trust: TrustPolicy) -> Self {
        self.trust = trust;
        self
    }
}

impl<S> Layer<S> for ServerLayer {
    type Service = ServerService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ServerService {
            inner,
            trust: self.trust.clone(),
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
        let no_body = request.method() == http::Method::HEAD;
        let exchange = ServerExchange::begin(&request, &self.trust);
        let inner = exchange.span().in_scope(|| self.inner.call(request));
        ResponseFuture::new(inner, Some(exchange), no_body)
    }
}

// === impl ServerExchange ===

impl ServerExchange {
    fn begin<B>(request: &Request<B>, trust: &TrustPolicy) -> Self {
        let method = method_label(request.method());
        let route = request
            .extensions()
            .get::<MatchedPath>()
            .map_or("", MatchedPath::as_str)
            .to_owned();
        let name = match (method, route.as_str()) {
            ("_OTHER", "") => "HTTP".to_owned(),
            ("_OTHER", route) => format!("HTTP {route}"),
            (method, "") => method.to_owned(),
            (method, route) => format!("{method} {route}"),
        };
        let span = tracing::info_span!(
            target: "telemetry",
            parent: None,
            "http.server",
            otel.name = name.as_str(),
            otel.kind = "server",
        );
        let remote = propagation::extract(request.headers());
        if trust.trusts(request.headers()) {
            context::adopt(&span, remote);
        } else {
            let linked = context::SavedContext::from_context(&remote);
            context::link(&span, &linked);
        }
        let hop = Hop::new(span);
        hop.set("http.request.method", method);
        if method == "_OTHER" {
            hop.set("http.request.method_original", request.method().to_string());
        }
        if !route.is_empty() {
            hop.set("http.route", route.clone());
        }
        hop.set("url.path", request.uri().path().to_owned());
        hop.set(
            "url.scheme",
            request.uri().scheme_str().unwrap_or("http").to_owned(),
        );
        hop.set("network.protocol.version", version_text(request.version()));
        if let Some(agent) = text(request.headers(), &header::USER_AGENT) {
            hop.set("user_agent.original", agent.to_owned());
        }
        if let Some((host, port)) = authority(request) {
            hop.set("server.address", host);
            if let Some(port) = port {
                hop.set("server.port", i64::from(port));
            }
        }
        let held = Held::new(
            signals::HTTP_SERVER_ACTIVE_REQUESTS.gauge(&[("http.request.method", method)]),
        );
        Self {
            hop,
            method,
            route,
            status: None,
            held,
            stream: false,
        }
    }

    /// Ends the span and records the metrics. `error_type` is empty when all went well.
    fn finish(self, error_type: &str, failure: Option<&str>) {
        let Self {
            hop,
            method,
            route,
            status,
            held,
            stream,
        } = self;
        drop(held);
        hop.end(|hop| {
            if let Some(description) = failure {
                hop.fail(error_type, description);
            } else if !error_type.is_empty() {
                hop.set("error.type", error_type.to_owned());
            }
            if !stream {
                let status = status.as_ref().map_or("", StatusCode::as_str);
                signals::HTTP_SERVER_REQUEST_DURATION
                    .histogram(&[
                        ("http.request.method", method),
                        ("http.route", &route),
                        ("http.response.status_code", status),
                        ("error.type", error_type),
                    ])
                    .record(hop.seconds());
            }
        });
    }

    fn finish_by_status(self) {
        match self.status {
            Some(status) if status.is_server_error() => self.finish(status.as_str(), Some("")),
            _ => self.finish("", None),
        }
    }
}

impl Exchange for ServerExchange {
    fn span(&self) -> &tracing::Span {
        self.hop.span()
    }

    fn head(&mut self, status: StatusCode, _version: http::Version, headers: &mut HeaderMap) {
        self.status = Some(status);
        self.hop
            .set("http.response.status_code", i64::from(status.as_u16()));
        if is_event_stream(headers) {
            self.stream = true;
            self.held =
                Held::new(signals::HTTP_SERVER_OPEN_STREAMS.gauge(&[("http.route", &self.route)]));
        }
        let context = self.hop.context();
        let span = context.span();
        let span = span.span_context();
        if span.is_valid()
            && let Ok(id) = HeaderValue::try_from(span.trace_id().to_string())
        {
            headers.insert(TRACE_ID_HEADER, id);
        }
    }

    fn failed(self, _error: &str) {
        self.finish("service_error", Some(""));
    }

    fn ended(self, end: End<'_>) {
        match end {
            End::Complete | End::Trailers(_) => self.finish_by_status(),
            End::BodyError(_) => self.finish("body_error", Some("")),
            End::Abandoned(Abandoned::Panicked) => {
                self.finish(
                    Abandoned::Panicked.error_type(),
                    Some("the handler panicked"),
                );
            }
            // A client that leaves an event stream is how such a stream ends.
            End::Abandoned(Abandoned::Cancelled) if self.stream => self.finish("", None),
            End::Abandoned(Abandoned::Cancelled) => {
                self.finish(Abandoned::Cancelled.error_type(), None);
            }
        }
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    text(headers, &header::CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("text/event-stream")
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn authority<B>(request: &Request<B>) -> Option<(String, Option<u16>)> {
    let authority = match request.uri().authority() {
        Some(authority) => authority.clone(),
        None => text(request.headers(), &header::HOST)?.parse().ok()?,
    };
    Some((authority.host().to_owned(), authority.port_u16()))
}
