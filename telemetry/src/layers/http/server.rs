//! The server side of HTTP.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, MatchedPath, OriginalUri};
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, Method, Request, Uri, header};
use opentelemetry::trace::SpanKind;
use opentelemetry::{Key, KeyValue, StringValue, Value};
use tower::Layer;

use super::exchange::{Open, RequestExchange, Serving, Side, Sizes};
use super::proxies::{Origin, TrustedProxies};
use super::skip::Skip;
use super::{TrustPolicy, method_of, url, verb, version_of};
use crate::layers::exchange::{Measured, Protocol};
use crate::layers::headers::{bare_host, content_length};
use crate::layers::hop::Hop;
use crate::metrics::gauge::Held;
use crate::metrics::signals::attributes::{
    CLIENT_ADDRESS, HTTP_REQUEST_HEADER, HTTP_REQUEST_METHOD, HTTP_REQUEST_METHOD_ORIGINAL,
    HTTP_ROUTE, NETWORK_PEER_ADDRESS, NETWORK_PEER_PORT, NETWORK_PROTOCOL_VERSION, SERVER_ADDRESS,
    SERVER_PORT, URL_PATH, URL_QUERY, URL_SCHEME, USER_AGENT_ORIGINAL,
};
use crate::metrics::signals::{FromCode, HttpRequestMethod, HttpServerActiveRequests, UrlScheme};
use crate::trace::tracer::Start;
use crate::trace::wire::Attributes;

/// A layer that makes a SERVER span and the server metrics of every request.
///
/// The span is named after the method and axum's route template; it ends when the response body has ended.
#[derive(Debug, Clone, Default)]
pub struct ServerLayer {
    trust: TrustPolicy,
    skipped: Skip,
    proxies: Option<TrustedProxies>,
    headers: Arc<[(HeaderName, Key)]>,
    query: bool,
    client_address: bool,
    body_sizes: bool,
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

