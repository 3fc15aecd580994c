//! For clients of reqwest: a middleware of reqwest-middleware that makes a CLIENT span and the client metric of every
//! request, and sends the context along.
//!
//! ```
//! # fn client() -> reqwest_middleware::ClientWithMiddleware {
//! use reqwest_middleware::ClientBuilder;
//! use telemetry::http::reqwest::Middleware;
//!
//! ClientBuilder::new(reqwest::Client::new())
//!     .with(Middleware::new())
//!     .build()
//! # }
//! ```
//!
//! The span lasts until the response's body has ended or is dropped. A middleware that retries belongs above: it goes
//! before this one, and each attempt has a span of its own with `http.request.resend_count`. Redirects are followed by
//! reqwest itself, below, and are one span together; [`Redirects`] follows them above instead.

use async_trait::async_trait;
use http::{Extensions, HeaderMap, Method, StatusCode, Uri, header};
use reqwest::{Body, Request, Response, ResponseBuilderExt, Url};
use reqwest_middleware::{Error, Next, Result};

use super::client::{Asked, ClientLayer};
use super::resends::Attempts;
use crate::layers::body::ResponseFuture;
use crate::layers::exchange::Exchange;
use crate::trace::propagation;

/// How many redirects are followed, as in reqwest.
const MOST_REDIRECTS: usize = 10;

/// The headers that say what a request's body is.
const OF_BODY: [header::HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::TRANSFER_ENCODING,
];

/// The headers that another host must not see.
const CREDENTIALS: [header::HeaderName; 4] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::PROXY_AUTHORIZATION,
    header::WWW_AUTHENTICATE,
];

/// Measures each request, and sends the context along.
#[derive(Debug, Clone, Copy, Default)]
pub struct Middleware(ClientLayer);

/// Follows redirects, so that each attempt passes what is below it: a span for each, with `http.request.resend_count`.
///
/// It goes before [`Middleware`], over a client that follows none itself:
///
/// ```
/// # fn client() -> reqwest::Result<reqwest_middleware::ClientWithMiddleware> {
/// use reqwest_middleware::ClientBuilder;
/// use telemetry::http::reqwest::{Middleware, Redirects};
///
/// let client = reqwest::Client::builder()
///     .redirect(reqwest::redirect::Policy::none())
///     .build()?;
/// # Ok(
/// ClientBuilder::new(client)
///     .with(Redirects)
///     .with(Middleware::new())
///     .build()
/// # )
/// # }
/// ```
///
/// As reqwest does it: ten at most; credentials and cookies go to the same host and port only; a POST that is answered
/// by 301 or 302, and anything that is answered by 303, becomes a GET. A request whose body is a stream cannot be sent
/// again: its redirect is the response.
#[derive(Debug, Clone, Copy, Default)]
pub struct Redirects;

/// A request was redirected more than ten times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("redirected more than {MOST_REDIRECTS} times")]
pub struct TooManyRedirects;

// === impl Middleware ===

impl Middleware {
    /// A middleware that does not record queries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps the query in `url.full`, as [`ClientLayer::query`] does.
    #[must_use]
    pub fn query(self) -> Self {
        Self(self.0.query())
    }

    /// The hosts that are told apart in the metric, as in [`ClientLayer::known_hosts`].
    #[must_use]
    pub fn known_hosts(self, hosts: &'static [&'static str]) -> Self {
        Self(self.0.known_hosts(hosts))
    }
}

#[async_trait]
impl reqwest_middleware::Middleware for Middleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        // What is no URI of HTTP is refused below.
        let uri: Uri = request.url().as_str().parse().unwrap_or_default();
        let attempts: &Attempts = extensions.get_or_insert_default();
        let exchange = self.0.start(&Asked {
            method: request.method(),
            uri: &uri,
            headers: request.headers(),
            resend_count: attempts.next(),
        });
        propagation::inject(&exchange.hop().context(), request.headers_mut());
        let no_body = request.method() == Method::HEAD;
        let mut url = None;
        let sent = async {
            let response = next.run(request, extensions).await?;
            url = Some(response.url().clone());
            Ok::<_, Error>(http::Response::<Body>::from(response))
        };
        let (head, body) = ResponseFuture::new(Box::pin(sent), Some(exchange), no_body)
            .await?
            .into_parts();
        let mut response = http::Response::builder();
        if let Some(url) = url {
            response = response.url(url);
        }
        let mut response = response.body(Body::wrap(body)).map_err(Error::middleware)?;
        *response.status_mut() = head.status;
        *response.version_mut() = head.version;
        *response.headers_mut() = head.headers;
        response.extensions_mut().extend(head.extensions);
        Ok(Response::from(response))
    }
}

// === impl Redirects ===

#[async_trait]
impl reqwest_middleware::Middleware for Redirects {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        for _ in 0..=MOST_REDIRECTS {
            let copy = request.try_clone();
            let response = next.clone().run(request, extensions).await?;
            match copy.and_then(|copy| redirected(copy, &response)) {
                Some(redirected) => request = redirected,
                None => return Ok(response),
            }
        }
        Err(Error::middleware(TooManyRedirects))
    }
}

/// The request that follows when `request` is answered by `response`; nothing when that is no redirect.
fn redirected(mut request: Request, response: &Response) -> Option<Request> {
    let becomes_get = match response.status() {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => request.method() == Method::POST,
        StatusCode::SEE_OTHER => request.method() != Method::HEAD,
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => false,
        _ => return None,
    };
    let location = response.headers().get(header::LOCATION)?.to_str().ok()?;
    let url = request.url().join(location).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    if becomes_get {
        *request.method_mut() = Method::GET;
        *request.body_mut() = None;
        remove(request.headers_mut(), &OF_BODY);
    }
    if !is_same_server(request.url(), &url) {
        remove(request.headers_mut(), &CREDENTIALS);
    }
    *request.url_mut() = url;
    Some(request)
}

fn is_same_server(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

fn remove(headers: &mut HeaderMap, names: &[header::HeaderName]) {
    for name in names {
        headers.remove(name);
    }
}
