//! The client side of HTTP.

use std::marker::PhantomData;

use http::uri::Authority;
use http::{HeaderMap, Method, Request, Uri, header};
use opentelemetry::trace::SpanKind;
use tower::Layer;

use super::exchange::{Calling, ClientErrors, RequestExchange, Side};
use super::resends::Attempts;
use super::{method_of, url, verb};
use crate::layers::causes::TypedErrors;
use crate::layers::exchange::{Measured, Protocol};
use crate::layers::hop::Hop;
use crate::metrics::signals::attributes::{
    HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, HTTP_REQUEST_RESEND_COUNT, SERVER_ADDRESS,
    SERVER_PORT, URL_FULL,
};
use crate::metrics::signals::{FromCode, HttpRequestMethod};
use crate::trace::propagation;
use crate::trace::tracer::Start;

/// A layer that makes a CLIENT span and the client metric of every request, and sends the context along.
///
/// `S` and `B` say how the errors of the service and of the response's body are read: as they are
/// ([`TypedErrors`]) or out of their boxes ([`BoxedErrors`](super::BoxedErrors)). They are inferred.
#[derive(Debug, Clone, Copy)]
pub struct ClientLayer<S = TypedErrors, B = TypedErrors> {
    query: bool,
    known_hosts: Option<&'static [&'static str]>,
    errors: PhantomData<fn() -> (S, B)>,
}

/// What [`ClientLayer`] makes of a client.
pub type ClientService<C, S = TypedErrors, B = TypedErrors> = Measured<C, ClientLayer<S, B>>;

/// What is told of a request from its start.
pub(super) struct Asked<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    /// How many times it was sent before; nothing for the first time.
    pub(super) resend_count: Option<i64>,
}

// === impl ClientLayer ===

impl<S, B> ClientLayer<S, B> {
    /// A layer that does not record queries.
    pub fn new() -> Self {
        Self {
            query: false,
            known_hosts: None,
            errors: PhantomData,
        }
    }

    /// Keeps the query in `url.full`, but for the values of the keys that are known to be secret.
    #[must_use]
    pub fn query(mut self) -> Self {
        self.query = true;
        self
    }

    /// The hosts that have a `server.address` of their own in the metric; all others are `_OTHER` there. For clients
    /// that send to whatever address their users give them, such as webhooks.
    #[must_use]
    pub fn known_hosts(mut self, hosts: &'static [&'static str]) -> Self {
        self.known_hosts = Some(hosts);
        self
    }

    /// The same as [`Layer::layer`], for callers that do not import `tower`.
    pub fn layer<C>(&self, inner: C) -> ClientService<C, S, B> {
        Layer::layer(self, inner)
    }

    /// Starts the exchange of a request.
    pub(super) fn start(&self, asked: &Asked<'_>) -> RequestExchange<ClientErrors<S, B>> {
        let uri = asked.uri;
        let method = method_of(asked.method);
        let authority = uri.authority().cloned().or_else(|| host(asked.headers));
        let calling = Calling {
            port: authority.as_ref().and_then(|at| port(uri, at)),
            authority,
            known_hosts: self.known_hosts,
        };
        let hop = Hop::start(
            Start::here(SpanKind::Client),
            || verb(method).into(),
            |attributes| {
                attributes.set(HTTP_REQUEST_METHOD, method);
                let full = url::full(uri, calling.authority.as_ref(), self.query);
                attributes.set(URL_FULL, FromCode(&full));
                attributes.set(SERVER_ADDRESS, calling.host().unwrap_or_default());
                if let Some(port) = calling.port {
                    attributes.set(SERVER_PORT, port);
                }
                if method == HttpRequestMethod::Other {
                    attributes.set(HTTP_REQUEST_METHOD_ORIGINAL, asked.method.as_str());
                }
                if let Some(count) = asked.resend_count {
                    attributes.set(HTTP_REQUEST_RESEND_COUNT, count);
                }
            },
        );
        RequestExchange {
            hop,
            method,
            version: None,
            status: None,
            side: Side::Client(calling),
            panicked: false,
            errors: PhantomData,
        }
    }
}

impl<S, B> Default for ClientLayer<S, B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C, S, B> Layer<C> for ClientLayer<S, B> {
    type Service = ClientService<C, S, B>;

    fn layer(&self, inner: C) -> Self::Service {
        let layer = Self {
            errors: PhantomData,
            ..*self
        };
        Measured::new(inner, layer)
    }
}

impl<S, B> Protocol for ClientLayer<S, B> {
    type Exchange = RequestExchange<ClientErrors<S, B>>;

    fn begin<T>(&self, request: &mut Request<T>) -> Option<Self::Exchange> {
        let exchange = self.start(&Asked {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
            resend_count: request
                .extensions()
                .get::<Attempts>()
                .and_then(Attempts::next),
        });
        propagation::inject(&exchange.hop.context(), request.headers_mut());
        Some(exchange)
    }
}

/// The server of a request whose URI does not name it, as in the form that HTTP/1.1 sends.
fn host(headers: &HeaderMap) -> Option<Authority> {
    Authority::try_from(headers.get(header::HOST)?.as_bytes()).ok()
}

fn port(uri: &Uri, authority: &Authority) -> Option<u16> {
    authority.port_u16().or_else(|| match uri.scheme_str() {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    })
}
