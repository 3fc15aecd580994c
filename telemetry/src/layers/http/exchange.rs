//! A request and its response, as far as they have come, on either side.

use std::fmt::Display;
use std::marker::PhantomData;

use axum::extract::MatchedPath;
use bytes::Buf;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, StatusCode, header};

use super::events::ServerSentEvents;
use super::version_of;
use crate::layers::causes::{AsError, BodyErrors, ServiceErrors, cause_of};
use crate::layers::exchange::{End, Exchange, Failure};
use crate::layers::headers::{self, bare_host};
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

/// One request and its response, as far as it has come. `K` says how it reads the errors that it is told of.
#[derive(Debug)]
pub struct RequestExchange<K = ServerErrors> {
    pub(super) hop: Hop,
    pub(super) method: HttpRequestMethod,
    // Of a response that has not come there is none.
    pub(super) version: Option<NetworkProtocolVersion>,
    pub(super) status: Option<StatusCode>,
    pub(super) side: Side,
    // Whether a layer below has caught a panic.
    pub(super) panicked: bool,
    pub(super) errors: PhantomData<K>,
}

/// A server's exchange reads no errors: they are of the service's own code, and say `service_error`.
#[derive(Debug)]
pub struct ServerErrors;

/// A client's exchange reads the errors of the service by `S` and those of the body by `B`.
#[derive(Debug)]
pub struct ClientErrors<S, B>(PhantomData<(S, B)>);

/// How an exchange went, and what `error.type` says of it.
enum Outcome<'a> {
    Success,
    /// It has an `error.type`, and nobody has failed: the one who waited went away.
    Left(&'a str),
    /// The span has failed, and this describes it.
    Failure(&'a str, &'a str),
}

impl Outcome<'_> {
    const PANICKED: Self = Self::Failure(KnownErrorType::Panic.as_str(), "panicked");
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

/// The server that is called.
#[derive(Debug)]
pub(super) struct Calling {
    pub(super) authority: Option<Authority>,
    pub(super) port: Option<u16>,
    // When others are one label together.
    pub(super) known_hosts: Option<&'static [&'static str]>,
}

// === impl RequestExchange ===

impl<K> RequestExchange<K> {
    /// Ends the span and records the metrics.
    fn finish(self, outcome: &Outcome<'_>) {
        let Self {
            hop,
            method,
            version,
            status,
            side,
            panicked: _,
            errors: _,
        } = self;
        let told = Told {
            method,
            version,
            status: status.map(|status| i64::from(status.as_u16())),
            error_type: match *outcome {
                Outcome::Success => None,
                Outcome::Left(error_type) | Outcome::Failure(error_type, _) => Some(error_type),
            },
        };
        hop.end(|hop| {
            match *outcome {
                Outcome::Success => {}
                Outcome::Left(error_type) => hop.set(ERROR_TYPE, error_type),
                Outcome::Failure(error_type, description) => hop.fail(error_type, description),
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

    /// It went as the handler has said, or else as its status says.
    fn answered(self) {
        let status = self.status.unwrap_or_default();
        let outcome = match self.hop.named_error() {
            _ if self.panicked && self.is_failure(status) => Outcome::PANICKED,
            Some(named) if status.is_client_error() => Outcome::Left(named),
            Some(named) => Outcome::Failure(named, ""),
            None if self.is_failure(status) => Outcome::Failure(status.as_str(), ""),
            None => Outcome::Success,
        };
        self.finish(&outcome);
    }

    /// It failed with this error, whose text may say what is nobody's business when the service's own code has made it.
    fn broken(
        self,
        error: &dyn Failure,
        cause: Option<KnownErrorType>,
        of_server: KnownErrorType,
        of_client: KnownErrorType,
    ) {
        match self.side {
            Side::Server(_) => self.finish(&Outcome::Failure(of_server.as_str(), "")),
            Side::Client(_) => {
                let error_type = cause.unwrap_or(of_client).as_str();
                self.finish(&Outcome::Failure(error_type, &error.to_string()));
            }
        }
    }

    fn left(self) {
        if self.is_stream() {
            self.finish(&Outcome::Success);
        } else {
            self.finish(&Outcome::Left(Abandoned::Cancelled.error_type()));
        }
    }
}

impl<K> Exchange for RequestExchange<K> {
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

    fn panic_caught(&mut self) {
        self.panicked = matches!(self.side, Side::Server(_));
    }

    fn failed(self, error: &dyn Failure, cause: Option<KnownErrorType>) {
        self.broken(
            error,
            cause,
            KnownErrorType::ServiceError,
            KnownErrorType::ConnectionError,
        );
    }

    fn ended(self, end: End<'_>) {
        match end {
            End::Complete | End::Trailers(_) => self.answered(),
            End::BodyError(error, cause) => {
                let otherwise = KnownErrorType::BodyError;
                self.broken(error, cause, otherwise, otherwise);
            }
            End::Abandoned(Abandoned::Panicked) => {
                self.finish(&Outcome::PANICKED);
            }
            End::Abandoned(Abandoned::Cancelled) => self.left(),
            End::Unread => match self.side {
                Side::Server(_) => self.left(),
                // A client that has what it wants lets go of the rest.
                Side::Client(_) => self.answered(),
            },
        }
    }
}

impl<E: Display> ServiceErrors<E> for RequestExchange<ServerErrors> {
    fn cause(_: &E) -> Option<KnownErrorType> {
        None
    }
}

impl<E: Display> BodyErrors<E> for RequestExchange<ServerErrors> {
    fn cause(_: &E) -> Option<KnownErrorType> {
        None
    }
}

impl<E: AsError<S>, S, B> ServiceErrors<E> for RequestExchange<ClientErrors<S, B>> {
    fn cause(error: &E) -> Option<KnownErrorType> {
        cause_of(error.as_error())
    }
}

impl<E: AsError<B>, S, B> BodyErrors<E> for RequestExchange<ClientErrors<S, B>> {
    fn cause(error: &E) -> Option<KnownErrorType> {
        cause_of(error.as_error())
    }
}

// === impl Serving ===

impl Serving {
    fn route(&self) -> &str {
        self.route.as_ref().map_or("", MatchedPath::as_str)
    }

    /// Counts it as a stream from now on, and no longer as a request.
    fn open_stream(&mut self) {
        self.open = Open::Stream(Box::new(OpenStream::new(
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
        )));
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
    pub(super) fn host(&self) -> Option<&str> {
        Some(bare_host(self.authority.as_ref()?.host()))
    }

    fn record(self, hop: &Hop, told: Told<'_>) {
        let host = self.host();
        let is_known = self
            .known_hosts
            .is_none_or(|known| host.is_none_or(|host| known.contains(&host)));
        HttpClientRequestDuration {
            http_request_method: told.method,
            server_address: if is_known {
                host
            } else {
                Some(HttpRequestMethod::Other.as_str())
            },
            server_port: self.port.filter(|_| is_known).map(i64::from),
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
