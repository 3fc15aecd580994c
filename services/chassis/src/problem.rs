//! Problem documents (RFC 9457): the body of an HTTP error response.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, chain};

/// The media type of a problem document.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// A problem document: the members of RFC 9457 section 3.1 and the extensions `code`, `field` and `trace_id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A stable URI reference that identifies the problem type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The reason phrase of the status.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// The explanation of this occurrence, for people.
    pub detail: String,
    /// The stable code, for programs.
    pub code: String,
    /// The field of the request that is wrong, if it is one field.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// The trace id of the request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trace_id: Option<String>,
}

impl From<&Failure> for Problem {
    fn from(failure: &Failure) -> Self {
        let status = failure.kind.http();
        Self {
            kind: format!("/problems/{}", failure.code),
            title: title(status),
            status: status.as_u16(),
            detail: failure.message.to_string(),
            code: failure.code.to_string(),
            field: failure.field.as_deref().map(str::to_owned),
            trace_id: telemetry::context::current_trace_id(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        if let Some(source) = &self.source {
            tracing::error!(code = %self.code, error = %chain(source.as_ref()), "request failed");
        }
        Problem::from(&self).into_response()
    }
}

impl Problem {
    /// Replaces the status, and the title with it: for a status that no [`Kind`](crate::Kind) has.
    #[must_use]
    pub fn with_status(self, status: StatusCode) -> Self {
        Self {
            status: status.as_u16(),
            title: title(status),
            ..self
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self)).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        response
    }
}

fn title(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or("Error").to_owned()
}
