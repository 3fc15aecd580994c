//! What holds for every complete trace.

use std::collections::BTreeSet;

use super::finding::{Finding, Hop, ParentOwner};
use super::model::{Span, SpanKind, Trace};

// === impl Trace ===

impl Trace {
    /// The spans without a parent.
    pub fn roots(&self) -> impl Iterator<Item = &Span> {
        self.spans().iter().filter(|span| span.parent.is_none())
    }

    /// The spans whose parent is missing.
    pub fn orphans(&self) -> impl Iterator<Item = &Span> {
        self.spans()
            .iter()
            .filter(|span| span.parent.is_some() && self.parent(span).is_none())
    }

    /// What is wrong with the tree of spans: no root or several, missing parents, cycles.
    pub fn structural_findings(&self) -> Vec<Finding> {
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
            owner: owner_of_parent(span),
        }));
        findings.extend(
            self.spans()
                .iter()
                .filter(|span| self.ancestors(span).any(|above| above.id == span.id))
                .map(|span| Finding::Cycle(span.label())),
        );
        findings
    }

    /// The kinds of hop of which both spans are there.
    pub fn hops(&self) -> BTreeSet<Hop> {
        self.spans()
            .iter()
            .filter_map(|span| {
                let parent = self.parent(span)?;
                let remote = parent.service != span.service;
                match (parent.kind, span.kind) {
                    (SpanKind::Client, SpanKind::Server) if remote && is_grpc(span) => {
                        Some(Hop::Grpc)
                    }
                    (SpanKind::Client, SpanKind::Server) if remote && is_http(span) => {
                        Some(Hop::Http)
                    }
                    (SpanKind::Producer, SpanKind::Consumer) if is_nats(span) => Some(Hop::Nats),
                    (_, SpanKind::Client) if is_sql(span) => Some(Hop::Sql),
                    _ => None,
                }
            })
            .collect()
    }
}

fn is_grpc(span: &Span) -> bool {
    span.attribute("rpc.system.name") == Some("grpc")
}

fn is_http(span: &Span) -> bool {
    span.attribute("http.request.method").is_some()
}

fn is_nats(span: &Span) -> bool {
    span.attribute("messaging.system") == Some("nats")
}

fn is_sql(span: &Span) -> bool {
    matches!(
        span.attribute("db.system.name"),
        Some("sqlite" | "postgresql")
    )
}

/// The callers of these methods. All other methods are called by the gateway.
const CALLERS: [(&str, &str); 5] = [
    ("bidtrace.catalog.v1.Catalog/FindEligible", "auction"),
    ("bidtrace.auction.v1.Auctions/RevokeAward", "order"),
    ("bidtrace.reward.v1.Rewards/Reserve", "order"),
    ("bidtrace.reward.v1.Rewards/Commit", "order"),
    ("bidtrace.reward.v1.Rewards/Release", "order"),
];

/// The service that recorded the parent of `span`, found without the parent.
///
/// Within a process, and for a context that a service saved for itself, it is the same service. For a request it is the
/// caller, and for a message the service after which the subject is named.
pub(super) fn owner_of_parent(span: &Span) -> ParentOwner {
    let service = match span.kind {
        SpanKind::Internal | SpanKind::Client | SpanKind::Producer => Some(span.service.as_str()),
        SpanKind::Consumer => span
            .attribute("messaging.destination.name")
            .and_then(|subject| subject.split('.').nth(1)),
        SpanKind::Server if is_grpc(span) => {
            let method = span.attribute("rpc.method");
            let caller = CALLERS.iter().find(|(called, _)| Some(*called) == method);
            Some(caller.map_or("gateway", |(_, caller)| caller))
        }
        SpanKind::Server if span.service == "payment" => Some("order"),
        SpanKind::Server => return ParentOwner::External,
    };
    service.map_or(ParentOwner::Unknown, |service| {
        ParentOwner::Service(service.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::fixture::*;

    fn service(name: &str) -> ParentOwner {
        ParentOwner::Service(name.to_owned())
    }

    #[test]
    fn a_trace_with_one_root_and_every_parent_has_no_finding() {
        assert_eq!(auction_trace().structural_findings(), []);
    }

    #[test]
    fn a_trace_without_spans_is_a_finding() {
        assert_eq!(
            Trace::new("t", vec![]).structural_findings(),
            [Finding::Empty]
        );
    }

    #[test]
    fn a_second_root_is_found() {
        let mut spans = auction_spans();
        spans.push(http_server("x1", None, "gateway", "GET /v1/me"));
        let findings = Trace::new("t", spans).structural_findings();
        assert!(
            matches!(&findings[..], [Finding::SeveralRoots(roots)] if roots.len() == 2),
            "{findings:?}"
        );
    }

    #[test]
    fn a_missing_parent_is_found_with_the_service_that_recorded_it() {
        let trace = without("award");
        let findings = trace.structural_findings();
        assert!(!findings.is_empty());
        for finding in findings {
            let Finding::MissingParent { owner, parent, .. } = finding else {
                panic!("{finding:?}");
            };
            assert_eq!((owner, parent.as_str()), (service("auction"), "award"));
        }
    }

    #[test]
    fn a_cycle_of_parents_is_found() {
        let spans = vec![
            http_server("root", None, "gateway", "GET /"),
            internal("a", Some("b"), "gateway", "one"),
            internal("b", Some("a"), "gateway", "two"),
        ];
        let findings = Trace::new("t", spans).structural_findings();
        assert_eq!(
            findings,
            [
                Finding::Cycle("gateway \"one\"".to_owned()),
                Finding::Cycle("gateway \"two\"".to_owned())
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
        assert_eq!(trace.structural_findings(), []);
    }

    #[test]
    fn the_four_kinds_of_hop_are_found() {
        let hops: Vec<Hop> = auction_trace().hops().into_iter().collect();
        assert_eq!(hops, [Hop::Http, Hop::Grpc, Hop::Nats, Hop::Sql]);
    }

    #[test]
    fn a_hop_without_the_callers_span_does_not_count() {
        for (lost, hop) in [("authorise.client", Hop::Http), ("awarded.send", Hop::Nats)] {
            let mut spans = auction_spans();
            spans.retain(|span| span.id != lost && span.id != "confirmed.send");
            let trace = Trace::new("t", spans);
            assert!(!trace.hops().contains(&hop), "{lost}");
        }
    }

    #[test]
    fn the_service_that_recorded_a_missing_parent_follows_from_the_child() {
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
        let outside = http_server("a", Some("p"), "gateway", "POST /v1/auctions");
        assert_eq!(owner_of_parent(&outside), ParentOwner::External);
        for (span, owner) in cases {
            assert_eq!(owner_of_parent(&span), service(owner), "{}", span.label());
        }
    }
}
