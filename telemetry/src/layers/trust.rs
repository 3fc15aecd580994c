//! Whose trace context a server goes on from.

use std::sync::Arc;

use http::HeaderMap;
use opentelemetry::trace::SpanContext;

use crate::trace::propagation::{self, Caller};

/// Whose trace context a server goes on from.
#[derive(Clone, Default)]
pub enum TrustPolicy {
    /// Everybody's: for servers that only their own system can reach.
    #[default]
    Inherit,
    /// Only of callers for whom the function says so, by a credential among the headers. Of everybody else the
    /// context becomes a link, the baggage is dropped, and the sampling flag does not count.
    Boundary(Arc<dyn Fn(&HeaderMap) -> bool + Send + Sync>),
}

impl std::fmt::Debug for TrustPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Inherit => "Inherit",
            Self::Boundary(_) => "Boundary",
        })
    }
}

impl TrustPolicy {
    /// What the caller's headers say about the trace so far: whom to go on from, and the span to link to instead.
    pub(crate) fn admit(&self, headers: &HeaderMap) -> (Caller, Option<SpanContext>) {
        let caller = propagation::caller(headers);
        let trusted = match self {
            Self::Inherit => true,
            Self::Boundary(trusted) => trusted(headers),
        };
        if trusted {
            (caller, None)
        } else {
            (Caller::default(), caller.span)
        }
    }
}
