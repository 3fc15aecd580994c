//! The trace of an opening continues at the deadline, and the award links to every bid that was considered.

use std::collections::HashSet;

use auction::awarding::Revocation;
use auction::closing;
use auction::wire::{self, Viewer};
use sqlx::Row as _;
use telemetry::context::SavedContext;
use telemetry::sampling::KEEP;
use telemetry::test::{Captured, capture};
use tracing::Instrument as _;

use crate::support::{CEILING, DURATION, Fixture, STEP, traced_fixture};

/// The SDK's default limit of links per span.
const MAX_LINKS: usize = 128;

/// Places this number of bids, each in a trace of its own.
async fn bid_down(fixture: &Fixture, auction: &str, bids: usize) {
    for number in 0..bids {
        let price = CEILING - STEP * i64::try_from(number).expect("small");
        fixture.bid(auction, number, price).await.expect("accepted");
    }
}

fn bid_spans(captured: &Captured) -> HashSet<String> {
    captured
        .spans()
        .iter()
        .filter(|span| span.name == "auction.bid")
        .map(|span| span.span_context.span_id().to_string())
        .collect()
}

async fn outbox_contexts(fixture: &Fixture, subject: &str) -> Vec<SavedContext> {
    sqlx::query("SELECT trace_context FROM outbox WHERE subject = $1 ORDER BY id")
        .bind(subject)
        .fetch_all(fixture.database.reads())
        .await
        .expect("the outbox")
        .iter()
        .map(|row| SavedContext::from_text(&row.get::<String, _>("trace_context")))
        .collect()
}

fn span_id(context: &SavedContext) -> String {
    let span = context.span_context().expect("a span");
    span.span_id().to_string()
}

#[tokio::test]
async fn the_award_is_a_child_of_the_opening_and_links_to_every_bid_also_after_a_restart() {
    let captured = capture();
    let fixture = traced_fixture().await;
    let auction = fixture.open(5).await;
    bid_down(&fixture, &auction, 5).await;
    fixture.clock.advance(DURATION);
    let restarted = fixture.restarted().await;
    closing::end_due(&restarted).await.expect("ended");

    let opening = captured.span("auction.open");
    let award = captured.span("auction.award");
    assert_eq!(
        award.span_context.trace_id(),
        opening.span_context.trace_id()
    );
    assert_eq!(award.parent_span_id, opening.span_context.span_id());
    let linked: HashSet<String> = award
        .links
        .iter()
        .map(|link| link.span_context.span_id().to_string())
        .collect();
    assert_eq!(linked, bid_spans(&captured));
    assert_eq!(linked.len(), 5);
    let traces: HashSet<_> = award
        .links
        .iter()
        .map(|link| link.span_context.trace_id())
        .collect();
    assert_eq!(traces.len(), 5, "each bid has a trace of its own");
    assert!(!traces.contains(&opening.span_context.trace_id()));

    let sent = outbox_contexts(&fixture, "events.auction.awarded").await;
    assert_eq!(
        span_id(&sent[0]),
        award.span_context.span_id().to_string(),
        "what the award causes goes on from the award"
    );
    let told = wire::event(&fixture.snapshot(&auction).await, &Viewer::Full);
    let (trace, span) = (award.span_context.trace_id(), award.span_context.span_id());
    assert_eq!(
        told.traceparent,
        format!("00-{trace}-{span}-03"),
        "watchers are told what caused the change"
    );
    let within = captured.trace(opening.span_context.trace_id());
    let below = |name: &str| {
        within
            .iter()
            .any(|span| span.name == name && span.parent_span_id == award.span_context.span_id())
    };
    for name in ["UPDATE auctions", "INSERT awards", "INSERT outbox"] {
        assert!(below(name), "{name} is below the award");
    }
}

