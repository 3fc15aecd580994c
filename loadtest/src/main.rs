//! The load generator's commands: seed the city, run auctions in it, measure what their tracing costs, verify a trace.

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use loadtest::{
    client::Gateway,
    jaeger::{ARRIVAL, Jaeger},
    overhead,
    run::{self, Load, Settings},
    schedule::Plan,
    seed::{self, Credentials},
    slo,
    traces::{AuctionTrace, Finding, auction, bid},
};
use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

/// Ends with 0 when all is well, 1 when an objective is missed or a trace is not whole, 2 when nothing could be found
/// out.
#[derive(Parser)]
#[command(
    version,
    about = "Whole auctions on schedule, judged by the platform's SLOs"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes the accounts and restaurants that the load needs. Safe to run again.
    Seed {
        /// Where the gateway is.
        #[arg(long, default_value = GATEWAY)]
        gateway: String,
    },
    /// Holds auctions on schedule and judges them by the SLOs.
    Run(RunArguments),
    /// Measures what the tracing costs the services, in multiples of what they cost without.
    Overhead(OverheadArguments),
    /// Says what is missing in the trace of a settled auction and in those of its bids.
    VerifyTrace {
        /// The trace of the opening.
        id: String,
        /// Where Jaeger's query API is.
        #[arg(long, default_value = JAEGER)]
        jaeger: String,
        /// How many payments of the auction declined.
        #[arg(long, default_value_t = 0)]
        declined: usize,
    },
}

#[derive(clap::Args)]
struct RunArguments {
    /// Where the gateway is.
    #[arg(long, default_value = GATEWAY)]
    gateway: String,
    /// Where Jaeger's query API is.
    #[arg(long, default_value = JAEGER)]
    jaeger: String,
    /// Auctions per second.
    #[arg(long, default_value_t = 2.0, value_parser = rate)]
    rate: f64,
    /// For how long auctions are opened, such as 60s.
    #[arg(long, default_value = "60s", value_parser = duration)]
    duration: Duration,
    /// For how long each auction takes bids.
    #[arg(long, default_value = "3s", value_parser = duration)]
    auction: Duration,
    /// How many bids each auction gets.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    bidders: u16,
    /// How many auctions may be under way at once.
    #[arg(long, default_value_t = 2000)]
    most_at_once: usize,
    /// Where to write the result.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(clap::Args)]
struct OverheadArguments {
    /// Where the gateway is.
    #[arg(long, default_value = GATEWAY)]
    gateway: String,
    /// Auctions per second.
    #[arg(long, default_value_t = 10.0, value_parser = rate)]
    rate: f64,
    /// For how long auctions are opened in each phase, such as 15s.
    #[arg(long, default_value = "15s", value_parser = duration)]
    duration: Duration,
    /// For how long before that, unmeasured.
    #[arg(long, default_value = "5s", value_parser = duration)]
    warm_up: Duration,
    /// How many pairs of phases there are, one of each with telemetry. As many begin with as without, when it is even.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// What the median of the rounds' ratios may be at most.
    #[arg(long, default_value_t = 1.05, value_parser = goal)]
    goal: f64,
    /// The program that restarts the services: called with `on` or `off`, it prints a line NAME PID for each.
    #[arg(long)]
    switch: PathBuf,
    /// Where to write the result.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Only says what would be measured.
    #[arg(long)]
    dry_run: bool,
}

const GATEWAY: &str = "http://127.0.0.1:8080";
const JAEGER: &str = "http://127.0.0.1:16686";

/// The auctions of which the overhead is told: few bids, as in a run that says nothing else.
const BIDDERS: usize = 4;
const AUCTION: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Seed { gateway } => plant(&gateway).await,
        Command::Run(arguments) => load(&arguments).await,
        Command::Overhead(arguments) => cost(&arguments).await,
        Command::VerifyTrace {
            id,
            jaeger,
            declined,
        } => verify(&jaeger, &id, declined).await,
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("loadtest: {error:#}");
        ExitCode::from(2)
    })
}

async fn plant(gateway: &str) -> anyhow::Result<ExitCode> {
    let cast = seed::plant(&Gateway::new(gateway)?, &Credentials::from_env()).await?;
    println!(
        "{} restaurants and {} customers are there",
        cast.restaurants.len(),
        cast.customers.len()
    );
    Ok(ExitCode::SUCCESS)
}

