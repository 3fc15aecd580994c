//! A request and its response, as far as they have come, on either side.

use axum::extract::MatchedPath;
use bytes::Buf;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, StatusCode, header};

use super::events::ServerSentEvents;
use super::version_of;
use crate::layers::exchange::{End, Exchange, Failure};
use crate::layers::headers;
use crate::layers::hop::{Abandoned, Hop};
use crate::layers::stream::OpenStream;
use crate::metrics::gauge::Held;
use crate::metrics::signals::attributes::{
    ERROR_TYPE, HTTP_REQUEST_BODY_SIZE, HTTP_RESPONSE_BODY_SIZE, HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE, NETWORK_PROTOCOL_VERSION, TELEMETRY_STREAMING,
};
use crate::metrics::signals::{
    HttpClientRequestDuration, HttpRequestMethod, HttpServerOpenStreams, HttpServerRequestBodySize,
    HttpServerRequestDuration, HttpServerResponseBodySize, HttpServerStreamFirstEventDuration,
    KnownErrorType, NetworkProtocolVersion, UrlScheme,
};

/// The response header that carries the trace id, for whoever reports a problem.
static TRACE_ID_HEADER: HeaderName = HeaderName::from_static("x-trace-id");

/// One request and its response, as far as it has come.
#[derive(Debug)]
pub struct RequestExchange {
    pub(super) hop: Hop,
    pub(super) method: HttpRequestMethod,
    // Of a response that has not come there is none.
    pub(super) version: Option<NetworkProtocolVersion>,
    pub(super) status: Option<StatusCode>,
    pub(super) side: Side,
}

/// What only one of the sides knows.
#[derive(Debug)]
pub(super) enum Side {
    Server(Serving),
    Client(Calling),
}

#[derive(Debug)]
pub(super) struct Serving {
    pub(super) route: Option<MatchedPath>,
    pub(super) scheme: UrlScheme,
    pub(super) open: Open,
    // When they were asked for.
    pub(super) sizes: Option<Sizes>,
}

/// The sizes of both bodies in bytes; the request's only when its head has told it.
#[derive(Debug)]
pub(super) struct Sizes {
    pub(super) request: Option<u64>,
    pub(super) response: u64,
}

/// What both sides tell of an exchange that has ended.
#[derive(Clone, Copy)]
struct Told<'a> {
    method: HttpRequestMethod,
    version: Option<NetworkProtocolVersion>,
    status: Option<i64>,
    error_type: Option<&'a str>,
}

/// What counts it among the open ones, while this lives.
#[derive(Debug)]
pub(super) enum Open {
    Request { _held: Held },
    Stream(Box<OpenStream<ServerSentEvents>>),
}

#[derive(Debug)]
pub(super) struct Calling {
    pub(super) authority: Option<Authority>,
    pub(super) port: Option<u16>,
}

// === impl RequestExchange ===

impl RequestExchange {
    /// Ends the span and records the metrics. `error_type` is empty when all went well, and the description is
    /// there when the span has failed.
    fn finish(self, error_type: &str, failure: Option<&str>) {
        let Self {
            hop,
            method,
            version,
            status,
            side,
        } = self;
        let told = Told {
            method,
            version,
            status: status.map(|status| i64::from(status.as_u16())),
            error_type: (!error_type.is_empty()).then_some(error_type),
        };
        hop.end(|hop| {
            match failure {
                Some(description) => hop.fail(error_type, description),
                None if error_type.is_empty() => {}
                None => hop.set(ERROR_TYPE, error_type),
            }
            match side {
                Side::Server(serving) => {
                    serving.record(hop, told);
                }
                Side::Client(calling) => {
                    calling.record(hop, told);
                }
            }
        });
    }

    /// Whether a status says that this side has failed: a bad request is no failure of the server.
    fn is_failure(&self, status: StatusCode) -> bool {
        match self.side {
            Side::Server(_) => status.is_server_error(),
            Side::Client(_) => status.is_client_error() || status.is_server_error(),
        }
    }

    /// Whether it is a stream, which its reader ends by leaving.
    fn is_stream(&self) -> bool {
        matches!(&self.side, Side::Server(serving) if serving.is_stream())
    }
}

impl Exchange for RequestExchange {
    fn hop(&self) -> &Hop {
        &self.hop
    }

    fn head(&mut self, status: StatusCode, version: http::Version, headers: &mut HeaderMap) {
        self.status = Some(status);
        self.hop.set(HTTP_RESPONSE_STATUS_CODE, status.as_u16());
        match &mut self.side {
            Side::Server(serving) => {
                if is_event_stream(headers) {
                    serving.open_stream();
                    self.hop.set(TELEMETRY_STREAMING, true);
                }
                if let Some(id) = self.hop.trace_id_text() {
                    headers.insert(&TRACE_ID_HEADER, id);
                }
            }
            Side::Client(_) => {
                let version = version_of(version);
                self.version = Some(version);
                self.hop.set(NETWORK_PROTOCOL_VERSION, version);
            }
        }
    }

    fn next(&mut self) {
        if let Side::Server(serving) = &mut self.side
            && let Open::Stream(stream) = &mut serving.open
        {
            stream.next();
        }
    }

    fn asked(&mut self) {
        if let Side::Server(serving) = &mut self.side
            && let Open::Stream(stream) = &mut serving.open
        {
            stream.asked(&self.hop);
        }
    }

