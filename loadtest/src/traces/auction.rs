//! What must be in the trace of an auction.

use super::{
    model::{Kind, Span, Trace},
    structure::{Finding, Hop},
};
use std::{collections::BTreeSet, fmt};

/// The span of the award's decision.
pub const AWARD: &str = "auction.award";
/// The spans that carry the links for which the award's own span has no room.
pub const AWARD_LINKS: &str = "auction.award.links";

/// The services that take part in an auction that is settled. The account service answers sign-ups and logins, which
/// are traces of their own.
pub const SERVICES: [&str; 7] = [
    "gateway",
    "auction",
    "catalog",
    "order",
    "reward",
    "payment",
    "notification",
];

/// A step on the way from the opening to the notification, which leaves a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The gateway serves the opening.
    Opening,
    /// The auction service opens it.
    Opened,
    /// The catalog finds who may bid.
    Search,
    /// The award is decided.
    Award,
    /// The award's event leaves the outbox.
    AwardSent,
    /// The order service takes the award on.
    AwardReceived,
    /// The settlement runs.
    Settlement,
    /// Coupon and points are set aside.
    Reservation,
    /// The payment is authorised.
    Payment,
    /// Coupon and points are used up.
    RewardCommit,
    /// The order's event leaves the outbox.
    ConfirmationSent,
    /// The customer and the winner are told.
    Notification,
    /// The award is revoked, since its payment declined.
    Revocation,
}

/// The trace of an auction with what is known of the auction.
#[derive(Debug, Clone, Copy)]
pub struct AuctionTrace<'a> {
    /// The trace of the opening.
    pub trace: &'a Trace,
    /// The traces of the accepted bids.
    pub bids: &'a [String],
    /// How often a payment declined, so that the award went to the next bid.
    pub declined: usize,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opening => "the gateway serving the opening",
            Self::Opened => "the auction service opening the auction",
            Self::Search => "the catalog's search",
            Self::Award => "the award",
            Self::AwardSent => "the award's event being sent",
            Self::AwardReceived => "the order service processing the award",
            Self::Settlement => "the settlement",
            Self::Reservation => "the reservation of the reward",
            Self::Payment => "the payment's authorisation",
            Self::RewardCommit => "the commit of the reward",
            Self::ConfirmationSent => "the order's confirmation being sent",
            Self::Notification => "the notification of the confirmation",
            Self::Revocation => "the revocation of the award",
        })
    }
}

// === impl Stage ===

impl Stage {
    /// The stages of every auction that ends in a confirmed order.
    pub const CONFIRMED: [Self; 12] = [
        Self::Opening,
        Self::Opened,
        Self::Search,
        Self::Award,
        Self::AwardSent,
        Self::AwardReceived,
        Self::Settlement,
        Self::Reservation,
        Self::Payment,
        Self::RewardCommit,
        Self::ConfirmationSent,
        Self::Notification,
    ];

    /// Whether `span` shows this stage.
    pub fn is_shown_by(self, span: &Span) -> bool {
        let (service, kind, name) = match self {
            Self::Opening => ("gateway", Kind::Server, "POST /v1/auctions"),
            Self::Opened => (
                "auction",
                Kind::Server,
                "bidtrace.auction.v1.Auctions/OpenAuction",
            ),
            Self::Search => (
                "catalog",
                Kind::Server,
                "bidtrace.catalog.v1.Catalog/FindEligible",
            ),
            Self::Award => ("auction", Kind::Internal, AWARD),
            Self::AwardSent => ("auction", Kind::Producer, "send events.auction.awarded"),
            Self::AwardReceived => ("order", Kind::Consumer, "process events.auction.awarded"),
            Self::Settlement => ("order", Kind::Internal, "order.settle"),
            Self::Reservation => ("reward", Kind::Server, "bidtrace.reward.v1.Rewards/Reserve"),
            Self::Payment => ("payment", Kind::Server, "POST /v1/authorisations"),
            Self::RewardCommit => ("reward", Kind::Server, "bidtrace.reward.v1.Rewards/Commit"),
            Self::ConfirmationSent => ("order", Kind::Producer, "send events.order.confirmed"),
            Self::Notification => (
                "notification",
                Kind::Consumer,
                "process events.order.confirmed",
            ),
            Self::Revocation => (
                "auction",
                Kind::Server,
                "bidtrace.auction.v1.Auctions/RevokeAward",
            ),
        };
        span.service == service && span.kind == kind && span.name == name
    }
}

// === impl AuctionTrace ===

impl AuctionTrace<'_> {
    /// Everything that is missing or wrong; nothing when the trace is whole.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = self.trace.shape();
        if findings == [Finding::Empty] {
            return findings;
        }
        findings.extend(self.missing_parts());
        findings.extend(self.links());
        findings.extend(self.errors());
        findings
    }

    /// Services, stages and kinds of hop that do not occur.
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

    /// Does the first award link to every bid, and each award only to bids? A later one, after a payment declined, no
    /// longer weighs the bids that were awarded before, and also links to the award that it replaces.
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
            findings.extend(others.map(|trace_id| Finding::StrangeLink {
                trace_id: (*trace_id).to_owned(),
            }));
            if turn == 0 {
                let unlinked = bids.difference(&linked).map(|id| (*id).to_owned());
                findings.extend(unlinked.map(|trace_id| Finding::UnlinkedBid { trace_id }));
            }
        }
        findings.into_iter().collect()
    }

    /// A payment that declined is an error of the order service's request, and nothing else in the trace is one.
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
        && span.kind == Kind::Client
        && span.attribute("http.response.status_code") == "402"
}

/// The traces that the awards of an auction's trace link to: those of its bids.
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
    use super::{AuctionTrace, SERVICES, Stage, linked_bids};
    use crate::traces::{
        fixture::*,
        model::Trace,
        structure::{Finding, Hop},
    };

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
        let mut carrier = internal("links", Some("award"), "auction", super::AWARD_LINKS);
        for span in &mut spans {
            if span.id == "award" {
                carrier.links = span.links.split_off(1);
            }
        }
        spans.push(carrier);
        assert_eq!(findings(&Trace::new("t", spans), 0), []);
    }

    #[test]
    fn a_link_to_what_is_no_bid_is_found() {
        let mut spans = auction_spans();
        for span in spans.iter_mut().filter(|span| span.id == "award") {
            span.links.push(link("c0ffee"));
        }
        assert_eq!(
            findings(&Trace::new("t", spans), 0),
            [Finding::StrangeLink {
                trace_id: "c0ffee".to_owned()
            }]
        );
    }

    #[test]
    fn an_error_that_nobody_provoked_is_found() {
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
        spans.retain(|span| span.attribute("db.system.name").is_empty());
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
