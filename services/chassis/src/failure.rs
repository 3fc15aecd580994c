//! The error type of requests, from the rule that rejects one to the response on the wire.
//!
//! A [`Failure`] has an external part (its stable code, message and field, for the caller) and an internal one (its
//! source, for the log), which never leaves the process. Over gRPC it is a status with `google.rpc.ErrorInfo` and
//! `BadRequest` details; over HTTP it is a [problem document](crate::problem).

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;

use serde::{Deserialize, Serialize};
use tonic_types::{ErrorDetails, StatusExt};

/// The `domain` of the platform's codes in `google.rpc.ErrorInfo`.
const DOMAIN: &str = "bidtrace";

/// The kinds of failure, each with one gRPC code and one HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// The request itself is wrong.
    Invalid,
    /// The credentials are missing or invalid.
    Unauthenticated,
    /// Authenticated, but not allowed.
    Forbidden,
    /// The resource does not exist, or this caller may not see it.
    NotFound,
    /// A rule rejects the request in the current state.
    Conflict,
    /// An idempotency key was used before with another body.
    KeyReused,
    /// A rate limit or a capacity is exceeded.
    Exhausted,
    /// The deadline passed.
    DeadlineExceeded,
    /// A dependency cannot be reached; a retry may succeed.
    Unavailable,
    /// A defect of the platform.
    Internal,
}

impl Kind {
    /// The gRPC code.
    pub const fn grpc(self) -> tonic::Code {
        match self {
            Self::Invalid => tonic::Code::InvalidArgument,
            Self::Unauthenticated => tonic::Code::Unauthenticated,
            Self::Forbidden => tonic::Code::PermissionDenied,
            Self::NotFound => tonic::Code::NotFound,
            Self::Conflict => tonic::Code::FailedPrecondition,
            Self::KeyReused => tonic::Code::AlreadyExists,
            Self::Exhausted => tonic::Code::ResourceExhausted,
            Self::DeadlineExceeded => tonic::Code::DeadlineExceeded,
            Self::Unavailable => tonic::Code::Unavailable,
            Self::Internal => tonic::Code::Internal,
        }
    }

    /// The HTTP status.
    pub const fn http(self) -> http::StatusCode {
        match self {
            Self::Invalid => http::StatusCode::BAD_REQUEST,
            Self::Unauthenticated => http::StatusCode::UNAUTHORIZED,
            Self::Forbidden => http::StatusCode::FORBIDDEN,
            Self::NotFound => http::StatusCode::NOT_FOUND,
            Self::Conflict => http::StatusCode::CONFLICT,
            Self::KeyReused => http::StatusCode::UNPROCESSABLE_ENTITY,
            Self::Exhausted => http::StatusCode::TOO_MANY_REQUESTS,
            Self::DeadlineExceeded => http::StatusCode::GATEWAY_TIMEOUT,
            Self::Unavailable => http::StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => http::StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Whether this is a decision, which a retry would get again, and not a transient failure or a defect.
    pub const fn is_decision(self) -> bool {
        !matches!(
            self,
            Self::Exhausted | Self::DeadlineExceeded | Self::Unavailable | Self::Internal
        )
    }

    const fn from_grpc(code: tonic::Code) -> Self {
        match code {
            tonic::Code::InvalidArgument | tonic::Code::OutOfRange => Self::Invalid,
            tonic::Code::Unauthenticated => Self::Unauthenticated,
            tonic::Code::PermissionDenied => Self::Forbidden,
            tonic::Code::NotFound => Self::NotFound,
            tonic::Code::FailedPrecondition | tonic::Code::Aborted => Self::Conflict,
            tonic::Code::AlreadyExists => Self::KeyReused,
            tonic::Code::ResourceExhausted => Self::Exhausted,
            tonic::Code::DeadlineExceeded | tonic::Code::Cancelled => Self::DeadlineExceeded,
            tonic::Code::Unavailable => Self::Unavailable,
            _ => Self::Internal,
        }
    }
}

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    /// Its kind.
    pub kind: Kind,
    /// The stable code for programs, such as `auction.bid_too_high`.
    pub code: Cow<'static, str>,
    /// The message for people, which the caller may see.
    pub message: Cow<'static, str>,
    /// The field of the request that is wrong, if it is one field.
    pub field: Option<Cow<'static, str>>,
    /// The cause, for the log only.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure of `kind` with the stable code `code`.
    pub fn new(
        kind: Kind,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            code: code.into(),
            message: message.into(),
            field: None,
            source: None,
        }
    }