    fn data(&mut self, data: &impl Buf) {
        if let Side::Server(serving) = &mut self.side {
            if let Some(sizes) = &mut serving.sizes {
                sizes.response += data.remaining() as u64;
            }
            if let Open::Stream(stream) = &mut serving.open {
                stream.data(&self.hop, data);
            }
        }
    }

    fn failed(self, error: &dyn Failure) {
        match self.side {
            // The text is of an error that the service's own code has made, and may say what is nobody's business.
            Side::Server(_) => self.finish(KnownErrorType::ServiceError.as_str(), Some("")),
            Side::Client(_) => self.finish(
                KnownErrorType::ConnectionError.as_str(),
                Some(&error.to_string()),
            ),
        }
    }

    fn ended(self, end: End<'_>) {
        match end {
            End::Complete | End::Trailers(_) => match (self.hop.named_error(), self.status) {
                (Some(named), Some(status)) if status.is_client_error() => {
                    self.finish(named, None);
                }
                (Some(named), _) => self.finish(named, Some("")),
                (None, Some(status)) if self.is_failure(status) => {
                    self.finish(status.as_str(), Some(""));
                }
                (None, _) => self.finish("", None),
            },
            End::BodyError(error) => match self.side {
                Side::Server(_) => self.finish(KnownErrorType::BodyError.as_str(), Some("")),
                Side::Client(_) => {
                    self.finish(KnownErrorType::BodyError.as_str(), Some(&error.to_string()))
                }
            },
            End::Abandoned(how @ Abandoned::Panicked) => {
                self.finish(how.error_type(), Some("panicked"));
            }
            End::Abandoned(Abandoned::Cancelled) if self.is_stream() => self.finish("", None),
            End::Abandoned(how @ Abandoned::Cancelled) => self.finish(how.error_type(), None),
        }
    }
}

// === impl Serving ===

impl Serving {
    fn route(&self) -> &str {
        self.route.as_ref().map_or("", MatchedPath::as_str)
    }

    /// Counts it as a stream from now on, and no longer as a request.
    fn open_stream(&mut self) {
        self.open = Open::Stream(OpenStream::new(
            HttpServerOpenStreams {
                http_route: Some(self.route()),
            }
            .gauge(),
            |route| {
                HttpServerStreamFirstEventDuration {
                    http_route: Some(route),
                }
                .histogram()
            },
            (HTTP_ROUTE, self.route().to_owned()),
        ));
    }

    fn is_stream(&self) -> bool {
        matches!(self.open, Open::Stream(_))
    }

    fn record(self, hop: &Hop, told: Told<'_>) {
        let route = self.route.as_ref().map_or("", MatchedPath::as_str);
        let duration = HttpServerRequestDuration {
            http_request_method: told.method,
            url_scheme: self.scheme,
            http_route: Some(route),
            http_response_status_code: told.status,
            network_protocol_version: told.version,
            error_type: told.error_type,
        };
        if let Some(sizes) = self.sizes {
            sizes.record(hop, duration);
        }
        match self.open {
            Open::Stream(stream) => stream.end(hop),
            Open::Request { _held } => duration.record(hop.seconds()),
        }
    }
}

// === impl Sizes ===

impl Sizes {
    #[allow(clippy::cast_precision_loss)] // Of sizes beyond 2^53 the last bytes do not matter.
    fn record(self, hop: &Hop, duration: HttpServerRequestDuration<'_>) {
        let HttpServerRequestDuration {
            http_request_method,
            url_scheme,
            http_route,
            http_response_status_code,
            network_protocol_version,
            error_type,
        } = duration;
        hop.set(HTTP_RESPONSE_BODY_SIZE, self.response);
        HttpServerResponseBodySize {
            http_request_method,
            url_scheme,
            http_route,
            http_response_status_code,
            network_protocol_version,
            error_type,
        }
        .record(self.response as f64);
        if let Some(size) = self.request {
            hop.set(HTTP_REQUEST_BODY_SIZE, size);
            HttpServerRequestBodySize {
                http_request_method,
                url_scheme,
                http_route,
                http_response_status_code,
                network_protocol_version,
                error_type,
            }
            .record(size as f64);
        }
    }
}

// === impl Calling ===

impl Calling {
    pub(super) fn host(&self) -> &str {
        self.authority.as_ref().map_or("", Authority::host)
    }

    fn record(self, hop: &Hop, told: Told<'_>) {
        HttpClientRequestDuration {
            http_request_method: told.method,
            server_address: Some(self.host()),
            server_port: self.port.map(i64::from),
            http_response_status_code: told.status,
            network_protocol_version: told.version,
            error_type: told.error_type,
        }
        .record(hop.seconds());
    }
}

fn is_event_stream(all: &HeaderMap) -> bool {
    const KIND: &str = "text/event-stream";
    let Some(kind) = headers::first(all, &header::CONTENT_TYPE) else {
        return false;
    };
    // Most are another one.
    let start = kind.as_bytes().trim_ascii_start().get(..KIND.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(KIND.as_bytes()))
        && kind.to_str().is_ok_and(|kind| {
            let kind = kind.split(';').next().unwrap_or_default().trim();
            kind.eq_ignore_ascii_case(KIND)
        })
}
