//! What can be wrong with a trace.

use std::fmt;

use super::stage::Stage;

/// A kind of call from one process to another, or to a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hop {
    /// A SERVER span of HTTP under the CLIENT span of another service.
    Http,
    /// A SERVER span of gRPC under the CLIENT span of another service.
    Grpc,
    /// A CONSUMER span under a PRODUCER span.
    Nats,
    /// A CLIENT span of a database call.
    Sql,
}

/// Something that is wrong with a trace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// The trace has no spans.
    Empty,
    /// No span is a root.
    NoRoot,
    /// More than one span is a root.
    SeveralRoots(Vec<String>),
    /// The parent of a span is missing.
    MissingParent {
        /// The service and the name of the span.
        span: String,
        /// The id of the missing parent.
        parent: String,
        /// The service that recorded the missing parent.
        owner: ParentOwner,
    },
    /// A span is its own ancestor.
    Cycle(String),
    /// A service has no span in the trace.
    MissingService(String),
    /// A kind of hop does not occur, or one of its two spans is missing.
    MissingHop(Hop),
    /// A stage of the auction has no span.
    MissingStage(Stage),
    /// The award does not link to a bid.
    UnlinkedBid {
        /// The bid's trace.
        trace_id: String,
    },
    /// The award links to a trace that is not a bid of the auction.
    UnexpectedLink {
        /// The linked trace.
        trace_id: String,
    },
    /// The spans with an error status are not the expected ones.
    Errors {
        /// What was expected.
        expected: String,
        /// The spans with an error status.
        failed: Vec<String>,
    },
}

/// The service that recorded a span which is missing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ParentOwner {
    /// This service of the platform.
    Service(String),
    /// A caller outside the platform.
    External,
    /// It does not follow from the span that is there.
    Unknown,
}

// === impl Hop ===

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "HTTP",
            Self::Grpc => "gRPC",
            Self::Nats => "NATS",
            Self::Sql => "SQL",
        })
    }
}

// === impl ParentOwner ===

impl fmt::Display for ParentOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(service) => f.write_str(service),
            Self::External => f.write_str("a caller outside"),
            Self::Unknown => f.write_str("an unknown service"),
        }
    }
}

// === impl Finding ===

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the store has no span of this trace"),
            Self::NoRoot => write!(f, "no span is a root"),
            Self::SeveralRoots(roots) => write!(
                f,
                "{} spans are roots: {}; one is expected",
                roots.len(),
                roots.join(", ")
            ),
            Self::MissingParent {
                span,
                parent,
                owner,
            } => write!(
                f,
                "the parent {parent} of {span}, a span of {owner}, is missing"
            ),
            Self::Cycle(span) => write!(f, "{span} is its own ancestor"),
            Self::MissingService(service) => write!(f, "{service} left no span"),
            Self::MissingHop(hop) => write!(f, "no hop over {hop} is whole"),
            Self::MissingStage(stage) => write!(f, "no span shows: {stage}"),
            Self::UnlinkedBid { trace_id } => {
                write!(f, "the award does not link to the bid of trace {trace_id}")
            }
            Self::UnexpectedLink { trace_id } => write!(
                f,
                "the award links to trace {trace_id}, which is no bid of this auction"
            ),
            Self::Errors { expected, failed } => write!(
                f,
                "expected {expected}; the spans that failed: {}",
                if failed.is_empty() {
                    "none".to_owned()
                } else {
                    failed.join(", ")
                }
            ),
        }
    }
}
