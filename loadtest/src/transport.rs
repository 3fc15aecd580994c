//! The HTTP client of this crate: pooled connections, one time-out for a whole exchange, and responses that can be
//! streamed.
//!
//! It is not the client of `chassis`: that one is traced, and reads a response only as a whole.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::de::DeserializeOwned;

/// A client of one address. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Transport {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    time_out: Duration,
}

/// A response with its whole body.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    /// The status, which need not be a success.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Why there is no response, or none that can be used.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No response before the time-out. The request may have been processed.
    #[error("no response within {0:?}")]
    TimedOut(Duration),
    /// The connection failed. The request may have been processed.
    #[error("the connection failed: {}", chain(.0.as_ref()))]
    Broken(Box<dyn Error + Send + Sync>),
    /// The address is not an HTTP URL.
    #[error("{0} is not an HTTP address; expected one such as http://127.0.0.1:8080")]
    BadAddress(String),
    /// The response is not what was expected.
    #[error("the response ({status}) cannot be read: {reason}")]
    Unreadable {
        /// Its status.
        status: StatusCode,
        /// What is wrong with it.
        reason: String,
    },
}

impl TransportError {
    /// A stable name of the error, for counting.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TimedOut(_) => "client.timed_out",
            Self::Broken(_) => "client.connection_broken",
            Self::BadAddress(_) => "client.bad_address",
            Self::Unreadable { .. } => "client.unreadable_answer",
        }
    }
}

// === impl Transport ===

impl Transport {
    /// A client of `base`, such as `http://127.0.0.1:8080`. An exchange takes at most `time_out`.
    ///
    /// # Errors
    /// When `base` is not an HTTP address.
    pub fn new(base: &str, time_out: Duration) -> Result<Self, TransportError> {
        let base = base.trim_end_matches('/').to_owned();
        let bad = || TransportError::BadAddress(base.clone());
        let uri: Uri = base.parse().map_err(|_| bad())?;
        if uri.host().is_none() || !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(bad());
        }
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            base,
            time_out,
        })
    }

    /// The address that it calls.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    /// When there is no response before the time-out, or the connection fails. A response with an error status is an
    /// [`HttpResponse`].
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Result<HttpResponse, TransportError> {
        let body = body.into();
        let exchange = async {
            let response = self.begin(method, path, headers, body).await?;
            let (head, body) = response.into_parts();
            let body = body
                .collect()
                .await
                .map_err(|error| TransportError::Broken(error.into()))?
                .to_bytes();
            Ok(HttpResponse {
                status: head.status,
                headers: head.headers,
                body,
            })
        };
        tokio::time::timeout(self.time_out, exchange)
            .await
            .map_err(|_| TransportError::TimedOut(self.time_out))?
    }

    /// Sends a GET request and reads the head of the response. The body is a stream without a time-out.
    ///
    /// # Errors
    /// When there is no response head before the time-out, or the connection fails.
    pub async fn open(
        &self,
        path: &str,
        headers: HeaderMap,
    ) -> Result<Response<Incoming>, TransportError> {
        tokio::time::timeout(
            self.time_out,
            self.begin(Method::GET, path, headers, Bytes::new()),
        )
        .await
        .map_err(|_| TransportError::TimedOut(self.time_out))?
    }

    /// Sends a GET request without headers and reads the whole response.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn get(&self, path: &str) -> Result<HttpResponse, TransportError> {
        self.send(Method::GET, path, HeaderMap::new(), Bytes::new())
            .await
    }

    async fn begin(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, TransportError> {
        let address = format!("{}{path}", self.base);
        let uri: Uri = address
            .parse()
            .map_err(|_| TransportError::BadAddress(address))?;
        let has_body = !body.is_empty();
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        if has_body {
            request
                .headers_mut()
                .entry(header::CONTENT_TYPE)
                .or_insert(HeaderValue::from_static("application/json"));
        }
        self.client
            .request(request)
            .await
            .map_err(|error| TransportError::Broken(error.into()))
    }
}

// === impl HttpResponse ===

impl HttpResponse {
    /// The response, if its status is a success.
    ///
    /// # Errors
    /// When it is not.
    pub fn success(self) -> Result<Self, TransportError> {
        if self.status.is_success() {
            Ok(self)
        } else {
            Err(self.unreadable("expected a success"))
        }
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, TransportError> {
        serde_json::from_slice(&self.body).map_err(|error| self.unreadable(&error.to_string()))
    }

    /// The value of a header, when it is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        text(&self.headers, name)
    }

    fn unreadable(&self, reason: &str) -> TransportError {
        const SHOWN_CHARACTERS: usize = 300;
        let body = String::from_utf8_lossy(&self.body);
        let shown: String = body.chars().take(SHOWN_CHARACTERS).collect();
        TransportError::Unreadable {
            status: self.status,
            reason: format!("{reason}; it begins with {shown:?}"),
        }
    }
}

/// The value of a header, when it is there and is text.
pub fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// `value`, percent-encoded for a query string.
pub fn query_encoded(value: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let digits = [byte >> 4, byte & 15].map(|digit| char::from(HEX[usize::from(digit)]));
            encoded.push('%');
            encoded.extend(digits);
        }
    }
    encoded
}

fn chain(error: &(dyn Error + 'static)) -> String {
    chassis::failure::chain(error)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Transport, TransportError, query_encoded};

    #[test]
    fn an_address_without_a_scheme_is_refused_with_an_example() {
        let error = Transport::new("127.0.0.1:8080", Duration::from_secs(1)).expect_err("refused");
        assert!(matches!(error, TransportError::BadAddress(_)));
        assert!(
            error.to_string().contains("http://127.0.0.1:8080"),
            "{error}"
        );
    }

    #[test]
    fn a_query_value_is_percent_encoded() {
        assert_eq!(query_encoded("up{a=\"b c\"}"), "up%7Ba%3D%22b%20c%22%7D");
        assert_eq!(query_encoded("한"), "%ED%95%9C");
    }

    #[tokio::test]
    async fn a_connection_that_is_refused_is_told_from_one_that_is_slow() {
        let transport = Transport::new("http://127.0.0.1:1", Duration::from_secs(5)).expect("ok");
        let error = transport.get("/").await.expect_err("nobody listens");
        assert_eq!(error.code(), "client.connection_broken");
    }
}
