//! What a call came to, as its span and its metrics tell it.

use super::status::Status;
use crate::layers::exchange::Failure;
use crate::layers::hop::{Abandoned, Hop};
use crate::metrics::signals::KnownErrorType;
use crate::metrics::signals::attributes::ERROR_TYPE;

/// How a call ended.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) status: Status,
    pub(super) verdict: Verdict,
}

/// Whether it has failed.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It has not.
    Fine,
    /// It has an `error.type`, which is no error of its span.
    Noted(&'static str),
    /// It has: `error.type`, and what the span says of it.
    Failed(&'static str, String),
}

// === impl Outcome ===

impl Outcome {
    /// A call that was answered with this status.
    pub(super) fn answered(status: Status, is_error: bool) -> Self {
        let verdict = if is_error {
            Verdict::Failed(status.name(), String::new())
        } else {
            Verdict::Fine
        };
        Self { status, verdict }
    }

    /// A call that was answered with this status, and whose handler has named the error.
    pub(super) fn named(status: Status, error_type: &'static str, failed: bool) -> Self {
        let verdict = if failed {
            Verdict::Failed(error_type, String::new())
        } else {
            Verdict::Noted(error_type)
        };
        Self { status, verdict }
    }

    /// A call whose caller has left. Leaving a stream is how its reader ends it.
    pub(super) fn left(is_stream: bool) -> Self {
        Self {
            status: Status::CANCELLED,
            verdict: if is_stream {
                Verdict::Fine
            } else {
                Verdict::Noted(Abandoned::Cancelled.error_type())
            },
        }
    }

    pub(super) fn panicked() -> Self {
        let error_type = Abandoned::Panicked.error_type();
        Self {
            status: Status::UNKNOWN,
            verdict: Verdict::Failed(error_type, "panicked".to_owned()),
        }
    }

    /// A service that failed without an answer. Its own text may say what is nobody's business.
    pub(super) fn of_service(error_type: KnownErrorType) -> Self {
        Self {
            status: Status::UNKNOWN,
            verdict: Verdict::Failed(error_type.as_str(), String::new()),
        }
    }

    /// A call that failed with an error of the transport: the status is what tonic tells its caller. `error.type` is
    /// `otherwise` where no peer has said why.
    pub(super) fn of_transport(error: &dyn Failure, otherwise: KnownErrorType) -> Self {
        let told = Status::of_failure(error);
        let error_type = match told {
            None | Some(Status::UNAVAILABLE | Status::UNKNOWN) => otherwise.as_str(),
            Some(status) => status.name(),
        };
        Self {
            status: told.unwrap_or(Status::UNKNOWN),
            verdict: Verdict::Failed(error_type, error.to_string()),
        }
    }
}

// === impl Verdict ===

impl Verdict {
    pub(super) fn error_type(&self) -> Option<&'static str> {
        match self {
            Self::Fine => None,
            Self::Noted(error_type) | Self::Failed(error_type, _) => Some(error_type),
        }
    }

    pub(super) fn tell(&self, hop: &Hop) {
        match self {
            Self::Fine => {}
            Self::Noted(error_type) => hop.set(ERROR_TYPE, *error_type),
            Self::Failed(error_type, description) => hop.fail(error_type, description),
        }
    }
}
