//! Error responses. Each is a problem document.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use chassis::failure::chain;
use chassis::{Failure, Kind, problem};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

/// The HTTP response to a [`Failure`], with the statuses and headers that a failure does not have.
#[derive(Debug)]
pub(crate) struct ErrorResponse {
    failure: Failure,
    status: StatusCode,
    retry_after: Option<u64>,
}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "/problems/auction.bid_too_high",
    "title": "Conflict",
    "status": 409,
    "detail": "a bid must be at least 500 KRW below the lowest one, which is 18500 KRW",
    "code": "auction.bid_too_high",
    "field": "price",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"
}))]
pub(crate) struct Problem {
    /// A URI reference that names the kind of problem; stable.
    #[serde(rename = "type")]
    kind: String,
    /// The status's phrase.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What went wrong this time, for people.
    detail: String,
    /// What went wrong, stable and dotted, for programs.
    code: String,
    /// The field at fault, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
    /// The trace in which it happened: quote it when you report the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    trace_id: Option<String>,
}

// === impl ErrorResponse ===

impl ErrorResponse {
    /// An error response with a status that no [`Kind`] has.
    pub(crate) fn with_status(
        status: StatusCode,
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let kind = if status.is_client_error() {
            Kind::Invalid
        } else {
            Kind::Internal
        };
        Self {
            failure: Failure::new(kind, code, message),
            status,
            retry_after: None,
        }
    }

    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The problem document, with the trace id of the current span. The source of the failure goes to the log.
    pub(crate) fn problem(&self) -> Problem {
        if let Some(source) = &self.failure.source {
            tracing::error!(code = %self.failure.code, error = %chain(source.as_ref()), "request failed");
        }
        let problem::Problem {
            kind,
            title: _,
            status: _,
            detail,
            code,
            field,
            trace_id,
        } = problem::Problem::from(&self.failure);
        Problem {
            kind,
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail,
            code,
            field,
            trace_id,
        }
    }
}

impl From<Failure> for ErrorResponse {
    fn from(failure: Failure) -> Self {
        Self {
            status: failure.kind.http(),
            retry_after: (failure.kind == Kind::Unavailable).then_some(1),
            failure,
        }
    }
}

impl From<tonic::Status> for ErrorResponse {
    fn from(status: tonic::Status) -> Self {
        Failure::from(status).into()
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.problem())).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(problem::CONTENT_TYPE),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"bidtrace\""),
            );
        }
        response
    }
}