    /// Requests to these paths make no span and count in no metric: probes, scrapes and idle polls.
    #[must_use]
    pub fn skip(mut self, paths: &'static [&'static str]) -> Self {
        self.skipped.paths = paths;
        self
    }

    /// Skips the requests whose paths begin with these segments as well: `/static` is for `/static` and `/static/a.css`,
    /// and not for `/statics`.
    #[must_use]
    pub fn skip_prefixes(mut self, prefixes: &'static [&'static str]) -> Self {
        self.skipped.prefixes = prefixes;
        self
    }

    /// Skips the requests for which `predicate` holds as well. It runs for each request, before anything else does.
    #[must_use]
    pub fn skip_if(
        mut self,
        predicate: impl Fn(&Method, &Uri, &HeaderMap) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.skipped.predicate = Some(Arc::new(predicate));
        self
    }

    /// Believes what these proxies say of a request: `url.scheme`, `server.address`, `server.port`, and
    /// `client.address` when [that](Self::client_address) is recorded.
    ///
    /// A proxy is known by the address that it connects from, so that the service must be served with axum's
    /// `ConnectInfo<SocketAddr>`. Without this nobody's `Forwarded` or `X-Forwarded-*` counts.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = Some(proxies);
        self
    }

    /// Records these headers of requests as `http.request.header.{name}`. No other header's value is recorded.
    #[must_use]
    pub fn request_headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.headers = names
            .into_iter()
            .map(|name| {
                let key = HTTP_REQUEST_HEADER.key(name.as_str());
                (name, key)
            })
            .collect();
        self
    }

    /// Records `url.query`, but for the values of the keys that are known to be secret.
    #[must_use]
    pub fn query(mut self) -> Self {
        self.query = true;
        self
    }

    /// Records the address of the peer (`client.address`, `network.peer.address`, `network.peer.port`), when the
    /// service is served with axum's `ConnectInfo<SocketAddr>`.
    ///
    /// It is personal data, which is why it must be asked for. What headers say of a client behind a proxy is
    /// anybody's claim, and not recorded unless the proxy is [trusted](Self::trusted_proxies).
    #[must_use]
    pub fn client_address(mut self) -> Self {
        self.client_address = true;
        self
    }

    /// Records the sizes of bodies: `http.server.request.body.size`, which is known from `Content-Length` only,
    /// `http.server.response.body.size`, and the attributes of the span.
    #[must_use]
    pub fn body_sizes(mut self) -> Self {
        self.body_sizes = true;
        self
    }

    /// What a trusted proxy says of the request, if one has sent it.
    fn origin<'a, B>(&self, request: &'a Request<B>) -> Option<Origin<'a>> {
        let proxies = self.proxies.as_ref()?;
        let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
        proxies.origin(peer.ip(), request.headers())
    }

    /// What the span of a request says from its start.
    fn describe<B>(
        &self,
        request: &Request<B>,
        scheme: UrlScheme,
        origin: Option<&Origin<'_>>,
        attributes: &mut Attributes<'_>,
    ) {
        let (uri, headers) = (whole_uri(request), request.headers());
        let method = method_of(request.method());
        attributes.set(HTTP_REQUEST_METHOD, method);
        attributes.set(URL_PATH, uri.path());
        attributes.set(URL_SCHEME, scheme);
        attributes.set(NETWORK_PROTOCOL_VERSION, version_of(request.version()));
        if method == HttpRequestMethod::Other {
            attributes.set(HTTP_REQUEST_METHOD_ORIGINAL, request.method().as_str());
        }
        if let Some(route) = route_of(request) {
            attributes.set(HTTP_ROUTE, FromCode(route.as_str()));
        }
        if let Some(query) = uri.query().filter(|_| self.query) {
            attributes.set(URL_QUERY, &*url::query(query));
        }
        if let Some(agent) = text(headers, &header::USER_AGENT) {
            attributes.set(USER_AGENT_ORIGINAL, agent);
        }
        if let Some((host, port)) = server(request, origin) {
            attributes.set(SERVER_ADDRESS, bare_host(host));
            if let Some(port) = port {
                attributes.set(SERVER_PORT, port);
            }
        }
        if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>()
            && self.client_address
        {
            let address = peer.ip().to_string();
            match origin.and_then(|origin| origin.client) {
                Some(client) => attributes.set(CLIENT_ADDRESS, client.to_string()),
                None => attributes.set(CLIENT_ADDRESS, &address),
            }
            attributes.set(NETWORK_PEER_ADDRESS, &address);
            attributes.set(NETWORK_PEER_PORT, peer.port());
        }
        for (name, key) in self.headers.iter() {
            let values: Vec<StringValue> = headers
                .get_all(name)
                .iter()
                .filter_map(|value| Some(value.to_str().ok()?.to_owned().into()))
                .collect();
            if !values.is_empty() {
                attributes.put(&KeyValue::new(key.clone(), Value::Array(values.into())));
            }
        }
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
        let uri = whole_uri(request);
        if self.skipped.has(request.method(), uri, request.headers()) {
            return None;
        }
        #[cfg(feature = "grpc")]
        if crate::layers::grpc::served::takes(request) {
            return None;
        }
        let origin = self.origin(request);
        let scheme = match origin.as_ref().and_then(|origin| origin.scheme) {
            Some(scheme) => scheme,
            None => scheme_of(whole_uri(request)),
        };
        let method = method_of(request.method());
        let route = route_of(request).cloned();
        let (caller, linked) = self.trust.admit(request.headers());
        let mut start = Start::below(caller, SpanKind::Server);
        if linked.is_some() {
            start = start.link(linked);
        }
        let name = || {
            let verb = verb(method);
            match &route {
                Some(route) => [verb, " ", route.as_str()].concat().into(),
                None => verb.into(),
            }
        };
        let hop = Hop::start(start, name, |attributes| {
            self.describe(request, scheme, origin.as_ref(), attributes);
        });
        let active = HttpServerActiveRequests {
            http_request_method: method,
            url_scheme: scheme,
        };
        Some(RequestExchange {
            hop,
            method,
            version: Some(version_of(request.version())),
            status: None,
            side: Side::Server(Serving {
                route,
                scheme,
                open: Open::Request {
                    _held: Held::new(active.gauge()),
                },
                sizes: self.body_sizes.then(|| Sizes {
                    request: content_length(request.headers()),
                    response: 0,
                }),
            }),
            panicked: false,
            errors: PhantomData,
        })
    }
}

/// The URI that was asked for: a nested router has the rest of it only.
fn whole_uri<B>(request: &Request<B>) -> &Uri {
    let original = request.extensions().get::<OriginalUri>();
    original.map_or(request.uri(), |original| &original.0)
}

/// The template of the route that matched. What a fallback answers has none.
fn route_of<B>(request: &Request<B>) -> Option<&MatchedPath> {
    request.extensions().get()
}

/// The scheme of the request. It is the caller's word, so that it becomes one of two.
fn scheme_of(uri: &Uri) -> UrlScheme {
    if uri.scheme() == Some(&Scheme::HTTPS) {
        UrlScheme::Https
    } else {
        UrlScheme::Http
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    std::str::from_utf8(headers.get(name)?.as_bytes()).ok()
}

/// Whom the request was sent to.
fn server<'a, B>(
    request: &'a Request<B>,
    origin: Option<&'a Origin<'_>>,
) -> Option<(&'a str, Option<u16>)> {
    if let Some(origin) = origin
        && let Some(host) = &origin.host
    {
        return Some((host, origin.port));
    }
    match whole_uri(request).authority() {
        Some(authority) => Some((authority.host(), authority.port_u16())),
        None => url::host_and_port(text(request.headers(), &header::HOST)?),
    }
}
