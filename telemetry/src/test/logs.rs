//! The log lines of a capture: those that a service would have written, parsed.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use opentelemetry_sdk::trace::SpanData;
use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::dispatcher::WeakDispatch;
use tracing::{Dispatch, Event};

use crate::logs::{self, Levels};

/// A log line as a service writes it, redacted. Repeated lines are not left out.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct LogLine {
    /// `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    pub level: String,
    /// The module that it comes from, unless its event names another target.
    pub target: String,
    /// The message of its event.
    pub message: String,
    /// The trace that it belongs to, as 32 hexadecimal digits.
    pub trace_id: Option<String>,
    /// The span that it belongs to, as 16 hexadecimal digits.
    pub span_id: Option<String>,
    /// The other fields of its event.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// The lines of a capture. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines(Arc<Mutex<Vec<LogLine>>>);

/// The logging of a capture, which stores its lines.
pub(super) struct Keeping {
    lines: Lines,
    levels: Levels,
    dispatch: OnceLock<WeakDispatch>,
}

// === impl LogLine ===

impl LogLine {
    /// The value of one field.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Whether it belongs to this span.
    pub fn is_in(&self, span: &SpanData) -> bool {
        let context = &span.span_context;
        self.trace_id.as_deref() == Some(&context.trace_id().to_string())
            && self.span_id.as_deref() == Some(&context.span_id().to_string())
    }
}

pub(super) fn list(lines: &[LogLine]) -> String {
    lines.iter().fold(String::new(), |mut list, line| {
        let fields = serde_json::to_string(&line.fields).unwrap_or_default();
        let _ = writeln!(
            list,
            "  {} {} {:?} {fields}",
            line.level, line.target, line.message
        );
        list
    })
}

// === impl Lines ===

impl Lines {
    pub(super) fn so_far(&self) -> Vec<LogLine> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.clone()
    }

    /// Stores what is logged at these levels.
    pub(super) fn keep(&self, levels: Levels) -> Keeping {
        Keeping {
            lines: self.clone(),
            levels,
            dispatch: OnceLock::new(),
        }
    }
}

// === impl Keeping ===

impl logs::Lines for Keeping {
    fn levels(&self) -> &Levels {
        &self.levels
    }

    fn begin(&self, subscriber: &Dispatch) {
        // A capture has one.
        let _ = self.dispatch.set(subscriber.downgrade());
    }

    fn take(&self, event: &Event<'_>) {
        logs::with_json_line(event, self.dispatch.get(), |line| {
            // The line is this crate's own, so that it parses.
            if let Ok(mut line) = serde_json::from_slice::<LogLine>(line) {
                for own in ["timestamp", "service", "trace_flags"] {
                    line.fields.remove(own);
                }
                let mut lines = self.lines.0.lock().unwrap_or_else(PoisonError::into_inner);
                lines.push(line);
            }
        });
    }
}
