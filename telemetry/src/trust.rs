//! Whose trace context a server goes on from.

use std::sync::Arc;

use http::HeaderMap;
use tracing::Span;

use crate::{context, propagation};

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
    /// Gives `span`, a new one without a parent, what the caller's headers say about the trace so far. `with` is
    /// what the span's context holds beside that.
    pub(crate) fn admit(
        &self,
        span: &Span,
        headers: &HeaderMap,
        with: impl FnOnce(opentelemetry::Context) -> opentelemetry::Context,
    ) {
        let remote = propagation::extract(headers);
        let trusted = match self {
            Self::Inherit => true,
            Self::Boundary(trusted) => trusted(headers),
        };
        if trusted {
            context::adopt(span, with(remote));
        } else {
            context::adopt(span, with(opentelemetry::Context::new()));
            let linked = context::SavedContext::from_context(&remote);
            context::link(span, &linked);
        }
    }
}