async fn load(arguments: &RunArguments) -> anyhow::Result<ExitCode> {
    let settings = Settings {
        load: Load {
            plan: Plan {
                rate: arguments.rate,
                duration: arguments.duration,
                most_at_once: arguments.most_at_once,
            },
            bidders: usize::from(arguments.bidders),
            auction: arguments.auction,
        },
        objectives: slo::objectives()?,
    };
    let report = run::run(
        &Gateway::new(&arguments.gateway)?,
        &Jaeger::new(&arguments.jaeger)?,
        &Credentials::from_env(),
        &settings,
        |line| eprintln!("{line}"),
    )
    .await?;
    println!("{}", report.summary());
    if let Some(path) = &arguments.json {
        write(&report, path)?;
    }
    Ok(ExitCode::from(report.verdict.exit_status()))
}

async fn cost(arguments: &OverheadArguments) -> anyhow::Result<ExitCode> {
    let settings = overhead::Settings {
        load: Load {
            plan: Plan {
                rate: arguments.rate,
                duration: arguments.duration,
                most_at_once: usize::MAX,
            },
            bidders: BIDDERS,
            auction: AUCTION,
        },
        warm_up: arguments.warm_up,
        rounds: arguments.rounds,
        goal: arguments.goal,
        switch: arguments.switch.clone(),
    };
    if arguments.dry_run {
        println!("{}", settings.summary());
        return Ok(ExitCode::SUCCESS);
    }
    let overhead = overhead::measure(
        &Gateway::new(&arguments.gateway)?,
        &Credentials::from_env(),
        &settings,
        |line| eprintln!("{line}"),
    )
    .await?;
    println!("\n{}", overhead.summary());
    if let Some(path) = &arguments.json {
        write(&overhead, path)?;
    }
    Ok(ExitCode::from(u8::from(!overhead.met)))
}

fn write(result: &impl serde::Serialize, path: &PathBuf) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(result)?;
    std::fs::write(path, text + "\n").with_context(|| format!("cannot write {}", path.display()))
}

async fn verify(jaeger: &str, id: &str, declined: usize) -> anyhow::Result<ExitCode> {
    let jaeger = Jaeger::new(jaeger)?;
    let mut whole = true;
    let mut tell = |id: &str, spans: usize, findings: Vec<Finding>| {
        whole &= findings.is_empty();
        println!(
            "{id}: {spans} spans, {}",
            if findings.is_empty() {
                "whole"
            } else {
                "not whole"
            }
        );
        for finding in findings {
            println!("  {finding}");
        }
    };
    // All traces have the same time to arrive in, not one after the other.
    let until = Instant::now() + ARRIVAL;
    let limit = || until.saturating_duration_since(Instant::now());
    let (trace, findings) = jaeger
        .settled(id, limit(), |trace| {
            let bids = auction::linked_bids(trace);
            AuctionTrace {
                trace,
                bids: &bids,
                declined,
            }
            .findings()
        })
        .await?;
    tell(id, trace.spans().len(), findings);
    for bid_trace in auction::linked_bids(&trace) {
        let (trace, findings) = jaeger.settled(&bid_trace, limit(), bid::findings).await?;
        tell(&bid_trace, trace.spans().len(), findings);
    }
    Ok(if whole {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate: &f64| rate.is_finite() && (0.001..=10_000.0).contains(rate))
        .ok_or_else(|| "expected auctions per second, 0.001 to 10000".to_owned())
}

fn goal(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|goal: &f64| (1.0..=100.0).contains(goal))
        .ok_or_else(|| "expected a ratio from 1 to 100, such as 1.05".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(
        text.find(|c: char| c.is_ascii_alphabetic())
            .unwrap_or(text.len()),
    );
    let seconds = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("expected a duration such as 500ms, 60s or 5m".to_owned()),
    };
    number
        .parse::<f64>()
        .ok()
        .map(|number| number * seconds)
        .filter(|total| (0.1..=86_400.0).contains(total))
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "expected a duration from 100ms to 24h, such as 60s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Arguments, duration, rate};
    use clap::CommandFactory as _;
    use std::time::Duration;

    #[test]
    fn the_commands_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn durations_are_read_with_their_unit() {
        assert_eq!(duration("60s"), Ok(Duration::from_mins(1)));
        assert_eq!(duration("1500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        for wrong in ["", "s", "10 parsecs", "-1s", "0s", "inf"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_rate_is_positive_and_finite() {
        assert_eq!(rate("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "nan", "inf", "x"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
