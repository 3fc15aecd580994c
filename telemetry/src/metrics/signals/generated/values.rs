//! The sets of values that labels and attributes have.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use crate::signals::AttributeEnum;

/// The values of `db.client.connection.state`: As the semantic conventions define it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DbClientConnectionState {
    /// `idle`.
    Idle,
    /// `used`.
    Used,
}

impl DbClientConnectionState {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Idle, Self::Used];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Used => "used",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for DbClientConnectionState {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `http.request.method`: As the semantic conventions define it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HttpRequestMethod {
    /// `GET`.
    Get,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
    /// `HEAD`.
    Head,
    /// `OPTIONS`.
    Options,
    /// `CONNECT`.
    Connect,
    /// `TRACE`.
    Trace,
    /// `QUERY`.
    Query,
    /// `_OTHER`.
    Other,
}

impl HttpRequestMethod {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Get,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
        Self::Head,
        Self::Options,
        Self::Connect,
        Self::Trace,
        Self::Query,
        Self::Other,
    ];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Head => "HEAD",
            Self::Options => "OPTIONS",
            Self::Connect => "CONNECT",
            Self::Trace => "TRACE",
            Self::Query => "QUERY",
            Self::Other => "_OTHER",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for HttpRequestMethod {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// Values of `error.type`: As the semantic conventions define it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KnownErrorType {
    /// Whoever waited for the answer went away.
    Cancelled,
    /// The code that worked on it panicked.
    Panic,
    /// The service returned an error instead of a response.
    ServiceError,
    /// The body of the response failed before its end.
    BodyError,
    /// A time limit passed.
    Timeout,
    /// Nobody listens at the address.
    ConnectionRefused,
    /// The connection failed in another way.
    ConnectionError,
    /// The server's name has no address.
    NameNotResolved,
}

impl KnownErrorType {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Cancelled,
        Self::Panic,
        Self::ServiceError,
        Self::BodyError,
        Self::Timeout,
        Self::ConnectionRefused,
        Self::ConnectionError,
        Self::NameNotResolved,
    ];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Panic => "panic",
            Self::ServiceError => "service_error",
            Self::BodyError => "body_error",
            Self::Timeout => "timeout",
            Self::ConnectionRefused => "connection_refused",
            Self::ConnectionError => "connection_error",
            Self::NameNotResolved => "name_not_resolved",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for KnownErrorType {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `messaging.operation.type`: As the semantic conventions define it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessagingOperationType {
    /// `create`.
    Create,
    /// `send`.
    Send,
    /// `receive`.
    Receive,
    /// `process`.
    Process,
    /// `settle`.
    Settle,
}

impl MessagingOperationType {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Create,
        Self::Send,
        Self::Receive,
        Self::Process,
        Self::Settle,
    ];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Process => "process",
            Self::Settle => "settle",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for MessagingOperationType {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `network.protocol.version`: As the semantic conventions define it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NetworkProtocolVersion {
    /// `0.9`.
    V0_9,
    /// `1.0`.
    V1_0,
    /// `1.1`.
    V1_1,
    /// `2`.
    V2,
    /// `3`.
    V3,
}

impl NetworkProtocolVersion {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::V0_9, Self::V1_0, Self::V1_1, Self::V2, Self::V3];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V0_9 => "0.9",
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
            Self::V2 => "2",
            Self::V3 => "3",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for NetworkProtocolVersion {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// Values of `error.type`: As the semantic conventions define it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OtelSdkExporterSpanExportedErrorType {
    /// A time limit passed.
    Timeout,
    /// `connection_lost`.
    ConnectionLost,
    /// `unreachable`.
    Unreachable,
    /// `refused`.
    Refused,
    /// `rejected`.
    Rejected,
    /// `encoding`.
    Encoding,
}

impl OtelSdkExporterSpanExportedErrorType {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Timeout,
        Self::ConnectionLost,
        Self::Unreachable,
        Self::Refused,
        Self::Rejected,
        Self::Encoding,
    ];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::ConnectionLost => "connection_lost",
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Rejected => "rejected",
            Self::Encoding => "encoding",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for OtelSdkExporterSpanExportedErrorType {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// Values of `error.type`: As the semantic conventions define it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OtelSdkProcessorSpanProcessedErrorType {
    /// `queue_full`.
    QueueFull,
    /// `already_shutdown`.
    AlreadyShutdown,
    /// `shutdown_timeout`.
    ShutdownTimeout,
}

impl OtelSdkProcessorSpanProcessedErrorType {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::QueueFull,
        Self::AlreadyShutdown,
        Self::ShutdownTimeout,
    ];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::AlreadyShutdown => "already_shutdown",
            Self::ShutdownTimeout => "shutdown_timeout",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for OtelSdkProcessorSpanProcessedErrorType {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `rpc.response.status_code`: As the semantic conventions define it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RpcResponseStatusCode {
    /// `OK`.
    Ok,
    /// `CANCELLED`.
    Cancelled,
    /// `UNKNOWN`.
    Unknown,
    /// `INVALID_ARGUMENT`.
    InvalidArgument,
    /// `DEADLINE_EXCEEDED`.
    DeadlineExceeded,
    /// `NOT_FOUND`.
    NotFound,
    /// `ALREADY_EXISTS`.
    AlreadyExists,
    /// `PERMISSION_DENIED`.
    PermissionDenied,
    /// `RESOURCE_EXHAUSTED`.
    ResourceExhausted,
    /// `FAILED_PRECONDITION`.
    FailedPrecondition,
    /// `ABORTED`.
    Aborted,
    /// `OUT_OF_RANGE`.
    OutOfRange,
    /// `UNIMPLEMENTED`.
    Unimplemented,
    /// `INTERNAL`.
    Internal,
    /// `UNAVAILABLE`.
    Unavailable,
    /// `DATA_LOSS`.
    DataLoss,
    /// `UNAUTHENTICATED`.
    Unauthenticated,
}

impl RpcResponseStatusCode {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Ok,
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Cancelled => "CANCELLED",
            Self::Unknown => "UNKNOWN",
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::FailedPrecondition => "FAILED_PRECONDITION",
            Self::Aborted => "ABORTED",
            Self::OutOfRange => "OUT_OF_RANGE",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Internal => "INTERNAL",
            Self::Unavailable => "UNAVAILABLE",
            Self::DataLoss => "DATA_LOSS",
            Self::Unauthenticated => "UNAUTHENTICATED",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for RpcResponseStatusCode {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `rpc.system.name`: As the semantic conventions define it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RpcSystemName {
    /// `grpc`.
    Grpc,
}

impl RpcSystemName {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Grpc];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for RpcSystemName {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `telemetry.reason`: Why something was not taken as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TelemetryContextRejectedReason {
    /// `already_started`.
    AlreadyStarted,
    /// `malformed`.
    Malformed,
    /// `duplicated`.
    Duplicated,
    /// `oversized`.
    Oversized,
    /// `truncated`.
    Truncated,
}

impl TelemetryContextRejectedReason {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::AlreadyStarted,
        Self::Malformed,
        Self::Duplicated,
        Self::Oversized,
        Self::Truncated,
    ];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyStarted => "already_started",
            Self::Malformed => "malformed",
            Self::Duplicated => "duplicated",
            Self::Oversized => "oversized",
            Self::Truncated => "truncated",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for TelemetryContextRejectedReason {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `telemetry.reason`: Why something was not taken as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TelemetryLogDroppedReason {
    /// `buffer_full`.
    BufferFull,
    /// `write_failed`.
    WriteFailed,
}

impl TelemetryLogDroppedReason {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::BufferFull, Self::WriteFailed];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BufferFull => "buffer_full",
            Self::WriteFailed => "write_failed",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for TelemetryLogDroppedReason {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `telemetry.log.level`: The level of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TelemetryLogLevel {
    /// Something failed.
    Error,
    /// Something may fail.
    Warn,
    /// Something happened.
    Info,
    /// For whoever works on the code.
    Debug,
    /// Each step.
    Trace,
}

impl TelemetryLogLevel {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Error,
        Self::Warn,
        Self::Info,
        Self::Debug,
        Self::Trace,
    ];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for TelemetryLogLevel {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `telemetry.reason`: Why something was not taken as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TelemetryMetricRejectedReason {
    /// `kind_conflict`.
    KindConflict,
    /// `too_many_metrics`.
    TooManyMetrics,
    /// `not_finite`.
    NotFinite,
}

impl TelemetryMetricRejectedReason {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::KindConflict, Self::TooManyMetrics, Self::NotFinite];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KindConflict => "kind_conflict",
            Self::TooManyMetrics => "too_many_metrics",
            Self::NotFinite => "not_finite",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for TelemetryMetricRejectedReason {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// Values of `error.type`: As the semantic conventions define it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TelemetrySamplingFetchesErrorType {
    /// `unreachable`.
    Unreachable,
    /// A time limit passed.
    Timeout,
    /// `refused`.
    Refused,
    /// `unreadable`.
    Unreadable,
}

impl TelemetrySamplingFetchesErrorType {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Unreachable,
        Self::Timeout,
        Self::Refused,
        Self::Unreadable,
    ];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Unreadable => "unreadable",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for TelemetrySamplingFetchesErrorType {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `telemetry.reason`: Why something was not taken as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TelemetrySpanExcludedReason {
    /// `target`.
    Target,
    /// `suppressed`.
    Suppressed,
}

impl TelemetrySpanExcludedReason {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Target, Self::Suppressed];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Suppressed => "suppressed",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for TelemetrySpanExcludedReason {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}

/// The values of `url.scheme`: As the semantic conventions define it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UrlScheme {
    /// `http`.
    Http,
    /// `https`.
    Https,
}

impl UrlScheme {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Http, Self::Https];

    /// As it is recorded.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The variant that is recorded as this text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|value| value.as_str() == text)
    }
}

impl AttributeEnum for UrlScheme {
    fn as_str(self) -> &'static str {
        Self::as_str(self)
    }
}
