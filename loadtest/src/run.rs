//! A whole run: log everybody in, hold auctions on schedule, judge, and find one complete trace to show.

use crate::{
    client::Gateway,
    jaeger::{ARRIVAL, Jaeger},
    report::Report,
    scenario::{Held, Script},
    schedule::{Lateness, Plan, Started},
    seed::{self, Cast, Credentials, SeedError},
    slo::Objective,
    tally::Tally,
    traces::{AuctionTrace, Finding, bid},
    transport::TransportError,
};
use std::{sync::Arc, time::Duration};

/// For how long after its deadline an auction may take to be settled and notified.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many auctions' traces are looked at before there is none to show.
const LOOKED_AT: usize = 3;

/// The auctions that are offered: the same ones, whenever.
#[derive(Debug, Clone)]
pub struct Load {
    /// When auctions start.
    pub plan: Plan,
    /// How many bids each gets.
    pub bidders: usize,
    /// For how long each takes bids.
    pub auction: Duration,
}

/// What a run is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What is offered.
    pub load: Load,
    /// What to judge by.
    pub objectives: Vec<Objective>,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Somebody cannot log in.
    #[error("{0}; seed first: loadtest seed --gateway URL")]
    Cast(#[from] SeedError),
    /// Jaeger cannot be asked.
    #[error("Jaeger: {0}")]
    Jaeger(#[from] TransportError),
}

// === impl Load ===

impl Load {
    /// Holds the auctions, until the last has come to its end.
    pub async fn hold(&self, cast: &Arc<Cast>, lateness: &Lateness, tally: &Tally) -> Started {
        self.plan
            .run(lateness, |arrival| {
                tally.sent();
                let (cast, tally, lateness) = (cast.clone(), tally.clone(), lateness.clone());
                let script = Script::of(
                    arrival.index,
                    cast.customers.len(),
                    self.bidders,
                    self.auction,
                );
                async move {
                    let held = script
                        .hold(&cast, arrival.intended, PATIENCE, &lateness, &tally)
                        .await;
                    tally.finished(held);
                }
            })
            .await
    }
}

/// Holds auctions as `settings` say. `progress` is told a line each second.
///
/// # Errors
/// When nobody can log in or Jaeger cannot be asked. A bad result is a [`Report`].
pub async fn run(
    gateway: &Gateway,
    jaeger: &Jaeger,
    credentials: &Credentials,
    settings: &Settings,
    progress: impl Fn(&str) + Send + Sync + 'static,
) -> Result<Report, RunError> {
    progress("logging everybody in");
    let cast = Arc::new(seed::assemble(gateway, credentials).await?);
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
    let started = settings.load.hold(&cast, &lateness, &tally).await;
    ticker.abort();
    let mut report = tally.report(
        &settings.load.plan,
        started,
        &lateness,
        &settings.objectives,
    );
    progress("looking for a complete trace in Jaeger");
    for held in tally.whole().iter().take(LOOKED_AT) {
        let findings = findings_of(jaeger, held, 0, ARRIVAL).await?;
        if findings.is_empty() {
            report.trace_url = Some(jaeger.page(&held.trace_id));
            report.trace_id = Some(held.trace_id.clone());
            break;
        }
        for (trace_id, finding) in findings {
            progress(&format!("trace {trace_id}: {finding}"));
        }
    }
    Ok(report)
}

/// What is wrong with the traces of an auction and of its bids, each with its trace's id, once spans have had `limit`
/// to arrive.
///
/// # Errors
/// When Jaeger does not answer.
pub async fn findings_of(
    jaeger: &Jaeger,
    held: &Held,
    declined: usize,
    limit: Duration,
) -> Result<Vec<(String, Finding)>, TransportError> {
    let (_, findings) = jaeger
        .settled(&held.trace_id, limit, |trace| {
            let whole = AuctionTrace {
                trace,
                bids: &held.bid_traces,
                declined,
            };
            whole.findings()
        })
        .await?;
    let mut all: Vec<(String, Finding)> = findings
        .into_iter()
        .map(|finding| (held.trace_id.clone(), finding))
        .collect();
    for bid_trace in &held.bid_traces {
        let (_, findings) = jaeger.settled(bid_trace, limit, bid::findings).await?;
        all.extend(
            findings
                .into_iter()
                .map(|finding| (bid_trace.clone(), finding)),
        );
    }
    Ok(all)
}
