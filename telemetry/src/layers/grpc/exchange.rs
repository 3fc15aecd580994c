//! One call, from its request to the end of its response, on either side.

use std::sync::Arc;

use bytes::Buf;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::time::Instant;

use super::deadline::Deadline;
use super::messages::Messages;
use super::method;
use super::methods::Methods;
use super::outcome::Outcome;
use super::status::Status;
use super::web::{Form, WebBody};
use crate::layers::causes::{BodyErrors, ServiceErrors, cause_of_any};
use crate::layers::exchange::{End, Exchange, Failure, Part};
use crate::layers::headers::bare_host;
use crate::layers::hop::{Abandoned, Hop};
use crate::layers::names::OTHER;
use crate::layers::stream::{OpenStream, pieces};
use crate::metrics::gauge::Held;
use crate::metrics::signals::attributes::{
    RPC_METHOD, RPC_METHOD_ORIGINAL, RPC_RESPONSE_STATUS_CODE, RPC_SYSTEM_NAME, TELEMETRY_STREAMING,
};
use crate::metrics::signals::{
    KnownErrorType, RpcClientCallDuration, RpcClientOpenStreams, RpcServerCallDuration,
    RpcServerOpenStreams, RpcServerStreamFirstEventDuration, RpcSystemName,
};

/// The system's name, as the conventions have it. A span of a method without a name is called that.
pub(super) const GRPC: &str = RpcSystemName::Grpc.as_str();

/// The `grpc-message` of a call whose deadline has passed.
const EXPIRED: HeaderValue = HeaderValue::from_static("the deadline has passed");

/// One call and what is known of its response so far.
#[derive(Debug)]
pub struct CallExchange {
    hop: Hop,
    side: Side,
    path: Option<PathAndQuery>,
    deadline: Option<Deadline>,
    http_status: Option<StatusCode>,
    // The status of a response that has no body.
    early: Option<Status>,
    // The body of a response of gRPC-Web, which holds the status.
    web: Option<Box<WebBody>>,
    // When the method streams.
    stream: Option<Stream>,
    // Whether a layer below has caught a panic.
    panicked: bool,
}

/// Counts the call as an open stream until it is dropped.
#[derive(Debug)]
enum Stream {
    Served(Box<OpenStream<Messages>>),
    Called { _held: Held },
}

/// Where the call is measured.
#[derive(Debug)]
pub(super) enum Side {
    Server(Name),
    /// With the server that is called, when it is known.
    Client(Option<Server>),
}

/// Whether the name of a method may be a label.
#[derive(Debug)]
pub(super) enum Name {
    Known,
    /// Not before the method has answered OK.
    Unknown(Methods),
}

/// The server that a client calls.
#[derive(Debug, Clone)]
pub(super) enum Server {
    /// As it was configured.
    Named { host: Arc<str>, port: u16 },
    /// As the request's URI says.
    Of {
        authority: Authority,
        port: Option<u16>,
    },
}

// === impl CallExchange ===

impl CallExchange {
    pub(super) fn new(
        hop: Hop,
        side: Side,
        path: Option<&PathAndQuery>,
        deadline: Option<Deadline>,
        is_stream: bool,
    ) -> Self {
        let call = Self {
            hop,
            stream: None,
            path: path.cloned(),
            deadline,
            http_status: None,
            early: None,
            web: None,
            side,
            panicked: false,
        };
        call.hop.set(RPC_SYSTEM_NAME, RpcSystemName::Grpc);
        if is_stream {
            call.opened_as_stream()
        } else {
            call
        }
    }

    fn opened_as_stream(mut self) -> Self {
        self.hop.set(TELEMETRY_STREAMING, true);
        let stream = match self.side {
            Side::Server(_) => Stream::Served(Box::new(OpenStream::new(
                RpcServerOpenStreams {
                    rpc_method: self.method(),
                }
                .gauge(),
                |rpc_method| RpcServerStreamFirstEventDuration { rpc_method }.histogram(),
                (RPC_METHOD, self.method().to_owned()),
            ))),
            Side::Client(_) => {
                let open = RpcClientOpenStreams {
                    rpc_method: self.method(),
                };
                Stream::Called {
                    _held: Held::new(open.gauge()),
                }
            }
        };
        self.stream = Some(stream);
        self
    }

