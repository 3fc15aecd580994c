//! An auction that must be settled correctly although a service is killed.

use std::time::Instant;

use chassis::platform::Service;
use loadtest::jaeger::ARRIVAL_LIMIT;
use loadtest::scenario::payment;
use loadtest::traces::auction::linked_bids;
use loadtest::traces::{Stage, Trace};

use super::kill::{Death, Kill};
use crate::support::auctions::{self, BidAuction, POINTS, SettledAuction};
use crate::support::processes;
use crate::support::stack::{self, Stack, wait_until_replaced};

/// An auction that was settled although a service was killed.
pub(crate) struct SurvivingAuction {
    kill: Kill,
    auction: BidAuction,
    settled: SettledAuction,
    death: Death,
    /// How many payments were declined. Each of them revoked an award.
    declined: usize,
}

/// Runs an auction in which `victim` is killed, and asserts everything about it but its traces.
pub(crate) async fn run(stack: &Stack, victim: Service, kill: Kill) -> SurvivingAuction {
    let began = Instant::now();
    stack::wait_until_exported().await;
    let accounts = stack.accounts().await;
    let declined = kill.declined();
    let payment_method = if declined > 0 {
        payment::DECLINED_ONCE
    } else {
        payment::AUTHORISED
    };
    let customer = auctions::customer_with_points(stack, accounts).await;
    let old = processes::process_of(victim).expect("the victim runs");
    let planned = auctions::plan(0, kill.duration(victim), payment_method);

    let killing = kill.prepare(victim, kill.duration(victim));
    let auction = auctions::run(customer, accounts, &planned).await;
    let settled = auction.settled(declined).await;
    let death = killing.await.expect("the service was killed");
    wait_until_replaced(victim, old).await;

    settled.assert_exactly_once(&auction, declined);
    assert_money_moved_once(&auction.auction.id, declined).await;
    let award = settled.auction.award.as_ref().expect("an award stands");
    auctions::wait_for_points(&auction.customer, award.bid.price.amount_minor - POINTS).await;
    println!(
        "{} killed {kill:?}: survived in {:.1?}",
        victim.name(),
        began.elapsed()
    );
    SurvivingAuction {
        kill,
        auction,
        settled,
        death,
        declined,
    }
}

/// Asserts that the payment provider has one authorised payment for this auction in its database.
async fn assert_money_moved_once(auction_id: &str, declined: usize) {
    use sqlx::Connection as _;
    sqlx::any::install_default_drivers();
    let url = std::env::var("BIDTRACE_DATABASE_URL").map_or_else(
        |_| {
            format!(
                "sqlite://{}/data/payment.db?mode=ro",
                stack::state_folder().display()
            )
        },
        |url| url.replace("{service}", "payment"),
    );
    let mut database = sqlx::AnyConnection::connect(&url)
        .await
        .expect("the provider's database can be opened");
    let states: Vec<String> = sqlx::query_scalar(
        "SELECT status FROM authorisations WHERE payment_group = $1 ORDER BY status",
    )
    .bind(auction_id)
    .fetch_all(&mut database)
    .await
    .expect("the database can be read");
    let mut expected = vec!["authorised"];
    expected.extend(std::iter::repeat_n("declined", declined));
    assert_eq!(states, expected);
}

fn count(trace: &Trace, stage: Stage) -> usize {
    let spans = trace.spans().iter();
    spans.filter(|span| stage.is_shown_by(span)).count()
}

// === impl SurvivingAuction ===

impl SurvivingAuction {
    /// Asserts that only spans of the killed service are missing in the traces, and that the auction's trace continues
    /// after the kill.
    pub(crate) async fn assert_traces(&self, stack: &Stack) {
        let Self {
            kill,
            auction,
            settled,
            death,
            declined,
        } = self;
        let (trace, findings) = stack
            .jaeger
            .wait_for_trace(&settled.trace_id, ARRIVAL_LIMIT, |trace| {
                death.findings(trace)
            })
            .await
            .expect("Jaeger responds");
        let victim = death.victim.name();
        assert!(
            findings.is_empty(),
            "{victim} killed {kill:?}, trace {}: {findings:#?}",
            trace.id
        );
        if death.victim != Service::Gateway {
            assert!(
                auction.opening_traces.contains(&trace.id),
                "the award is not in the trace of the opening"
            );
        }
        // The links of an award are lost if the service was killed before it exported the award's span; the next award links
        // to fewer bids.
        let shows_awards = count(&trace, Stage::Award) > *declined;
        let linked = linked_bids(&trace);
        for bid in &auction.bids {
            let is_linked = bid.traces.iter().any(|attempt| linked.contains(attempt));
            // The response with the trace id may have been lost with the gateway.
            assert!(
                is_linked || !shows_awards || death.victim == Service::Gateway,
                "the award does not link to the bid of {}: {linked:?}",
                bid.price
            );
            let last = bid.traces.last().expect("an answered bid has a trace");
            let (_, findings) = stack
                .jaeger
                .wait_for_trace(last, ARRIVAL_LIMIT, |trace| death.losses_of_others(trace))
                .await
                .expect("Jaeger responds");
            assert!(
                findings.is_empty(),
                "{victim} killed {kill:?}, bid {last}: {findings:#?}"
            );
        }
    }
}
