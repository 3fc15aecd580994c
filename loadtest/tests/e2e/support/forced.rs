//! Requests whose trace is kept because the load generator asks for it with its credential.

use chassis::headers::TRACE_AUTHORIZATION;
use loadtest::client::{Call, Session};
use loadtest::traces::{Finding, Trace};
use uuid::Uuid;

/// The `tracestate` that asks to keep the trace.
pub(crate) const KEEP: &str = "bidtrace=k";

/// The id of the parent span of the request, which is never exported.
pub(crate) const PARENT: &str = "00f067aa0ba902b7";

/// The trace of a request that is kept on demand.
pub(crate) struct ForcedTrace {
    pub(crate) trace_id: String,
    credential: String,
}

// === impl ForcedTrace ===

impl ForcedTrace {
    /// A new trace id, with the load generator's credential.
    pub(crate) fn by(load: &Session) -> Self {
        Self {
            trace_id: fresh_trace_id(),
            credential: format!("Bearer {}", load.token),
        }
    }

    /// Adds the headers with the trace context and the credential.
    pub(crate) fn headers(&self, call: Call) -> Call {
        call.header("traceparent", &traceparent(&self.trace_id))
            .header("tracestate", KEEP)
            .header(TRACE_AUTHORIZATION, &self.credential)
    }

    /// What is wrong with the trace, apart from the missing parent [`PARENT`].
    pub(crate) fn findings(trace: &Trace) -> Vec<Finding> {
        let mut findings = trace.structural_findings();
        findings.retain(|finding| match finding {
            Finding::NoRoot => false,
            Finding::MissingParent { parent, .. } => parent != PARENT,
            _ => true,
        });
        findings
    }
}

/// A new trace id.
pub(crate) fn fresh_trace_id() -> String {
    Uuid::now_v7().simple().to_string()
}

/// The `traceparent` of a sampled request in this trace.
pub(crate) fn traceparent(trace_id: &str) -> String {
    format!("00-{trace_id}-{PARENT}-01")
}
