//! A load test run: log in, run auctions on schedule, evaluate the objectives, and find one complete trace to show.

use std::sync::Arc;
use std::time::Duration;

use crate::client::Gateway;
use crate::jaeger::{ARRIVAL_LIMIT, Jaeger};
use crate::report::Report;
use crate::scenario::{CompletedAuction, PlannedAuction};
use crate::schedule::{Lateness, Schedule, Started};
use crate::seed::{self, Accounts, Credentials, SeedError};
use crate::slo::Objective;
use crate::tally::Tally;
use crate::traces::{AuctionTrace, Finding, bid};
use crate::transport::TransportError;

/// Maximum time from an auction's deadline to the notification of its confirmed order.
const SETTLE_LIMIT: Duration = Duration::from_secs(30);

/// How many auctions' traces are checked to find a complete one.
const CHECKED_TRACES: usize = 3;

/// The auctions of a run. Two runs with the same load have the same auctions.
#[derive(Debug, Clone)]
pub struct Load {
    /// When auctions start.
    pub schedule: Schedule,
    /// How many bids each gets.
    pub bidders: usize,
    /// The duration of each auction.
    pub auction: Duration,
}

/// The settings of a run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The auctions.
    pub load: Load,
    /// The objectives to evaluate.
    pub objectives: Vec<Objective>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A login failed.
    #[error("{0}; seed first: loadtest seed --gateway URL")]
    Seed(#[from] SeedError),
    /// Jaeger did not respond.
    #[error("Jaeger: {0}")]
    Jaeger(#[from] TransportError),
}

// === impl Load ===

impl Load {
    /// Runs the auctions and waits until the last one has ended.
    pub async fn run(
        &self,
        accounts: &Arc<Accounts>,
        lateness: &Lateness,
        tally: &Tally,
    ) -> Started {
        self.schedule
            .run(lateness, |arrival| {
                tally.auction_sent();
                let (accounts, tally, lateness) =
                    (accounts.clone(), tally.clone(), lateness.clone());
                let auction = PlannedAuction::new(
                    arrival.index,
                    accounts.customers.len(),
                    self.bidders,
                    self.auction,
                );
                async move {
                    let result = auction
                        .run(&accounts, arrival.intended, SETTLE_LIMIT, &lateness, &tally)
                        .await;
                    tally.auction_ended(result);
                }
            })
            .await
    }
}

/// Runs a load test. `progress` gets a line each second.
///
/// # Errors
/// When a login fails or Jaeger does not respond. Missed objectives are a [`Report`].
pub async fn run(
    gateway: &Gateway,
    jaeger: &Jaeger,
    credentials: &Credentials,
    settings: &Settings,
    progress: impl Fn(&str) + Send + Sync + 'static,
) -> Result<Report, RunError> {
    progress("logging in");
    let accounts = Arc::new(seed::log_in(gateway, credentials).await?);
    let (tally, lateness) = (Tally::default(), Lateness::default());
    let progress = Arc::new(progress);
    let ticker = tokio::spawn({
        let (tally, lateness, progress) = (tally.clone(), lateness.clone(), progress.clone());
        async move {
            let begin = tokio::time::Instant::now();
            let mut seconds = tokio::time::interval(Duration::from_secs(1));
            loop {
                seconds.tick().await;
                progress(&tally.progress(begin.elapsed(), &lateness));
            }
        }
    });
    let started = settings.load.run(&accounts, &lateness, &tally).await;
    ticker.abort();
    let mut report = Report::new(
        &tally.counts(),
        &settings.load.schedule,
        started,
        &lateness,
        &settings.objectives,
    );
    progress("looking for a complete trace in Jaeger");
    for auction in tally.completed().iter().take(CHECKED_TRACES) {
        let findings = auction_findings(jaeger, auction, 0, ARRIVAL_LIMIT).await?;
        if findings.is_empty() {
            report.trace_url = Some(jaeger.page(&auction.trace_id));
            report.trace_id = Some(auction.trace_id.clone());
            break;
        }
        for (trace_id, finding) in findings {
            progress(&format!("trace {trace_id}: {finding}"));
        }
    }
    Ok(report)
}

/// What is wrong with the traces of an auction and of its bids, each finding with its trace id. Waits up to `limit` for
/// each trace to be complete.
///
/// # Errors
/// When Jaeger does not respond.
pub async fn auction_findings(
    jaeger: &Jaeger,
    auction: &CompletedAuction,
    declined: usize,
    limit: Duration,
) -> Result<Vec<(String, Finding)>, TransportError> {
    let (_, findings) = jaeger
        .wait_for_trace(&auction.trace_id, limit, |trace| {
            let trace = AuctionTrace {
                trace,
                bids: &auction.bid_traces,
                declined,
            };
            trace.findings()
        })
        .await?;
    let mut all: Vec<(String, Finding)> = findings
        .into_iter()
        .map(|finding| (auction.trace_id.clone(), finding))
        .collect();
    for bid_trace in &auction.bid_traces {
        let (_, findings) = jaeger
            .wait_for_trace(bid_trace, limit, bid::findings)
            .await?;
        all.extend(
            findings
                .into_iter()
                .map(|finding| (bid_trace.clone(), finding)),
        );
    }
    Ok(all)
}
