//! A small JSON client over HTTP, traced, with a time-out on the whole exchange.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use telemetry::http::{ClientLayer, ClientService};
use tower::ServiceExt as _;

/// The largest answer that is read.
const MAX_ANSWER: usize = 1 << 20;

/// The client. Clones share its connections.
#[derive(Clone)]
pub struct HttpClient {
    inner: ClientService<Client<HttpsConnector<HttpConnector>, Full<Bytes>>>,
    time_out: Duration,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status, also when it is no success.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// No answer in time; whether the request had an effect is not known.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The exchange broke; whether the request had an effect is not known.
    #[error("the exchange failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

impl HttpClient {
    /// A client whose every exchange, connection to last byte, takes at most `time_out`.
    pub fn new(time_out: Duration) -> Self {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        // Without Nagle's algorithm: the end of a request must not wait for its beginning's acknowledgement.
        connector.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self {
            inner: ClientLayer::new().layer(client),
            time_out,
        }
    }

    /// Sends `body` (JSON, or nothing when empty) with these extra headers.
    ///
    /// # Errors
    /// When no answer comes in time or the exchange breaks. A status of failure is an [`Answer`].
    pub async fn send(
        &self,
        method: Method,
        uri: Uri,
        headers: HeaderMap,
        body: impl Into<Bytes>,
    ) -> Result<Answer, HttpError> {
        let body: Bytes = body.into();
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        if !body.is_empty() {
            request.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        }
        let exchange = async {
            let response = self
                .inner
                .clone()
                .oneshot(request)
                .await
                .map_err(|error| HttpError::Failed(error.into()))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, MAX_ANSWER)
                .collect()
                .await
                .map_err(HttpError::Failed)?
                .to_bytes();
            Ok(Answer {
                status: head.status,
                headers: head.headers,
                body,
            })
        };
        tokio::time::timeout(self.time_out, exchange)
            .await
            .map_err(|_| HttpError::TimedOut(self.time_out))?
    }
}
