//! Failures over HTTP: problem documents (RFC 9457).

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, chain};

/// The media type of a problem document.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// A problem document: the members of RFC 9457 section 3.1 and three extensions of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A URI reference that names the kind of problem; stable.
    #[serde(rename = "type")]
    pub kind: String,
    /// The status's phrase.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong this time.
    pub detail: String,
    /// Stable and dotted, for programs.
    pub code: String,
    /// The field at fault, when there is one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// The trace in which it happened.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub trace_id: Option<String>,
}

impl From<&Failure> for Problem {
    fn from(failure: &Failure) -> Self {
        let status = failure.kind.http();
        Self {
            kind: format!("/problems/{}", failure.code),
            title: phrase(status).to_owned(),
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
        let mut response = (self.kind.http(), axum::Json(Problem::from(&self))).into_response();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        response
    }
}

fn phrase(status: StatusCode) -> &'static str {
    status.canonical_reason().unwrap_or("Error")
}
