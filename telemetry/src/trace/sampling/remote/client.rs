//! Fetching a strategy, over gRPC or HTTP.

use std::fmt::{self, Write as _};
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic_prost::ProstCodec;

use super::wire::{METHOD, StrategyParameters, StrategyResponse};
use crate::metrics::signals::TelemetrySamplingFetchesErrorType as Kind;

/// Time limit of one fetch.
const TIME_OUT: Duration = Duration::from_secs(10);

/// Maximum size of a response body, in bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// The port on which Jaeger serves strategies over HTTP, and the path there.
const HTTP_PORT: u16 = 5778;
const HTTP_PATH: &str = "/sampling";

/// Fetches the strategy of one service.
pub(super) struct Client {
    service: String,
    server: Server,
}

/// How strategies are fetched: over HTTP when the endpoint has a path (such as `/sampling`) or Jaeger's port for it, 5778;
/// otherwise over gRPC, as the specification says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Server {
    Grpc(Uri),
    Http(Uri),
}

/// Why a fetch failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// No connection, or no response.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// [`TIME_OUT`] has passed.
    #[error("no answer within {} s", TIME_OUT.as_secs())]
    TimedOut,
    /// The server answered with an error.
    #[error("refused: {0}")]
    Refused(String),
    /// The response has no usable strategy.
    #[error("the answer cannot be used: {0}")]
    Unreadable(String),
}

// === impl FetchError ===

impl FetchError {
    /// The label for `telemetry.sampling.fetches`.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Unreachable(_) => Kind::Unreachable,
            Self::TimedOut => Kind::Timeout,
            Self::Refused(_) => Kind::Refused,
            Self::Unreadable(_) => Kind::Unreadable,
        }
    }
}

// === impl Client ===

impl Client {
    pub(super) fn new(endpoint: &Uri, service: &str) -> Self {
        Self {
            service: service.to_owned(),
            server: Server::at(endpoint),
        }
    }

    /// Fetches the strategy. Each fetch opens a connection, since they are minutes apart.
    pub(super) async fn fetch(&self) -> Result<StrategyResponse, FetchError> {
        let fetching = async {
            match &self.server {
                Server::Grpc(uri) => self.fetch_grpc(uri).await,
                Server::Http(uri) => self.fetch_http(uri).await,
            }
        };
        tokio::time::timeout(TIME_OUT, fetching)
            .await
            .unwrap_or(Err(FetchError::TimedOut))
    }

    async fn fetch_grpc(&self, uri: &Uri) -> Result<StrategyResponse, FetchError> {
        let channel = connect(uri.clone())
            .await
            .map_err(|error| FetchError::Unreachable(chain(&error)))?;
        let mut grpc = tonic::client::Grpc::new(channel);
        grpc.ready()
            .await
            .map_err(|error| FetchError::Unreachable(chain(&error)))?;
        let parameters = StrategyParameters {
            service_name: self.service.clone(),
        };
        let codec = ProstCodec::<StrategyParameters, StrategyResponse>::default();
        let path = PathAndQuery::from_static(METHOD);
        grpc.unary(tonic::Request::new(parameters), path, codec)
            .await
            .map(tonic::Response::into_inner)
            .map_err(|status| FetchError::Refused(status.to_string()))
    }

    async fn fetch_http(&self, uri: &Uri) -> Result<StrategyResponse, FetchError> {
        let request = Request::get(with_service(uri, &self.service))
            .body(Empty::<Bytes>::new())
            .map_err(|error| FetchError::Unreachable(error.to_string()))?;
        let response = http_client()?
            .request(request)
            .await
            .map_err(|error| FetchError::Unreachable(chain(&error)))?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Refused(response.status().to_string()));
        }
        let body = Limited::new(response.into_body(), MAX_ANSWER)
            .collect()
            .await
            .map_err(|error| FetchError::Unreadable(error.to_string()))?
            .to_bytes();
        serde_json::from_slice(&body).map_err(|error| FetchError::Unreadable(error.to_string()))
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Server::Grpc(uri) | Server::Http(uri)) = &self.server;
        write!(f, "{uri}")
    }
}

// === impl Server ===

impl Server {
    fn at(endpoint: &Uri) -> Self {
        let mut parts = endpoint.clone().into_parts();
        parts.scheme.get_or_insert(http::uri::Scheme::HTTP);
        let has_path = !matches!(endpoint.path(), "" | "/");
        let http = has_path || endpoint.port_u16() == Some(HTTP_PORT);
        if !has_path {
            let path = if http { HTTP_PATH } else { "/" };
            parts.path_and_query = Some(PathAndQuery::from_static(path));
        }
        let uri = Uri::from_parts(parts).unwrap_or_else(|_| endpoint.clone());
        if http {
            Self::Http(uri)
        } else {
            Self::Grpc(uri)
        }
    }
}

async fn connect(uri: Uri) -> Result<Channel, tonic::transport::Error> {
    let secure = uri.scheme_str() == Some("https");
    let mut endpoint = Endpoint::from(uri);
    if secure {
        endpoint = endpoint.tls_config(ClientTlsConfig::new().with_native_roots())?;
    }
    endpoint.connect().await
}

fn http_client() -> Result<HttpClient<HttpsConnector<HttpConnector>, Empty<Bytes>>, FetchError> {
    let connector = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .map_err(|error| FetchError::Unreachable(error.to_string()))?
        .https_or_http()
        .enable_http1()
        .build();
    Ok(HttpClient::builder(TokioExecutor::new()).build(connector))
}

/// The address with `service=NAME` added to its query; the name is percent-encoded.
fn with_service(uri: &Uri, service: &str) -> String {
    let mut text = uri.to_string();
    text.push(if uri.query().is_some() { '&' } else { '?' });
    text.push_str("service=");
    for byte in service.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// An error with what caused it.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(endpoint: &str) -> Server {
        Server::at(&endpoint.parse().unwrap())
    }

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn a_path_or_the_port_for_it_means_http_and_all_else_grpc() {
        for (endpoint, is) in [
            (
                "http://jaeger:5779",
                Server::Grpc(uri("http://jaeger:5779/")),
            ),
            (
                "https://jaeger:443/",
                Server::Grpc(uri("https://jaeger:443/")),
            ),
            ("jaeger:14250", Server::Grpc(uri("http://jaeger:14250/"))),
            (
                "http://jaeger:5778",
                Server::Http(uri("http://jaeger:5778/sampling")),
            ),
            (
                "http://j:80/api/sampling",
                Server::Http(uri("http://j:80/api/sampling")),
            ),
            (
                "https://j/sampling?x=1",
                Server::Http(uri("https://j/sampling?x=1")),
            ),
        ] {
            assert_eq!(server(endpoint), is, "{endpoint}");
        }
    }

    #[test]
    fn the_service_is_asked_for_by_its_name_whatever_that_is() {
        assert_eq!(
            with_service(&uri("http://j:5778/sampling"), "a b&c=d/é"),
            "http://j:5778/sampling?service=a%20b%26c%3Dd%2F%C3%A9"
        );
        assert_eq!(
            with_service(&uri("http://j/s?x=1"), "a"),
            "http://j/s?x=1&service=a"
        );
    }
}
