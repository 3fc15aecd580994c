//! A call and its response, as far as they have come, on either side.

use std::sync::Arc;

use bytes::Buf;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::time::Instant;

use super::deadline::Deadline;
use super::messages::Messages;
use super::method;
use super::status::Status;
use crate::layers::exchange::{End, Exchange, Part};
use crate::layers::hop::{Abandoned, Hop};
use crate::layers::stream::OpenStream;
use crate::metrics::gauge::Held;
use crate::metrics::signals::attributes::{
    ERROR_TYPE, RPC_METHOD, RPC_METHOD_ORIGINAL, RPC_RESPONSE_STATUS_CODE, RPC_SYSTEM_NAME,
    TELEMETRY_STREAMING,
};
use crate::metrics::signals::{
    KnownErrorType, RpcClientCallDuration, RpcClientOpenStreams, RpcServerCallDuration,
    RpcServerOpenStreams, RpcServerStreamFirstEventDuration, RpcSystemName,
};

/// What the conventions call a method that nobody has declared.
const OTHER: &str = "_OTHER";

/// The system's name, as the conventions have it.
const GRPC: &str = RpcSystemName::Grpc.as_str();

/// What a caller is told when its time is up.
const EXPIRED: HeaderValue = HeaderValue::from_static("the deadline has passed");

/// One call and its response, as far as it has come.
#[derive(Debug)]
pub struct CallExchange {
    hop: Hop,
    side: Side,
    path: Option<PathAndQuery>,
    deadline: Option<Deadline>,
    http_status: Option<StatusCode>,
    // The status of a response that has no body.
    early: Option<Status>,
    // When the method streams.
    stream: Option<Stream>,
}

/// What counts it among the open streams, while this lives.
#[derive(Debug)]
enum Stream {
    Served(Box<OpenStream<Messages>>),
    Called { _held: Held },
}

/// Where the call is measured.
#[derive(Debug, Clone)]
pub(super) enum Side {
    Server,
    /// With the server that the channel goes to, when it was named.
    Client(Option<Arc<Address>>),
}

/// The address of a server, as it was configured.
#[derive(Debug)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

/// What a call came to.
struct Outcome<'a> {
    status: Status,
    // Empty when nothing went wrong.
    error_type: &'static str,
    // The description, when the span has failed.
    failure: Option<&'a str>,
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
            side,
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
            Side::Server => Stream::Served(OpenStream::new(
                RpcServerOpenStreams {
                    rpc_method: self.method(),
                }
                .gauge(),
                |rpc_method| RpcServerStreamFirstEventDuration { rpc_method }.histogram(),
                (RPC_METHOD, self.method().to_owned()),
            )),
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

    fn finish(mut self, outcome: &Outcome<'_>) {
        let is_stream = self.stream.is_some();
        if let Some(Stream::Served(stream)) = self.stream.take() {
            stream.end(&self.hop);
        }
        let Self {
            hop, side, path, ..
        } = self;
        let Outcome {
            status,
            error_type,
            failure,
        } = *outcome;
        let called = path.as_ref().map_or("", |path| method(path.path()));
        // Anybody can call methods that do not exist, by names without bound.
        let is_unknown = matches!(side, Side::Server) && status == Status::UNIMPLEMENTED;
        let method = if is_unknown { OTHER } else { called };
        hop.end(|hop| {
            hop.describe(|| {
                [
                    RPC_METHOD.with(method),
                    RPC_RESPONSE_STATUS_CODE.with(status.code()),
                ]
            });
            if is_unknown {
                hop.rename(GRPC);
                hop.set(RPC_METHOD_ORIGINAL, called);
            }
            match failure {
                Some(description) => hop.fail(error_type, description),
                None if error_type.is_empty() => {}
                None => hop.set(ERROR_TYPE, error_type),
            }
            if !is_stream {
                side.record(hop, method, status, error_type);
            }
        });
    }

    fn outcome<'a>(&self, end: &'a End<'a>) -> Outcome<'a> {
        match end {
            End::Complete => self.answered(self.status_without_trailers()),
            End::Trailers(trailers) => {
                let told = Status::read(trailers);
                self.answered(told.unwrap_or_else(|| self.status_without_trailers()))
            }
            End::BodyError(error) => Outcome {
                status: Status::UNKNOWN,
                error_type: KnownErrorType::BodyError.as_str(),
                failure: Some(self.side.told(error)),
            },
            End::Abandoned(how @ Abandoned::Panicked) => Outcome {
                status: Status::UNKNOWN,
                error_type: how.error_type(),
                failure: Some("panicked"),
            },
            End::Abandoned(how @ Abandoned::Cancelled) => self.left(how.error_type()),
        }
    }

    fn answered(&self, status: Status) -> Outcome<'static> {
        let is_error = match self.side {
            Side::Server => status.is_server_fault(),
            Side::Client(_) => status != Status::OK,
        };
        if let Some(error_type) = self.hop.named_error() {
            let failed = is_error || status == Status::OK;
            return Outcome {
                status,
                error_type,
                failure: failed.then_some(""),
            };
        }
        Outcome {
            status,
            error_type: if is_error { status.name() } else { "" },
            failure: is_error.then_some(""),
        }
    }

    /// What it means that nobody waits for the rest.
    fn left(&self, error_type: &'static str) -> Outcome<'static> {
        // A response of headers only has its status there, and its body is not always polled.
        if let Some(status) = self.early {
            return self.answered(status);
        }
        if self.is_late() {
            return self.answered(Status::DEADLINE_EXCEEDED);
        }
        Outcome {
            status: Status::CANCELLED,
            // Leaving a stream is how its reader ends it.
            error_type: if self.stream.is_some() {
                ""
            } else {
                error_type
            },
            failure: None,
        }
    }

    /// The status when the body ended and brought none.
    fn status_without_trailers(&self) -> Status {
        self.early.unwrap_or_else(|| match self.http_status {
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
        if let Some(Stream::Served(stream)) = &mut self.stream {
            stream.data(&self.hop, data);
        }
    }

    fn failed(self, error: &str) {
        let (status, error_type) = match self.side {
            Side::Server => (Status::UNKNOWN, KnownErrorType::ServiceError),
            Side::Client(_) => (Status::UNAVAILABLE, KnownErrorType::ConnectionError),
        };
        let outcome = Outcome {
            status,
            error_type: error_type.as_str(),
            failure: Some(self.side.told(error)),
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
    /// What the span may say of an error. A server's own text may say what is nobody's business.
    fn told<'a>(&self, error: &'a str) -> &'a str {
        match self {
            Self::Server => "",
            Self::Client(_) => error,
        }
    }

    fn record(&self, hop: &Hop, method: &str, status: Status, error_type: &str) {
        let rpc_system_name = RpcSystemName::Grpc;
        let rpc_response_status_code = status.code();
        let error_type = (!error_type.is_empty()).then_some(error_type);
        let duration = match self {
            Self::Server => RpcServerCallDuration {
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
                server_address: server.as_ref().map(|server| server.host.as_str()),
                server_port: server.as_ref().map(|server| i64::from(server.port)),
            }
            .histogram(),
        };
        duration.record(hop.seconds());
    }
}
