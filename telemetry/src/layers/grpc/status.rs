//! The status codes of gRPC, by their names.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::layers::headers;
use crate::metrics::signals::RpcResponseStatusCode;

/// The header, or trailer, that carries the status of a call.
static GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

/// What `grpc-status` said. The registry lists the codes in the order of their numbers, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Status(RpcResponseStatusCode);

impl Status {
    pub(super) const OK: Self = Self(RpcResponseStatusCode::Ok);
    pub(super) const CANCELLED: Self = Self(RpcResponseStatusCode::Cancelled);
    pub(super) const UNKNOWN: Self = Self(RpcResponseStatusCode::Unknown);
    pub(super) const DEADLINE_EXCEEDED: Self = Self(RpcResponseStatusCode::DeadlineExceeded);
    pub(super) const UNIMPLEMENTED: Self = Self(RpcResponseStatusCode::Unimplemented);
    pub(super) const INTERNAL: Self = Self(RpcResponseStatusCode::Internal);
    pub(super) const UNAVAILABLE: Self = Self(RpcResponseStatusCode::Unavailable);
    pub(super) const DATA_LOSS: Self = Self(RpcResponseStatusCode::DataLoss);
    pub(super) const UNAUTHENTICATED: Self = Self(RpcResponseStatusCode::Unauthenticated);
    pub(super) const PERMISSION_DENIED: Self = Self(RpcResponseStatusCode::PermissionDenied);

    /// Reads `grpc-status` from trailers, or from headers; a value that is none counts as UNKNOWN.
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let value = headers::first(headers, &GRPC_STATUS)?;
        let code = value
            .to_str()
            .ok()
            .and_then(|code| code.parse::<usize>().ok())
            .and_then(|code| RpcResponseStatusCode::ALL.get(code).copied());
        Some(code.map_or(Self::UNKNOWN, Self))
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

    /// Writes `grpc-status` there.
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

    /// Whether it says that the server, not its caller, has failed.
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
        }
    }
}
