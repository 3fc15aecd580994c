//! HTTP as a load generator needs it: pooled connections, one time-out on the whole exchange, bodies that stream.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::de::DeserializeOwned;
use std::{error::Error, time::Duration};

/// The header with the trace of a request, which every answer of the gateway carries.
pub const TRACE_ID_HEADER: &str = "x-trace-id";

/// A client of one address. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Transport {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    time_out: Duration,
}

/// What came back, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status, also when it is no success.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No answer in time; whether the request had an effect is not known.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The exchange broke; whether the request had an effect is not known.
    #[error("the exchange failed: {}", chain(.0.as_ref()))]
    Broken(Box<dyn Error + Send + Sync>),
    /// The address cannot be called.
    #[error("{0} is no address to call; expected one such as http://127.0.0.1:8080")]
    BadAddress(String),
    /// The answer is not what was expected.
    #[error("the answer ({status}) cannot be read: {reason}")]
    Unreadable {
        /// Its status.
        status: StatusCode,
        /// What is wrong with it.
        reason: String,
    },
}

impl TransportError {
    /// A stable word for counting.
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
    /// A client of `base`, such as `http://127.0.0.1:8080`, whose every exchange takes at most `time_out`.
    ///
    /// # Errors
    /// When `base` is no such address.
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

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When no answer comes in time or the exchange breaks. A status of failure is an [`Answer`].
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, TransportError> {
        let exchange = async {
            let response = self.begin(method, path, headers, body).await?;
            let (head, body) = response.into_parts();
            let body = body
                .collect()
                .await
                .map_err(|error| TransportError::Broken(error.into()))?
                .to_bytes();
            Ok(Answer {
                status: head.status,
                headers: head.headers,
                body,
            })
        };
        tokio::time::timeout(self.time_out, exchange)
            .await
            .map_err(|_| TransportError::TimedOut(self.time_out))?
    }

    /// Sends a request and reads the head of the answer; the body streams for as long as it wants.
    ///
    /// # Errors
    /// When no head comes in time or the exchange breaks.
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

    /// Reads JSON from `path`.
    ///
    /// # Errors
    /// When there is no answer, it is no success, or it is not a `T`.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, TransportError> {
        let answer = self
            .send(Method::GET, path, HeaderMap::new(), Bytes::new())
            .await?;
        if answer.status.is_success() {
            answer.json()
        } else {
            Err(answer.unreadable("expected a success"))
        }
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

// === impl Answer ===

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// When it is not a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, TransportError> {
        serde_json::from_slice(&self.body).map_err(|error| self.unreadable(&error.to_string()))
    }

    /// A header's text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        text(&self.headers, name)
    }

    fn unreadable(&self, reason: &str) -> TransportError {
        const SHOWN: usize = 300;
        let body = String::from_utf8_lossy(&self.body);
        let shown: String = body.chars().take(SHOWN).collect();
        TransportError::Unreadable {
            status: self.status,
            reason: format!("{reason}; it begins {shown:?}"),
        }
    }
}

/// A header's text; empty when it is not there or no text.
pub fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// `value` so that it can stand in a query.
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
    use super::{Transport, TransportError, query_encoded};
    use std::time::Duration;

    #[test]
    fn an_address_without_a_scheme_is_refused_with_what_would_be_right() {
        let error = Transport::new("127.0.0.1:8080", Duration::from_secs(1)).expect_err("refused");
        assert!(matches!(error, TransportError::BadAddress(_)));
        assert!(
            error.to_string().contains("http://127.0.0.1:8080"),
            "{error}"
        );
    }

    #[test]
    fn a_query_value_is_encoded_byte_by_byte() {
        assert_eq!(query_encoded("up{a=\"b c\"}"), "up%7Ba%3D%22b%20c%22%7D");
        assert_eq!(query_encoded("한"), "%ED%95%9C");
    }

    #[tokio::test]
    async fn a_connection_that_is_refused_is_told_from_one_that_is_slow() {
        let transport = Transport::new("http://127.0.0.1:1", Duration::from_secs(5)).expect("ok");
        let error = transport
            .get::<serde_json::Value>("/")
            .await
            .expect_err("nobody there");
        assert_eq!(error.code(), "client.connection_broken");
    }
}
