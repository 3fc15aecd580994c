//! What the trace of an auction must contain.

use std::collections::BTreeSet;

use super::finding::{Finding, Hop};
use super::model::{Span, SpanKind, Trace};
use super::stage::{AWARD, Stage};

/// The name of the spans that carry the links that do not fit on the award's span.
pub const AWARD_LINKS: &str = "auction.award.links";

/// The services that must have a span in the trace of a settled auction. The account service serves sign-ups and logins,
/// which have traces of their own.
pub const SERVICES: [&str; 7] = [
    "gateway",
    "auction",
    "catalog",
    "order",
    "reward",
    "payment",
    "notification",
];

/// The trace of an auction, and what is known about the auction.
#[derive(Debug, Clone, Copy)]
pub struct AuctionTrace<'a> {
    /// The trace of the request that opened it.
    pub trace: &'a Trace,
    /// The traces of the accepted bids.
    pub bids: &'a [String],
    /// How many payments were declined; after each, the next bid got the award.
    pub declined: usize,
}

// === impl AuctionTrace ===

impl AuctionTrace<'_> {
    /// Everything that is missing or wrong; empty for a complete trace.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = self.trace.structural_findings();
        if findings == [Finding::Empty] {
            return findings;
        }
        findings.extend(self.missing_parts());
        findings.extend(self.links());
        findings.extend(self.errors());
        findings
    }

    /// The services, stages and kinds of hop that are missing.
    pub fn missing_parts(&self) -> Vec<Finding> {
        let services = self.trace.services();
        let hops = self.trace.hops();
        let shows = |stage: &Stage| {
            self.trace
                .spans()
                .iter()
                .any(|span| stage.is_shown_by(span))
        };
        let revocation = (self.declined > 0).then_some(Stage::Revocation);
        SERVICES
            .iter()
            .filter(|service| !services.contains(*service))
            .map(|service| Finding::MissingService((*service).to_owned()))
            .chain(
                [Hop::Http, Hop::Grpc, Hop::Nats, Hop::Sql]
                    .into_iter()
                    .filter(|hop| !hops.contains(hop))
                    .map(Finding::MissingHop),
            )
            .chain(
                Stage::CONFIRMED
                    .into_iter()
                    .chain(revocation)
                    .filter(|stage| !shows(stage))
                    .map(Finding::MissingStage),
            )
            .collect()
    }

    /// The first award must link to every bid, and each award to nothing but bids. A later award, after a declined payment,
    /// does not link to bids that had the award before, and also links to the award that it replaces.
    fn links(&self) -> Vec<Finding> {
        let bids: BTreeSet<&str> = self.bids.iter().map(String::as_str).collect();
        let mut findings = BTreeSet::new();
        let awards: Vec<&Span> = self
            .trace
            .spans()
            .iter()
            .filter(|span| Stage::Award.is_shown_by(span))
            .collect();
        for (turn, award) in awards.iter().enumerate() {
            let linked: BTreeSet<&str> = self
                .trace
                .spans()
                .iter()
                .filter(|span| {
                    span.id == award.id
                        || (span.name == AWARD_LINKS
                            && self.trace.ancestors(span).any(|above| above.id == award.id))
                })
                .flat_map(|span| &span.links)
                .map(|link| link.trace_id.as_str())
                .collect();
            let others = linked
                .difference(&bids)
                .filter(|trace_id| turn == 0 || **trace_id != self.trace.id);
            findings.extend(others.map(|trace_id| Finding::UnexpectedLink {
                trace_id: (*trace_id).to_owned(),
            }));
            if turn == 0 {
                let unlinked = bids.difference(&linked).map(|id| (*id).to_owned());
                findings.extend(unlinked.map(|trace_id| Finding::UnlinkedBid { trace_id }));
            }
        }
        findings.into_iter().collect()
    }

    /// A declined payment must be an error of the order service's request to the provider; no other span may be an error.
    fn errors(&self) -> Option<Finding> {
        let failed: Vec<&Span> = self
            .trace
            .spans()
            .iter()
            .filter(|span| span.failed)
            .collect();
        let declined = failed.iter().filter(|span| is_declined(span)).count();
        let expected = match self.declined {
            0 if failed.is_empty() => return None,
            0 => "no span that failed".to_owned(),
            wanted if declined >= wanted => return None,
            wanted => format!("{wanted} requests to the payment provider that failed with 402"),
        };
        Some(Finding::Errors {
            expected,
            failed: failed.iter().map(|span| span.label()).collect(),
        })
    }
}