#[tokio::test]
async fn an_accepted_bid_has_its_trace_kept_for_the_awards_link_and_a_rejected_one_has_not() {
    let captured = capture();
    let fixture = traced_fixture().await;
    let auction = fixture.open(2).await;
    fixture.bid(&auction, 0, CEILING).await.expect("accepted");
    let too_high = fixture.bid(&auction, 1, CEILING).await;
    too_high.expect_err("not below the lowest");
    let kept: Vec<bool> = captured
        .spans()
        .iter()
        .filter(|span| span.name == "auction.bid")
        .map(|span| span.attributes.iter().any(|pair| pair.key.as_str() == KEEP))
        .collect();
    assert_eq!(kept, [true, false]);
}

#[tokio::test]
async fn past_the_limit_of_links_child_spans_of_the_award_carry_the_rest() {
    const BIDS: usize = 2 * MAX_LINKS + 10;
    let captured = capture();
    let fixture = traced_fixture().await;
    let auction = fixture.open(BIDS).await;
    bid_down(&fixture, &auction, BIDS).await;
    let bids = bid_spans(&captured);
    fixture.end().await;
    let award = captured.span("auction.award");
    let within = captured.trace(award.span_context.trace_id());
    let carriers: Vec<_> = within
        .iter()
        .filter(|span| span.name == "auction.award.links")
        .collect();
    let mut linked = HashSet::new();
    for span in carriers.iter().copied().chain([&award]) {
        assert!(span.links.len() <= MAX_LINKS);
        assert_eq!(span.links.dropped_count, 0, "nothing is cut");
        linked.extend(
            span.links
                .iter()
                .map(|link| link.span_context.span_id().to_string()),
        );
    }
    assert!(!carriers.is_empty());
    for span in carriers {
        assert_eq!(span.parent_span_id, award.span_context.span_id());
    }
    assert_eq!(linked, bids);
    assert_eq!(linked.len(), BIDS);
}

#[tokio::test]
async fn an_expiry_is_a_child_of_the_opening() {
    let captured = capture();
    let fixture = traced_fixture().await;
    fixture.open(1).await;
    fixture.end().await;
    let opening = captured.span("auction.open");
    let expiry = captured.span("auction.expire");
    assert_eq!(expiry.parent_span_id, opening.span_context.span_id());
    let sent = outbox_contexts(&fixture, "events.auction.ended").await;
    assert_eq!(span_id(&sent[0]), expiry.span_context.span_id().to_string());
}

#[tokio::test]
async fn a_further_award_belongs_to_the_revocation_and_links_to_the_award_before_and_the_bids() {
    let captured = capture();
    let fixture = traced_fixture().await;
    let auction = fixture.open(3).await;
    bid_down(&fixture, &auction, 3).await;
    fixture.end().await;
    let first = captured.span("auction.award");
    let standing = fixture.snapshot(&auction).await.award.expect("an award");
    let revocation = Revocation {
        auction_id: auction.clone(),
        award_id: standing.id.clone(),
        reason: "payment.declined".to_owned(),
    };
    let request = tracing::info_span!("request");
    fixture
        .auctioneer
        .revoke(revocation)
        .instrument(request)
        .await
        .expect("revoked");
    let request = captured.span("request");
    let spans = captured.spans();
    let further = spans
        .iter()
        .rfind(|span| span.name == "auction.award")
        .expect("a further award");
    assert_eq!(further.parent_span_id, request.span_context.span_id());
    let linked: HashSet<String> = further
        .links
        .iter()
        .map(|link| link.span_context.span_id().to_string())
        .collect();
    assert_eq!(linked.len(), 3);
    assert!(linked.contains(&first.span_context.span_id().to_string()));
    assert_eq!(
        linked.intersection(&bid_spans(&captured)).count(),
        2,
        "the two bids that were left"
    );
    let sent = outbox_contexts(&fixture, "events.auction.awarded").await;
    assert_eq!(
        span_id(&sent[1]),
        further.span_context.span_id().to_string()
    );
}

#[tokio::test]
async fn a_look_for_what_is_due_makes_no_trace() {
    let captured = capture();
    let fixture = traced_fixture().await;
    fixture.open(1).await;
    let before = captured.spans().len();
    closing::end_due(&fixture.auctioneer).await.expect("a look");
    assert_eq!(captured.spans().len(), before);
}