    fn method(&self) -> &str {
        self.path.as_ref().map_or("", |path| method(path.path()))
    }

    fn finish(mut self, outcome: &Outcome) {
        let is_stream = self.stream.is_some();
        if let Some(Stream::Served(stream)) = self.stream.take() {
            stream.end(&self.hop);
        }
        let Self {
            hop, side, path, ..
        } = self;
        let called = path.as_ref().map_or("", |path| method(path.path()));
        let learned = match &side {
            Side::Server(Name::Unknown(methods)) => {
                Some(outcome.status == Status::OK && methods.learn(called))
            }
            _ => None,
        };
        let method = if learned == Some(false) {
            OTHER
        } else {
            called
        };
        hop.end(|hop| {
            hop.describe(|| {
                [
                    RPC_METHOD.with(method),
                    RPC_RESPONSE_STATUS_CODE.with(outcome.status.code()),
                ]
            });
            match learned {
                None => {}
                Some(true) => hop.rename(called),
                Some(false) => hop.set(RPC_METHOD_ORIGINAL, called),
            }
            outcome.verdict.tell(hop);
            if !is_stream {
                side.record(hop, method, outcome);
            }
        });
    }

    fn outcome(&self, end: &End<'_>) -> Outcome {
        match end {
            End::Complete => self.answered(self.status_without_trailers()),
            End::Trailers(trailers) => {
                let told = Status::read(trailers);
                self.answered(told.unwrap_or_else(|| self.status_without_trailers()))
            }
            End::BodyError(error, cause) => match self.side {
                Side::Server(_) => Outcome::of_service(KnownErrorType::BodyError),
                Side::Client(_) => {
                    Outcome::of_transport(*error, cause.unwrap_or(KnownErrorType::BodyError))
                }
            },
            End::Abandoned(Abandoned::Panicked) => Outcome::panicked(),
            End::Abandoned(Abandoned::Cancelled) | End::Unread => self.left(),
        }
    }

    fn answered(&self, status: Status) -> Outcome {
        let is_error = match self.side {
            Side::Server(_) => status.is_server_fault(),
            Side::Client(_) => status != Status::OK,
        };
        if is_error && self.panicked {
            return Outcome {
                status,
                ..Outcome::panicked()
            };
        }
        if let Some(error_type) = self.hop.named_error() {
            let failed = is_error || status == Status::OK;
            return Outcome::named(status, error_type, failed);
        }
        Outcome::answered(status, is_error)
    }

    /// The outcome when the caller has gone away.
    fn left(&self) -> Outcome {
        // A response of headers only has its status there, and its body is not always polled.
        if let Some(status) = self.told() {
            return self.answered(status);
        }
        if self.is_late() {
            return self.answered(Status::DEADLINE_EXCEEDED);
        }
        Outcome::left(self.stream.is_some())
    }

    /// The status that the response has told other than in its trailers.
    fn told(&self) -> Option<Status> {
        self.early.or_else(|| self.web.as_ref()?.status())
    }

    /// The status when the body ended and brought no trailers.
    fn status_without_trailers(&self) -> Status {
        self.told().unwrap_or_else(|| match self.http_status {
            Some(StatusCode::OK) | None => Status::UNKNOWN,
            Some(status) => Status::of_http(status),
        })
    }
}

impl Exchange for CallExchange {
    fn hop(&self) -> &Hop {
        &self.hop
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline.map(Deadline::at)
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(Deadline::has_passed)
    }

