//! Whose trace context a server goes on from.

use std::sync::Arc;

use http::HeaderMap;
use opentelemetry::trace::SpanContext;

use crate::trace::propagation::{self, Caller};

/// Whose trace context a server goes on from.
#[derive(Clone, Default)]
pub enum TrustPolicy {
    /// Trusts every caller: for servers that only their own system can reach.
    #[default]
    Inherit,
    /// Trusts the callers for whom the function returns true, by a credential in the headers. Any other caller's context
    /// becomes a link, its baggage is dropped, and its sampling flag is ignored.
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
    /// The caller's trace context from its headers: the parent to continue from, or the span to link to instead.
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
