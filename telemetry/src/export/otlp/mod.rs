//! An OTLP client for traces.
//!
//! The SDK's exporter does not report how many spans a partial success rejected, whether a failed request may have
//! arrived, or the delay that the collector asked for. The pipeline's account needs all three, so [`Client::send`] makes
//! one attempt and returns a [`Receipt`] or a [`Failure`]. Retries are the pipeline's.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::header::InvalidHeaderValue;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;

use crate::export::account::Loss;
use crate::settings::{Otlp, Protocol};

pub(crate) use encode::Encoder;

mod encode;
mod grpc;
mod http1;

const USER_AGENT: &str = concat!("rust-telemetry/", env!("CARGO_PKG_VERSION"));

/// Maximum length of a collector's message in a log line, in characters.
const MESSAGE_LENGTH: usize = 200;

/// A client of one collector.
#[derive(Debug)]
pub(crate) struct Client {
    transport: Transport,
    timeout: Duration,
}

#[derive(Debug)]
enum Transport {
    Grpc(Box<grpc::Transport>),
    Http(Box<http1::Transport>),
}

/// A collector's response to a batch that it accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The number of spans rejected (OTLP's partial success).
    pub(crate) rejected: u64,
    /// The reason; without rejected spans, a warning.
    pub(crate) message: String,
}

/// An attempt that failed, or whose outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) loss: Loss,
    pub(crate) retry: Retry,
    pub(crate) status: Option<Status>,
    pub(crate) message: String,
}

/// Whether the batch may be sent again (OTLP specification, Failures).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    Never,
    Backoff,
    /// Minimum delay before the next attempt, from the collector's `RetryInfo` or Retry-After.
    After(Duration),
}

/// The status of a response, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Grpc(tonic::Code),
    Http(http::StatusCode),
}

/// Why the exporter cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExporterError {
    /// The endpoint is not a valid address.
    #[error("the endpoint {0} cannot be used")]
    Endpoint(String),
    /// A header's value is not valid in gRPC.
    #[error("a header's value cannot be sent")]
    Header(#[from] InvalidHeaderValue),
    /// A certificate or a key is invalid.
    #[error("the certificates cannot be used: {0}")]
    Tls(String),
    /// The exporter's thread or runtime cannot be created.
    #[error("the exporter's thread cannot be started")]
    Thread(#[from] std::io::Error),
}

// === impl Client ===

impl Client {
    /// Creates a client, which connects with its first request.
    pub(crate) fn new(settings: &Otlp) -> Result<Self, ExporterError> {
        let transport = match settings.protocol {
            Protocol::Grpc => Transport::Grpc(Box::new(grpc::Transport::new(settings)?)),
            Protocol::HttpProtobuf => Transport::Http(Box::new(http1::Transport::new(settings)?)),
        };
        Ok(Self {
            transport,
            timeout: settings.timeout,
        })
    }

    /// Makes one attempt, within `limit` and the configured time-out.
    pub(crate) async fn send(
        &mut self,
        request: &Bytes,
        limit: Duration,
    ) -> Result<Receipt, Failure> {
        let timeout = self.timeout.min(limit);
        let attempt = async {
            match &mut self.transport {
                Transport::Grpc(grpc) => grpc.send(request.clone()).await,
                Transport::Http(http) => http.send(request.clone()).await,
            }
        };
        let result = tokio::time::timeout(timeout, attempt).await;
        result.unwrap_or_else(|_| {
            if let Transport::Grpc(grpc) = &mut self.transport {
                // The connection may be dead unnoticed. Over HTTP/1.1, dropping the request closes it.
                grpc.reconnect();
            }
            Err(Failure {
                loss: Loss::Timeout,
                retry: Retry::Backoff,
                status: None,
                message: format!("no answer within {timeout:?}"),
            })
        })
    }
}

// === impl Receipt ===

impl From<ExportTraceServiceResponse> for Receipt {
    fn from(response: ExportTraceServiceResponse) -> Self {
        let partial = response.partial_success.unwrap_or_default();
        Self {
            rejected: u64::try_from(partial.rejected_spans).unwrap_or(0),
            message: shortened(partial.error_message),
        }
    }
}

// === impl Status ===

/// `RESOURCE_EXHAUSTED`, or `503`.
impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Grpc(code) => {
                for (position, letter) in format!("{code:?}").char_indices() {
                    if position > 0 && letter.is_ascii_uppercase() {
                        f.write_str("_")?;
                    }
                    write!(f, "{}", letter.to_ascii_uppercase())?;
                }
                Ok(())
            }
            Self::Http(status) => write!(f, "{}", status.as_u16()),
        }
    }
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    causes(error)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MESSAGE_LENGTH) {
        text.truncate(end);
    }
    text
}

#[cfg(test)]
pub(crate) mod collector;
#[cfg(test)]
mod tests;