    fn head(&mut self, status: StatusCode, _version: http::Version, headers: &mut HeaderMap) {
        self.http_status = Some(status);
        self.early = Status::read(headers);
        if let Some(form) = Form::of(headers) {
            self.web = Some(Box::new(WebBody::new(form)));
            if let Some(Stream::Served(stream)) = &mut self.stream {
                stream.frame_by(Messages::of_web(form));
            }
        }
    }

    fn next(&mut self) {
        if let Some(Stream::Served(stream)) = &mut self.stream {
            stream.next();
        }
    }

    fn asked(&mut self) {
        if let Some(Stream::Served(stream)) = &mut self.stream {
            stream.asked(&self.hop);
        }
    }

    fn data(&mut self, data: &impl Buf) {
        if let Some(web) = &mut self.web {
            pieces(data, |piece| web.read(piece));
        }
        if let Some(Stream::Served(stream)) = &mut self.stream {
            stream.data(&self.hop, data);
        }
    }

    fn panic_caught(&mut self) {
        self.panicked = matches!(self.side, Side::Server(_));
    }

    fn failed(self, error: &dyn Failure, cause: Option<KnownErrorType>) {
        let outcome = match self.side {
            Side::Server(_) => Outcome::of_service(KnownErrorType::ServiceError),
            Side::Client(_) => {
                Outcome::of_transport(error, cause.unwrap_or(KnownErrorType::ConnectionError))
            }
        };
        self.finish(&outcome);
    }

    fn ended(self, end: End<'_>) {
        let outcome = self.outcome(&end);
        self.finish(&outcome);
    }

    fn expired(self, part: Part) -> HeaderMap {
        let status = Status::DEADLINE_EXCEEDED;
        let outcome = self.answered(status);
        self.finish(&outcome);
        let mut told = HeaderMap::with_capacity(3);
        if part == Part::Head {
            let kind = HeaderValue::from_static("application/grpc");
            told.insert(header::CONTENT_TYPE, kind);
        }
        status.write(&mut told);
        told.insert("grpc-message", EXPIRED);
        told
    }
}

// === impl Side ===

impl Side {
    fn record(&self, hop: &Hop, method: &str, outcome: &Outcome) {
        let rpc_system_name = RpcSystemName::Grpc;
        let rpc_response_status_code = outcome.status.code();
        let error_type = outcome.verdict.error_type();
        let duration = match self {
            Self::Server(_) => RpcServerCallDuration {
                rpc_system_name,
                rpc_method: method,
                rpc_response_status_code,
                error_type,
            }
            .histogram(),
            Self::Client(server) => RpcClientCallDuration {
                rpc_system_name,
                rpc_method: method,
                rpc_response_status_code,
                error_type,
                server_address: server.as_ref().map(Server::host),
                server_port: server.as_ref().and_then(Server::port).map(i64::from),
            }
            .histogram(),
        };
        duration.record(hop.seconds());
    }
}

impl<E: Failure> ServiceErrors<E> for CallExchange {
    fn cause(error: &E) -> Option<KnownErrorType> {
        cause_of_any(error)
    }
}

impl<E: Failure> BodyErrors<E> for CallExchange {
    fn cause(error: &E) -> Option<KnownErrorType> {
        cause_of_any(error)
    }
}

// === impl Server ===

impl Server {
    /// The server that a URI names; its port is that of the scheme when it says none.
    pub(super) fn of(uri: &http::Uri) -> Option<Self> {
        let port = uri.port_u16().or_else(|| match uri.scheme_str() {
            Some("http") => Some(80),
            Some("https") => Some(443),
            _ => None,
        });
        Some(Self::Of {
            authority: uri.authority()?.clone(),
            port,
        })
    }

    pub(super) fn host(&self) -> &str {
        bare_host(match self {
            Self::Named { host, .. } => host,
            Self::Of { authority, .. } => authority.host(),
        })
    }

    pub(super) fn port(&self) -> Option<u16> {
        match self {
            Self::Named { port, .. } => Some(*port),
            Self::Of { port, .. } => *port,
        }
    }
}