fn is_declined(span: &Span) -> bool {
    span.service == "order"
        && span.kind == SpanKind::Client
        && span.attribute("http.response.status_code") == Some("402")
}

/// The traces of the bids, to which the awards in an auction's trace link.
pub fn linked_bids(trace: &Trace) -> Vec<String> {
    let linked: BTreeSet<&str> = trace
        .spans()
        .iter()
        .filter(|span| span.name == AWARD || span.name == AWARD_LINKS)
        .flat_map(|span| &span.links)
        .map(|link| link.trace_id.as_str())
        .filter(|trace_id| *trace_id != trace.id)
        .collect();
    linked.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::fixture::*;

    fn findings(trace: &Trace, declined: usize) -> Vec<Finding> {
        let bids = [BID_A.to_owned(), BID_B.to_owned()];
        AuctionTrace {
            trace,
            bids: &bids,
            declined,
        }
        .findings()
    }

    #[test]
    fn the_trace_of_a_settled_auction_has_no_finding() {
        assert_eq!(findings(&auction_trace(), 0), []);
    }

    #[test]
    fn each_stage_that_is_missing_is_named() {
        for stage in Stage::CONFIRMED {
            let mut spans = auction_spans();
            spans.retain(|span| !stage.is_shown_by(span));
            let found = findings(&Trace::new("t", spans), 0);
            assert!(
                found.contains(&Finding::MissingStage(stage)),
                "{stage}: {found:?}"
            );
        }
    }

    #[test]
    fn each_service_that_is_missing_is_named() {
        for service in SERVICES {
            let mut spans = auction_spans();
            spans.retain(|span| span.service != service);
            let found = findings(&Trace::new("t", spans), 0);
            assert!(
                found.contains(&Finding::MissingService(service.to_owned())),
                "{service}: {found:?}"
            );
        }
    }

    #[test]
    fn an_award_that_does_not_link_to_every_bid_is_found() {
        let mut spans = auction_spans();
        for span in &mut spans {
            span.links.retain(|link| link.trace_id != BID_B);
        }
        assert_eq!(
            findings(&Trace::new("t", spans), 0),
            [Finding::UnlinkedBid {
                trace_id: BID_B.to_owned()
            }]
        );
    }

    #[test]
    fn links_that_the_awards_children_carry_count() {
        let mut spans = auction_spans();
        let mut carrier = internal("links", Some("award"), "auction", AWARD_LINKS);
        for span in &mut spans {
            if span.id == "award" {
                carrier.links = span.links.split_off(1);
            }
        }
        spans.push(carrier);
        assert_eq!(findings(&Trace::new("t", spans), 0), []);
    }

    #[test]
    fn a_link_to_another_trace_than_a_bids_is_found() {
        let mut spans = auction_spans();
        for span in spans.iter_mut().filter(|span| span.id == "award") {
            span.links.push(link("c0ffee"));
        }
        assert_eq!(
            findings(&Trace::new("t", spans), 0),
            [Finding::UnexpectedLink {
                trace_id: "c0ffee".to_owned()
            }]
        );
    }

    #[test]
    fn an_unexpected_error_is_found() {
        let mut spans = auction_spans();
        for span in spans
            .iter_mut()
            .filter(|span| span.id == "authorise.client")
        {
            span.failed = true;
        }
        let found = findings(&Trace::new("t", spans), 0);
        assert!(matches!(&found[..], [Finding::Errors { .. }]), "{found:?}");
    }

    #[test]
    fn a_declined_payment_must_show_as_an_error_and_a_revocation() {
        let found = findings(&auction_trace(), 1);
        assert!(
            found.contains(&Finding::MissingStage(Stage::Revocation)),
            "{found:?}"
        );
        assert!(
            found
                .iter()
                .any(|finding| matches!(finding, Finding::Errors { .. })),
            "{found:?}"
        );
        assert_eq!(findings(&declined_trace(), 1), []);
    }

    #[test]
    fn a_hop_that_is_missing_is_named() {
        let mut spans = auction_spans();
        spans.retain(|span| span.attribute("db.system.name").is_none());
        assert_eq!(
            findings(&Trace::new("t", spans), 0),
            [Finding::MissingHop(Hop::Sql)]
        );
    }

    #[test]
    fn the_bids_are_found_through_the_links_of_the_award() {
        assert_eq!(linked_bids(&declined_trace()), [BID_A, BID_B]);
    }
}
