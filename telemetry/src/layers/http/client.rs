//! The client side of HTTP.

use http::{Request, Uri};
use opentelemetry::trace::SpanKind;
use tower::Layer;

use super::exchange::{Calling, RequestExchange, Side};
use super::{method_of, url, verb};
use crate::layers::exchange::{Measured, Protocol};
use crate::layers::hop::Hop;
use crate::metrics::signals::HttpRequestMethod;
use crate::metrics::signals::attributes::{
    HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL, SERVER_ADDRESS, SERVER_PORT, URL_FULL,
};
use crate::trace::propagation;
use crate::trace::tracer::Start;

/// A layer that makes a CLIENT span and the client metric of every request, and sends the context along.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClientLayer {
    query: bool,
}

/// What [`ClientLayer`] makes of a client.
pub type ClientService<S> = Measured<S, ClientLayer>;

// === impl ClientLayer ===

impl ClientLayer {
    /// A layer that keeps queries to itself.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the query in `url.full`, but for the values of the keys that are known to be secret.
    #[must_use]
    pub fn query(mut self) -> Self {
        self.query = true;
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
        Measured::new(inner, *self)
    }
}

impl Protocol for ClientLayer {
    type Exchange = RequestExchange;

    fn begin<B>(&self, request: &mut Request<B>) -> Option<RequestExchange> {
        let method = method_of(request.method());
        let uri = request.uri();
        let calling = Calling {
            authority: uri.authority().cloned(),
            port: port(uri),
        };
        let hop = Hop::start(
            Start::here(SpanKind::Client),
            || verb(method).into(),
            |attributes| {
                attributes.set(HTTP_REQUEST_METHOD, method);
                attributes.set(URL_FULL, &url::full(uri, self.query));
                attributes.set(SERVER_ADDRESS, calling.host());
                if let Some(port) = calling.port {
                    attributes.set(SERVER_PORT, port);
                }
                if method == HttpRequestMethod::Other {
                    attributes.set(HTTP_REQUEST_METHOD_ORIGINAL, request.method().as_str());
                }
            },
        );
        propagation::inject(&hop.context(), request.headers_mut());
        Some(RequestExchange {
            hop,
            method,
            version: None,
            status: None,
            side: Side::Client(calling),
        })
    }
}

fn port(uri: &Uri) -> Option<u16> {
    uri.port_u16().or_else(|| match uri.scheme_str() {
        Some("http") => Some(80),
        Some("https") => Some(443),
        _ => None,
    })
}