    /// [`Kind::Invalid`] at `field`.
    pub fn invalid(
        code: &'static str,
        field: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Kind::Invalid, code, message).at(field)
    }

    /// [`Kind::NotFound`].
    pub fn not_found(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::NotFound, code, message)
    }

    /// [`Kind::Conflict`].
    pub fn conflict(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Conflict, code, message)
    }

    /// [`Kind::Forbidden`].
    pub fn forbidden(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Forbidden, code, message)
    }

    /// [`Kind::Internal`]. The caller gets a fixed message; `source` goes to the log.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(
                Kind::Internal,
                "internal",
                "something went wrong on our side",
            )
        }
    }

    /// [`Kind::Unavailable`]. The caller gets a fixed message; `source` goes to the log.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(
                Kind::Unavailable,
                "unavailable",
                "a part that is needed cannot be reached; try again",
            )
        }
    }

    /// Sets the field that is wrong.
    #[must_use]
    pub fn at(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::Io(_) => Self::unavailable(error),
            other => Self::internal(other),
        }
    }
}

impl From<Failure> for tonic::Status {
    fn from(failure: Failure) -> Self {
        if let Some(source) = &failure.source {
            tracing::error!(code = %failure.code, error = %chain(source.as_ref()), "request failed");
        }
        let mut metadata = HashMap::new();
        if let Some(trace_id) = telemetry::context::current_trace_id() {
            metadata.insert("trace_id".to_owned(), trace_id);
        }
        let mut details = ErrorDetails::with_error_info(failure.code.clone(), DOMAIN, metadata);
        if let Some(field) = &failure.field {
            details.add_bad_request_violation(field.clone(), failure.message.clone());
        }
        Self::with_error_details(failure.kind.grpc(), failure.message, details)
    }
}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        let details = status.get_error_details();
        let Some(info) = details.error_info().filter(|info| info.domain == DOMAIN) else {
            let failure = match Kind::from_grpc(status.code()) {
                // The client library made a status with a source: the connection failed before there was a response.
                Kind::Internal if status.source().is_some() => return Self::unavailable(status),
                Kind::Internal => return Self::internal(status),
                Kind::Unavailable => return Self::unavailable(status),
                Kind::DeadlineExceeded => Self::new(
                    Kind::DeadlineExceeded,
                    "deadline_exceeded",
                    "the answer took too long",
                ),
                kind => Self::new(kind, "upstream", "the request was refused"),
            };
            return Self {
                source: Some(Box::new(status)),
                ..failure
            };
        };
        Self {
            kind: Kind::from_grpc(status.code()),
            code: info.reason.clone().into(),
            message: status.message().to_owned().into(),
            field: details
                .bad_request()
                .and_then(|bad| bad.field_violations.first())
                .map(|violation| violation.field.clone().into()),
            source: None,
        }
    }
}

/// An error and its chain of sources as text, for a log line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Failure, Kind};

    #[test]
    fn a_failure_survives_the_wire_with_code_message_and_field() {
        let sent = Failure::invalid(
            "auction.no_dishes",
            "dishes",
            "at least one dish is required",
        );
        let received = Failure::from(tonic::Status::from(sent));
        assert_eq!(received.kind, Kind::Invalid);
        assert_eq!(received.code, "auction.no_dishes");
        assert_eq!(received.message, "at least one dish is required");
        assert_eq!(received.field.as_deref(), Some("dishes"));
    }

    #[test]
    fn the_internal_side_never_leaves() {
        let status = tonic::Status::from(Failure::internal("password of the database is hunter2"));
        let wire = format!("{status:?}{}", String::from_utf8_lossy(status.details()));
        assert!(!wire.contains("hunter2"), "{wire}");
    }

    #[test]
    fn a_connection_that_breaks_is_worth_another_try() {
        let broken = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let status = tonic::Status::from_error(Box::new(broken));
        assert_eq!(Failure::from(status).kind, Kind::Unavailable);
    }

    #[test]
    fn a_strangers_status_does_not_show_its_message() {
        let failure = Failure::from(tonic::Status::internal("stack trace at 0xdeadbeef"));
        assert_eq!(failure.message, "something went wrong on our side");
    }
}
