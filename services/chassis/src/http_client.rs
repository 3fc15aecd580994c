//! The services' HTTP client: JSON, with a time-out on the whole exchange.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use telemetry::http::{ClientLayer, ClientService};
use tower::{Service, ServiceExt as _};

/// The maximum size of a response body, in bytes.
const MAX_BODY: usize = 1 << 20;

type Transport = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// The client. Clones share its connections.
#[derive(Clone)]
pub struct HttpClient {
    instrumentation: Instrumentation,
    time_out: Duration,
}

#[derive(Clone)]
enum Instrumentation {
    Traced(ClientService<Transport>),
    Untraced(Transport),
}

/// A response with its whole body.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status, of a success or of an error.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The time-out passed. The request may have had an effect.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The exchange failed. The request may have had an effect.
    #[error("the exchange failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

impl HttpClient {
    /// A client with spans and metrics. An exchange takes at most `time_out`, from the connection to the last byte.
    pub fn new(time_out: Duration) -> Self {
        Self {
            instrumentation: Instrumentation::Traced(ClientLayer::new().layer(transport())),
            time_out,
        }
    }

    /// As [`HttpClient::new`], without spans and metrics.
    pub fn untraced(time_out: Duration) -> Self {
        Self {
            instrumentation: Instrumentation::Untraced(transport()),
            time_out,
        }
    }

    /// Sends `body` (JSON, or no body when it is empty) with these headers besides `Content-Type`.
    ///
    /// # Errors
    /// When the exchange fails or takes too long. A response with an error status is an [`Answer`].
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
            match &self.instrumentation {
                Instrumentation::Traced(service) => exchange(service.clone(), request).await,
                Instrumentation::Untraced(client) => exchange(client.clone(), request).await,
            }
            .map_err(HttpError::Failed)
        };
        tokio::time::timeout(self.time_out, exchange)
            .await
            .map_err(|_| HttpError::TimedOut(self.time_out))?
    }
}

fn transport() -> Transport {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    // Nagle's algorithm would delay the end of a request until its beginning is acknowledged.
    connector.set_nodelay(true);
    let connector = HttpsConnectorBuilder::new()
        .with_webpki_roots()
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Client::builder(TokioExecutor::new()).build(connector)
}

async fn exchange<S, B>(
    service: S,
    request: Request<Full<Bytes>>,
) -> Result<Answer, Box<dyn Error + Send + Sync>>
where
    S: Service<Request<Full<Bytes>>, Response = Response<B>>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let response = service.oneshot(request).await.map_err(Into::into)?;
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MAX_BODY).collect().await?.to_bytes();
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body,
    })
}
