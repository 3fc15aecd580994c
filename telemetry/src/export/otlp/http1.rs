//! OTLP over HTTP, in protobuf.

use std::io::Write;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use http::uri::Scheme;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{ExporterError, Failure, Receipt, Retry, Status, shortened};
use crate::export::account::Loss;
use crate::settings::{Otlp, Tls};

/// Maximum size of a collector's response body, in bytes.
const ANSWER_BYTES: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Transport {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    endpoint: Uri,
    headers: HeaderMap,
    gzip: bool,
}

// === impl Transport ===

impl Transport {
    pub(super) fn new(settings: &Otlp) -> Result<Self, ExporterError> {
        let invalid = || ExporterError::Endpoint(settings.endpoint.to_string());
        let secure = match settings.endpoint.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(invalid()),
        };
        // Reading the system's authorities is slow: only when TLS is used.
        let tls = if secure {
            tls(&settings.tls)?
        } else {
            untrusting()?
        };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
        let mut headers = settings.headers.clone();
        headers.insert(USER_AGENT, HeaderValue::from_static(super::USER_AGENT));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-protobuf"),
        );
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if settings.gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(Self {
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .build(connector),
            endpoint: settings.endpoint.clone(),
            headers,
            gzip: settings.gzip,
        })
    }

    pub(super) async fn send(&self, request: Bytes) -> Result<Receipt, Failure> {
        let body = if self.gzip {
            compressed(&request).map_err(|error| local(Loss::Encoding, &error, Retry::Never))?
        } else {
            request
        };
        let mut request = Request::post(self.endpoint.clone())
            .body(Full::new(body))
            .map_err(|error| local(Loss::Encoding, &error, Retry::Never))?;
        *request.headers_mut() = self.headers.clone();
        let response = self.client.request(request).await.map_err(|error| {
            let loss = if error.is_connect() {
                Loss::Unreachable
            } else {
                Loss::ConnectionLost
            };
            local(loss, &error, Retry::Backoff)
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_BYTES).collect().await;
        if !head.status.is_success() {
            return Err(refusal(head.status, &head.headers));
        }
        // The collector has the spans; a retry would duplicate them, whichever it rejected.
        let body = body.map_err(|error| local(Loss::ConnectionLost, &*error, Retry::Never))?;
        let response = ExportTraceServiceResponse::decode(body.to_bytes());
        Ok(response.map(Receipt::from).unwrap_or_default())
    }
}

fn refusal(status: StatusCode, headers: &HeaderMap) -> Failure {
    let retry = match status {
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => headers
            .get(RETRY_AFTER)
            .and_then(|value| retry_after(value.to_str().ok()?, SystemTime::now()))
            .map_or(Retry::Backoff, Retry::After),
        _ => Retry::Never,
    };
    let loss = if status == StatusCode::GATEWAY_TIMEOUT {
        // A proxy timed out: whether the collector has the request is unknown.
        Loss::Timeout
    } else {
        Loss::Refused
    };
    Failure {
        loss,
        retry,
        status: Some(Status::Http(status)),
        message: status.to_string(),
    }
}

/// `Retry-After` as a number of seconds or a date (RFC 9110, section 10.2.3).
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

fn local(loss: Loss, error: &(dyn std::error::Error + 'static), retry: Retry) -> Failure {
    Failure {
        loss,
        retry,
        status: None,
        message: shortened(super::with_causes(error)),
    }
}

fn compressed(bytes: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.into())
}

fn untrusting() -> Result<ClientConfig, ExporterError> {
    Ok(versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

fn tls(settings: &Tls) -> Result<ClientConfig, ExporterError> {
    let versions = versions()?;
    let trusting = match &settings.authorities {
        None => versions.with_native_roots().map_err(unusable)?,
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(pem)? {
                roots.add(certificate).map_err(unusable)?;
            }
            versions.with_root_certificates(roots)
        }
    };
    match &settings.identity {
        None => Ok(trusting.with_no_client_auth()),
        Some((chain, key)) => {
            let key = PrivateKeyDer::from_pem_slice(key).map_err(unusable)?;
            trusting
                .with_client_auth_cert(certificates(chain)?, key)
                .map_err(unusable)
        }
    }
}

fn versions() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, ExporterError> {
    let provider = rustls::crypto::ring::default_provider().into();
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ExporterError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(unusable)
}

#[allow(clippy::needless_pass_by_value)] // For `map_err`.
fn unusable(error: impl std::error::Error) -> ExporterError {
    ExporterError::Tls(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_collector_says_when_to_come_again_in_seconds_or_by_date() {
        let now = SystemTime::now();
        assert_eq!(retry_after(" 7 ", now), Some(Duration::from_secs(7)));
        let date = httpdate::fmt_http_date(now + Duration::from_secs(90));
        let wait = retry_after(&date, now).unwrap();
        assert!(wait > Duration::from_secs(88) && wait <= Duration::from_secs(90));
        let past = httpdate::fmt_http_date(now - Duration::from_secs(90));
        assert_eq!(retry_after(&past, now), Some(Duration::ZERO));
    }

    proptest! {
        #[test]
        fn no_text_of_a_collector_makes_the_wait_panic(text in "\\PC*") {
            let _ = retry_after(&text, SystemTime::now());
        }
    }
}
