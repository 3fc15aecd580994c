//! What holds for every trace that is whole.

use super::{
    auction::Stage,
    model::{Kind, Span, Trace},
};
use std::{collections::BTreeSet, fmt};

/// A way from one process to another, or into a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hop {
    /// A SERVER span of HTTP under the CLIENT span of another service.
    Http,
    /// A SERVER span of gRPC under the CLIENT span of another service.
    Grpc,
    /// A CONSUMER span under a PRODUCER span.
    Nats,
    /// A CLIENT span of a database under the work that needed it.
    Sql,
}

/// One thing that is wrong with a trace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// There is no span at all.
    Empty,
    /// No span is a root.
    NoRoot,
    /// More than one span is a root.
    SeveralRoots(Vec<String>),
    /// A span names a parent that is not there.
    MissingParent {
        /// The span, for people.
        span: String,
        /// The id that it names.
        parent: String,
        /// The service whose span the parent was.
        owner: String,
    },
    /// A span is its own ancestor.
    Circle(String),
    /// A service took no part.
    MissingService(String),
    /// A kind of hop does not occur, or only in part.
    MissingHop(Hop),
    /// A step of the auction left no span.
    MissingStage(Stage),
    /// The award does not link to a bid.
    UnlinkedBid {
        /// The bid's trace.
        trace_id: String,
    },
    /// The award links to what is no bid of the auction.
    StrangeLink {
        /// The linked trace.
        trace_id: String,
    },
    /// Something went wrong and no span says so, or the other way round.
    Errors {
        /// What was expected.
        expected: String,
        /// The spans that failed.
        failed: Vec<String>,
    },
}

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
            Self::Circle(span) => write!(f, "{span} is its own ancestor"),
            Self::MissingService(service) => write!(f, "{service} left no span"),
            Self::MissingHop(hop) => write!(f, "no hop over {hop} is whole"),
            Self::MissingStage(stage) => write!(f, "no span shows: {stage}"),
            Self::UnlinkedBid { trace_id } => {
                write!(f, "the award does not link to the bid of trace {trace_id}")
            }
            Self::StrangeLink { trace_id } => write!(
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

// === impl Trace ===

impl Trace {
    /// The spans without a parent.
    pub fn roots(&self) -> impl Iterator<Item = &Span> {
        self.spans().iter().filter(|span| span.parent.is_none())
    }

    /// The spans whose parent is not there.
    pub fn orphans(&self) -> impl Iterator<Item = &Span> {
        self.spans()
            .iter()
            .filter(|span| span.parent.is_some() && self.parent(span).is_none())
    }

    /// What is wrong with the shape: not one root, a parent that is missing, a circle.
    pub fn shape(&self) -> Vec<Finding> {
        if self.spans().is_empty() {
            return vec![Finding::Empty];
        }
        let mut findings = Vec::new();
        let roots: Vec<String> = self.roots().map(Span::label).collect();
        match roots.len() {
            0 => findings.push(Finding::NoRoot),
            1 => {}
            _ => findings.push(Finding::SeveralRoots(roots)),
        }
        findings.extend(self.orphans().map(|span| Finding::MissingParent {
            span: span.label(),
            parent: span.parent.clone().unwrap_or_default(),
            owner: owner_of_parent(span).to_owned(),
        }));
        findings.extend(
            self.spans()
                .iter()
                .filter(|span| self.ancestors(span).any(|above| above.id == span.id))
                .map(|span| Finding::Circle(span.label())),
        );
        findings
    }

    /// The kinds of hop that occur whole: both ends are there.
    pub fn hops(&self) -> BTreeSet<Hop> {
        self.spans()
            .iter()
            .filter_map(|span| {
                let parent = self.parent(span)?;
                let remote = parent.service != span.service;
                match (parent.kind, span.kind) {
                    (Kind::Client, Kind::Server) if remote && is_grpc(span) => Some(Hop::Grpc),
                    (Kind::Client, Kind::Server) if remote && is_http(span) => Some(Hop::Http),
                    (Kind::Producer, Kind::Consumer) if is_nats(span) => Some(Hop::Nats),
                    (_, Kind::Client) if is_sql(span) => Some(Hop::Sql),
                    _ => None,
                }
            })
            .collect()
    }
}

fn is_grpc(span: &Span) -> bool {
    span.attribute("rpc.system.name") == "grpc"
}

fn is_http(span: &Span) -> bool {
    !span.attribute("http.request.method").is_empty()
}

fn is_nats(span: &Span) -> bool {
    span.attribute("messaging.system") == "nats"
}

fn is_sql(span: &Span) -> bool {
    matches!(span.attribute("db.system.name"), "sqlite" | "postgresql")
}

/// Who calls these methods; the others are called by the gateway.
const INNER_CALLERS: [(&str, &str); 5] = [
    ("bidtrace.catalog.v1.Catalog/FindEligible", "auction"),
    ("bidtrace.auction.v1.Auctions/RevokeAward", "order"),
    ("bidtrace.reward.v1.Rewards/Reserve", "order"),
    ("bidtrace.reward.v1.Rewards/Commit", "order"),
    ("bidtrace.reward.v1.Rewards/Release", "order"),
];

/// The service whose span the parent of `span` was, known without the parent.
///
/// Within a process, and over a context that a service saved for itself, that is the service itself. Of a request it is
/// the caller, and of a message the service that its subject is named after.
pub fn owner_of_parent(span: &Span) -> &str {
    match span.kind {
        Kind::Internal | Kind::Client | Kind::Producer => &span.service,
        Kind::Consumer => span
            .attribute("messaging.destination.name")
            .split('.')
            .nth(1)
            .unwrap_or_default(),
        Kind::Server if is_grpc(span) => {
            let method = span.attribute("rpc.method");
            INNER_CALLERS
                .iter()
                .find(|(inner, _)| *inner == method)
                .map_or("gateway", |(_, caller)| caller)
        }
        Kind::Server if span.service == "payment" => "order",
        Kind::Server => "a caller outside",
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, Hop, owner_of_parent};
    use crate::traces::{fixture::*, model::Trace};

    #[test]
    fn a_trace_with_one_root_and_every_parent_has_no_finding() {
        assert_eq!(auction_trace().shape(), []);
    }

    #[test]
    fn nothing_stored_is_a_finding_and_not_a_success() {
        assert_eq!(Trace::new("t", vec![]).shape(), [Finding::Empty]);
    }

    #[test]
    fn a_second_root_is_found() {
        let mut spans = auction_spans();
        spans.push(http_server("x1", None, "gateway", "GET /v1/me"));
        let findings = Trace::new("t", spans).shape();
        assert!(
            matches!(&findings[..], [Finding::SeveralRoots(roots)] if roots.len() == 2),
            "{findings:?}"
        );
    }

    #[test]
    fn a_missing_parent_is_found_with_the_service_that_lost_it() {
        let trace = without("award");
        let findings = trace.shape();
        assert!(!findings.is_empty());
        for finding in findings {
            let Finding::MissingParent { owner, parent, .. } = finding else {
                panic!("{finding:?}");
            };
            assert_eq!((owner.as_str(), parent.as_str()), ("auction", "award"));
        }
    }

    #[test]
    fn parents_that_go_round_in_a_circle_are_found() {
        let spans = vec![
            http_server("root", None, "gateway", "GET /"),
            internal("a", Some("b"), "gateway", "one"),
            internal("b", Some("a"), "gateway", "two"),
        ];
        let findings = Trace::new("t", spans).shape();
        assert_eq!(
            findings,
            [
                Finding::Circle("gateway \"one\"".to_owned()),
                Finding::Circle("gateway \"two\"".to_owned())
            ]
        );
    }

    #[test]
    fn a_span_that_was_exported_twice_counts_once() {
        let mut spans = auction_spans();
        let whole = spans.len();
        spans.extend(auction_spans());
        let trace = Trace::new("t", spans);
        assert_eq!(trace.spans().len(), whole);
        assert_eq!(trace.shape(), []);
    }

    #[test]
    fn the_four_kinds_of_hop_are_seen() {
        let hops: Vec<Hop> = auction_trace().hops().into_iter().collect();
        assert_eq!(hops, [Hop::Http, Hop::Grpc, Hop::Nats, Hop::Sql]);
    }

    #[test]
    fn a_hop_whose_callers_span_is_missing_is_not_whole() {
        for (lost, hop) in [("authorise.client", Hop::Http), ("awarded.send", Hop::Nats)] {
            let mut spans = auction_spans();
            spans.retain(|span| span.id != lost && span.id != "confirmed.send");
            let trace = Trace::new("t", spans);
            assert!(!trace.hops().contains(&hop), "{lost}");
        }
    }

    #[test]
    fn who_lost_a_parent_follows_from_the_child() {
        let cases = [
            (internal("a", Some("p"), "order", "order.settle"), "order"),
            (
                grpc_server(
                    "a",
                    Some("p"),
                    "catalog",
                    "bidtrace.catalog.v1.Catalog/FindEligible",
                ),
                "auction",
            ),
            (
                grpc_server(
                    "a",
                    Some("p"),
                    "auction",
                    "bidtrace.auction.v1.Auctions/PlaceBid",
                ),
                "gateway",
            ),
            (
                consumer("a", Some("p"), "notification", "events.order.confirmed"),
                "order",
            ),
            (
                http_server("a", Some("p"), "payment", "POST /v1/authorisations"),
                "order",
            ),
        ];
        for (span, owner) in cases {
            assert_eq!(owner_of_parent(&span), owner, "{}", span.label());
        }
    }
}
