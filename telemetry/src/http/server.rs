//! The server side of HTTP.

use axum::extract::MatchedPath;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Request, header};
use opentelemetry::KeyValue;
use tower::Layer;

use super::exchange::{Open, RequestExchange, Serving, Side};
use super::{OTHER, TrustPolicy, method_label, version_text};
use crate::exchange::{Measured, Protocol};
use crate::gauge::Held;
use crate::hop::Hop;
use crate::signals;

/// A layer that makes a SERVER span and the server metrics of every request.
///
/// The span is named after the method and axum's route template; it ends when the response body has ended.
#[derive(Debug, Clone, Default)]
pub struct ServerLayer {
    trust: TrustPolicy,
}

/// What [`ServerLayer`] makes of a service.
pub type ServerService<S> = Measured<S, ServerLayer>;

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
        Measured::new(inner, self.clone())
    }
}

impl Protocol for ServerLayer {
    type Exchange = RequestExchange;

    fn begin<B>(&self, request: &mut Request<B>) -> Option<RequestExchange> {
        let method = method_label(request.method());
        let route = request.extensions().get::<MatchedPath>().cloned();
        let verb = if method == OTHER { "HTTP" } else { method };
        let name = route
            .as_ref()
            .map(|route| format!("{verb} {}", route.as_str()));
        let span = tracing::info_span!(
            target: "telemetry",
            parent: None,
            "http.server",
            otel.name = name.as_deref().unwrap_or(verb),
            otel.kind = "server",
        );
        self.trust
            .admit(&span, request.headers(), |context| context);
        let hop = Hop::new(span);
        let version = version_text(request.version());
        let scheme = scheme(request);
        hop.describe(|| {
            let mut attributes = vec![
                KeyValue::new("http.request.method", method),
                KeyValue::new("url.path", request.uri().path().to_owned()),
                KeyValue::new("url.scheme", scheme),
                KeyValue::new("network.protocol.version", version),
            ];
            if method == OTHER {
                let original = request.method().to_string();
                attributes.push(KeyValue::new("http.request.method_original", original));
            }
            if let Some(route) = &route {
                attributes.push(KeyValue::new("http.route", route.as_str().to_owned()));
            }
            if let Some(agent) = text(request.headers(), &header::USER_AGENT) {
                attributes.push(KeyValue::new("user_agent.original", agent.to_owned()));
            }
            if let Some(authority) = authority(request) {
                let host = authority.host().to_owned();
                attributes.push(KeyValue::new("server.address", host));
                if let Some(port) = authority.port_u16() {
                    attributes.push(KeyValue::new("server.port", i64::from(port)));
                }
            }
            attributes
        });
        let held = Held::new(
            signals::HTTP_SERVER_ACTIVE_REQUESTS
                .gauge(&[("http.request.method", method), ("url.scheme", scheme)]),
        );
        Some(RequestExchange {
            hop,
            method,
            version,
            status: None,
            side: Side::Server(Serving {
                route,
                scheme,
                open: Open::Request { _held: held },
            }),
        })
    }
}

/// The scheme of the request. It is the caller's word, so that it becomes one of two.
fn scheme<B>(request: &Request<B>) -> &'static str {
    if request.uri().scheme() == Some(&Scheme::HTTPS) {
        "https"
    } else {
        "http"
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn authority<B>(request: &Request<B>) -> Option<Authority> {
    match request.uri().authority() {
        Some(authority) => Some(authority.clone()),
        None => text(request.headers(), &header::HOST)?.parse().ok(),
    }
}
