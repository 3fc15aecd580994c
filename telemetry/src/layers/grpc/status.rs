//! The status codes of gRPC, by their names.

use std::error::Error;

use h2::Reason;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::layers::causes::causes;
use crate::layers::exchange::Failure;
use crate::layers::headers;
use crate::metrics::signals::RpcResponseStatusCode;

/// The header, or trailer, that carries the status of a call.
static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// The status of a call. The registry lists the codes in the order of their numbers, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status(RpcResponseStatusCode);

impl Status {
    pub(super) const OK: Self = Self(RpcResponseStatusCode::Ok);
    pub(super) const CANCELLED: Self = Self(RpcResponseStatusCode::Cancelled);
    pub(super) const UNKNOWN: Self = Self(RpcResponseStatusCode::Unknown);
    pub(super) const DEADLINE_EXCEEDED: Self = Self(RpcResponseStatusCode::DeadlineExceeded);
    pub(super) const RESOURCE_EXHAUSTED: Self = Self(RpcResponseStatusCode::ResourceExhausted);
    pub(super) const UNIMPLEMENTED: Self = Self(RpcResponseStatusCode::Unimplemented);
    pub(super) const INTERNAL: Self = Self(RpcResponseStatusCode::Internal);
    pub(super) const UNAVAILABLE: Self = Self(RpcResponseStatusCode::Unavailable);
    pub(super) const DATA_LOSS: Self = Self(RpcResponseStatusCode::DataLoss);
    pub(super) const UNAUTHENTICATED: Self = Self(RpcResponseStatusCode::Unauthenticated);
    pub(super) const PERMISSION_DENIED: Self = Self(RpcResponseStatusCode::PermissionDenied);

    /// Reads `grpc-status` from trailers, or from headers; a value that is none counts as UNKNOWN.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        headers::first(headers, &GRPC_STATUS).map(|value| Self::parse(value.as_bytes()))
    }

    /// The value of `grpc-status`; one that is none counts as UNKNOWN.
    pub(super) fn parse(value: &[u8]) -> Self {
        let code = std::str::from_utf8(value)
            .ok()
            .and_then(|code| code.parse::<usize>().ok())
            .and_then(|code| RpcResponseStatusCode::ALL.get(code).copied());
        code.map_or(Self::UNKNOWN, Self)
    }

    /// The status that tonic tells the caller of a call that failed with this error; none when it finds none.
    pub(super) fn of_failure(failure: &dyn Failure) -> Option<Self> {
        causes(failure).find_map(Self::of_cause)
    }

    fn of_cause(cause: &(dyn Error + 'static)) -> Option<Self> {
        if let Some(status) = cause.downcast_ref::<tonic::Status>() {
            return Some(Self::of_code(status.code()));
        }
        if cause.is::<tonic::TimeoutExpired>() {
            return Some(Self::CANCELLED);
        }
        if cause.is::<tonic::ConnectError>() {
            return Some(Self::UNAVAILABLE);
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            if error.is_timeout() {
                return Some(Self::UNAVAILABLE);
            }
            if error.is_canceled() {
                return Some(Self::CANCELLED);
            }
        }
        cause.downcast_ref::<h2::Error>().map(Self::of_h2)
    }

    fn of_code(code: tonic::Code) -> Self {
        let number = usize::try_from(i32::from(code)).unwrap_or_default();
        let code = RpcResponseStatusCode::ALL.get(number).copied();
        code.map_or(Self::UNKNOWN, Self)
    }

    /// What a reset of the stream means: the mapping of gRPC over HTTP/2, "Errors".
    fn of_h2(error: &h2::Error) -> Self {
        match error.reason() {
            Some(Reason::CANCEL) => Self::CANCELLED,
            Some(Reason::REFUSED_STREAM) => Self::UNAVAILABLE,
            Some(Reason::ENHANCE_YOUR_CALM) => Self::RESOURCE_EXHAUSTED,
            Some(Reason::INADEQUATE_SECURITY) => Self::PERMISSION_DENIED,
            Some(
                Reason::NO_ERROR
                | Reason::PROTOCOL_ERROR
                | Reason::INTERNAL_ERROR
                | Reason::FLOW_CONTROL_ERROR
                | Reason::SETTINGS_TIMEOUT
                | Reason::FRAME_SIZE_ERROR
                | Reason::COMPRESSION_ERROR
                | Reason::CONNECT_ERROR,
            ) => Self::INTERNAL,
            _ => Self::UNKNOWN,
        }
    }

    /// What an answer without `grpc-status` means, by its HTTP status: the mapping of the gRPC documentation.
    pub(super) fn of_http(status: http::StatusCode) -> Self {
        match status.as_u16() {
            400 => Self::INTERNAL,
            401 => Self::UNAUTHENTICATED,
            403 => Self::PERMISSION_DENIED,
            404 => Self::UNIMPLEMENTED,
            429 | 502..=504 => Self::UNAVAILABLE,
            _ => Self::UNKNOWN,
        }
    }

    /// Writes `grpc-status`.
    pub(super) fn write(self, headers: &mut HeaderMap) {
        headers.insert(&GRPC_STATUS, HeaderValue::from(self.0 as u16));
    }

    pub(super) fn name(self) -> &'static str {
        self.0.as_str()
    }

    /// As a label has it.
    pub(super) fn code(self) -> RpcResponseStatusCode {
        self.0
    }

    /// Whether it is an error of the server, and not of its caller.
    pub(super) fn is_server_fault(self) -> bool {
        matches!(
            self,
            Self::UNKNOWN
                | Self::DEADLINE_EXCEEDED
                | Self::UNIMPLEMENTED
                | Self::INTERNAL
                | Self::UNAVAILABLE
                | Self::DATA_LOSS
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_lists_the_codes_in_the_order_of_their_numbers() {
        for (number, code) in RpcResponseStatusCode::ALL.into_iter().enumerate() {
            let known = tonic::Code::from_i32(i32::try_from(number).unwrap());
            let name = format!("{known:?}").to_uppercase();
            assert_eq!(code.as_str().replace('_', ""), name);
            let mut headers = HeaderMap::new();
            Status(code).write(&mut headers);
            assert_eq!(headers[&GRPC_STATUS], *number.to_string());
            assert_eq!(Status::read(&headers), Some(Status(code)));
            assert_eq!(Status::of_code(known), Status(code));
        }
    }

    /// The way of an error through a client.
    #[derive(Debug, thiserror::Error)]
    #[error("transport error")]
    struct Transport(#[source] Box<dyn Error + Send + Sync>);

    #[test]
    fn an_error_is_the_status_that_tonic_tells_its_caller() {
        let errors: [fn() -> Box<dyn Error + Send + Sync>; 8] = [
            || h2::Error::from(Reason::CANCEL).into(),
            || h2::Error::from(Reason::REFUSED_STREAM).into(),
            || h2::Error::from(Reason::ENHANCE_YOUR_CALM).into(),
            || h2::Error::from(Reason::NO_ERROR).into(),
            || tonic::TimeoutExpired(()).into(),
            || tonic::ConnectError("refused".into()).into(),
            || Box::new(Transport(Box::new(tonic::Status::aborted("no")))),
            || Box::new(Transport(Box::new(tonic::ConnectError("refused".into())))),
        ];
        for error in errors {
            let told = tonic::Status::from_error(error());
            let boxed = error();
            assert_eq!(
                Status::of_failure(&boxed),
                Some(Status::of_code(told.code())),
                "{boxed:?}"
            );
        }
        assert_eq!(Status::of_failure(&"no error of a known type"), None);
    }
}
