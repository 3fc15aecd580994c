//! A request whose trace is kept because the load generator says so, by its credential.

use loadtest::{
    client::{Call, Session, TRACE_AUTHORIZATION},
    traces::{Finding, Trace},
};
use uuid::Uuid;

/// The `tracestate` that asks for a trace to be kept.
pub(crate) const KEEP: &str = "bidtrace=k";

/// The span that made the request, which nobody ever exports.
pub(crate) const PARENT: &str = "00f067aa0ba902b7";

/// The trace of one forced request.
pub(crate) struct Forced {
    pub(crate) trace_id: String,
    credential: String,
}

// === impl Forced ===

impl Forced {
    /// A new trace with the load generator's credential.
    pub(crate) fn by(load: &Session) -> Self {
        Self {
            trace_id: fresh_trace_id(),
            credential: format!("Bearer {}", load.token),
        }
    }

    /// The request with what forces it.
    pub(crate) fn headers(&self, call: Call) -> Call {
        call.header("traceparent", &traceparent(&self.trace_id))
            .header("tracestate", KEEP)
            .header(TRACE_AUTHORIZATION, &self.credential)
    }

    /// What is wrong with its trace, other than that its root is the caller's.
    pub(crate) fn findings(trace: &Trace) -> Vec<Finding> {
        let mut findings = trace.shape();
        findings.retain(|finding| match finding {
            Finding::NoRoot => false,
            Finding::MissingParent { parent, .. } => parent != PARENT,
            _ => true,
        });
        findings
    }
}

pub(crate) fn fresh_trace_id() -> String {
    Uuid::now_v7().simple().to_string()
}

pub(crate) fn traceparent(trace_id: &str) -> String {
    format!("00-{trace_id}-{PARENT}-01")
}
