//! OTLP, the sending side: spans become requests, and every answer is read for what it says.
//!
//! The SDK's exporter would do, but for what it keeps to itself: which spans a partial success rejected, whether a
//! failed request may have arrived, what the collector said about when to come again. Those are the data that the
//! pipeline's account is made of, so a [`Client`] returns them: one attempt, one [`Receipt`] or [`Failure`]. When
//! to try again is the pipeline's matter.

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

/// Of what a collector says, so much is kept.
const MESSAGE_LENGTH: usize = 200;

/// Speaks to one collector.
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

/// What a collector that took a batch says about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// How many of its spans the collector rejected.
    pub(crate) rejected: u64,
    /// Why; also a warning without a rejection.
    pub(crate) message: String,
}

/// An attempt that did not deliver the batch, or may not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) loss: Loss,
    pub(crate) retry: Retry,
    pub(crate) status: Option<Status>,
    pub(crate) message: String,
}

/// Whether the same batch may be sent again, as the OTLP specification has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    Never,
    Backoff,
    /// Not before this time is over: the collector asked for it.
    After(Duration),
}

/// The status of an answer, as the metrics tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Grpc(tonic::Code),
    Http(http::StatusCode),
}

/// Why the exporter cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExporterError {
    /// It is not an address that can be connected to.
    #[error("the endpoint {0} cannot be used")]
    Endpoint(String),
    /// A header is none for gRPC.
    #[error("a header's value cannot be sent")]
    Header(#[from] InvalidHeaderValue),
    /// A certificate or a key cannot be used.
    #[error("the certificates cannot be used: {0}")]
    Tls(String),
    /// There can be no thread or no event loop for it.
    #[error("the exporter's thread cannot be started")]
    Thread(#[from] std::io::Error),
}

// === impl Client ===

impl Client {
    /// Connects when it first sends.
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

    /// Sends a request once, in at most `limit` and in the time-out that is set.
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
                // The connection may be dead without knowing; HTTP/1.1 closes it when the request is dropped.
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
