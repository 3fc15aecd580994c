//! OTLP over gRPC.

use std::error::Error;

use bytes::{Buf, BufMut, Bytes};
use http::Uri;
use http::uri::{PathAndQuery, Scheme};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, ConnectError, Request};
use tonic_types::StatusExt;

use super::{
    ExporterError, Failure, Receipt, Retry, Status, USER_AGENT, causes, shortened, with_causes,
};
use crate::export::account::Loss;
use crate::settings::{Otlp, Tls};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

#[derive(Debug)]
pub(super) struct Transport {
    endpoint: Endpoint,
    /// Created on the exporter's runtime with the first request.
    channel: Option<Channel>,
    headers: MetadataMap,
    gzip: bool,
}

/// A codec that passes encoded requests through and decodes responses.
#[derive(Debug, Clone, Copy)]
struct Encoded;

// === impl Transport ===

impl Transport {
    pub(super) fn new(settings: &Otlp) -> Result<Self, ExporterError> {
        let invalid = || ExporterError::Endpoint(settings.endpoint.to_string());
        let (uri, secure) = address(settings).ok_or_else(invalid)?;
        let mut endpoint = Endpoint::from(uri)
            .user_agent(USER_AGENT)
            .map_err(|_| invalid())?
            .connect_timeout(settings.timeout);
        if secure {
            endpoint = endpoint
                .tls_config(tls(&settings.tls))
                .map_err(|error| ExporterError::Tls(with_causes(&error)))?;
        }
        Ok(Self {
            endpoint,
            channel: None,
            headers: MetadataMap::from_headers(settings.headers.clone()),
            gzip: settings.gzip,
        })
    }

    /// Drops the connection, so that the next request opens a new one.
    pub(super) fn reconnect(&mut self) {
        self.channel = None;
    }

    pub(super) async fn send(&mut self, request: Bytes) -> Result<Receipt, Failure> {
        let channel = self
            .channel
            .get_or_insert_with(|| self.endpoint.connect_lazy());
        let mut client = tonic::client::Grpc::new(channel.clone());
        if self.gzip {
            client = client
                .send_compressed(CompressionEncoding::Gzip)
                .accept_compressed(CompressionEncoding::Gzip);
        }
        client
            .ready()
            .await
            .map_err(|error| failure(&tonic::Status::from_error(error.into())))?;
        let mut request = Request::new(request);
        *request.metadata_mut() = self.headers.clone();
        let response = client
            .unary(request, PathAndQuery::from_static(EXPORT), Encoded)
            .await
            .map_err(|status| failure(&status))?;
        Ok(response.into_inner().into())
    }
}

/// The endpoint, with TLS if its scheme is `https`.
fn address(settings: &Otlp) -> Option<(Uri, bool)> {
    let mut parts = settings.endpoint.clone().into_parts();
    let secure = match &parts.scheme {
        Some(scheme) if *scheme == Scheme::HTTP => false,
        Some(scheme) if *scheme == Scheme::HTTPS => true,
        Some(_) | None => return None,
    };
    parts.authority.as_ref()?;
    // The path of a gRPC request is the method's.
    parts.path_and_query = Some(PathAndQuery::from_static("/"));
    Some((Uri::from_parts(parts).ok()?, secure))
}

fn tls(settings: &Tls) -> ClientTlsConfig {
    let config = match &settings.authorities {
        Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
        None => ClientTlsConfig::new().with_native_roots(),
    };
    match &settings.identity {
        Some((certificate, key)) => config.identity(Identity::from_pem(certificate, key)),
        None => config,
    }
}

fn failure(status: &tonic::Status) -> Failure {
    // A status from the collector has no source; one that tonic makes of a transport error has.
    let transport = status.source();
    let loss = match transport {
        // A proxy timed out: whether the collector has the request is unknown.
        None if status.code() == Code::DeadlineExceeded => Loss::Timeout,
        None => Loss::Refused,
        Some(cause) if causes(cause).any(<dyn Error>::is::<ConnectError>) => Loss::Unreachable,
        Some(_) => Loss::ConnectionLost,
    };
    let asked = status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay);
    let retry = match (status.code(), asked) {
        _ if transport.is_some() => Retry::Backoff,
        (
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss,
            asked,
        ) => asked.map_or(Retry::Backoff, Retry::After),
        (Code::ResourceExhausted, Some(delay)) => Retry::After(delay),
        _ => Retry::Never,
    };
    let message = match transport {
        Some(cause) => with_causes(cause),
        None => status.message().to_owned(),
    };
    Failure {
        loss,
        retry,
        status: Some(Status::Grpc(status.code())),
        message: shortened(message),
    }
}

// === impl Encoded ===

impl Codec for Encoded {
    type Encode = Bytes;
    type Decode = ExportTraceServiceResponse;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = tonic::Status;

    fn encode(&mut self, request: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
        buffer.reserve(request.len());
        buffer.put(request);
        Ok(())
    }
}

impl Decoder for Encoded {
    type Item = ExportTraceServiceResponse;
    type Error = tonic::Status;

    fn decode(
        &mut self,
        buffer: &mut DecodeBuf<'_>,
    ) -> Result<Option<ExportTraceServiceResponse>, tonic::Status> {
        let response = buffer.copy_to_bytes(buffer.remaining());
        ExportTraceServiceResponse::decode(response)
            .map(Some)
            .map_err(|error| tonic::Status::internal(error.to_string()))
    }
}
