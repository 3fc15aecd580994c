//! The command line of the load generator: create the seed data, run auctions, measure the cost of tracing, verify a
//! trace.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use loadtest::client::Gateway;
use loadtest::jaeger::{ARRIVAL_LIMIT, Jaeger};
use loadtest::run::{self, Load, Settings};
use loadtest::schedule::Schedule;
use loadtest::seed::{self, Credentials};
use loadtest::traces::{AuctionTrace, Finding, auction, bid};
use loadtest::{endpoints, overhead, slo};

/// Exits with 0 on success, 1 when an objective is missed or a trace is not complete, 2 when there is no result.
#[derive(Parser)]
#[command(
    version,
    about = "Runs auctions on schedule and evaluates the platform's SLOs"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Creates the accounts and restaurants that the load needs. It can be run again.
    Seed {
        /// The address of the gateway.
        #[arg(long, default_value_t = endpoints::gateway())]
        gateway: String,
    },
    /// Runs auctions on schedule and evaluates the SLOs.
    Run(RunArguments),
    /// Measures the CPU time of the services with telemetry, as a multiple of that without.
    Overhead(OverheadArguments),
    /// Checks that the trace of a settled auction, and those of its bids, are complete.
    VerifyTrace {
        /// The trace id of the request that opened the auction.
        id: String,
        /// The address of Jaeger's query API.
        #[arg(long, default_value = endpoints::JAEGER)]
        jaeger: String,
        /// How many payments of the auction were declined.
        #[arg(long, default_value_t = 0)]
        declined: usize,
    },
}

#[derive(clap::Args)]
struct RunArguments {
    /// The address of the gateway.
    #[arg(long, default_value_t = endpoints::gateway())]
    gateway: String,
    /// The address of Jaeger's query API.
    #[arg(long, default_value = endpoints::JAEGER)]
    jaeger: String,
    /// Auctions per second.
    #[arg(long, default_value_t = 2.0, value_parser = rate)]
    rate: f64,
    /// For how long auctions are opened, such as 60s.
    #[arg(long, default_value = "60s", value_parser = duration)]
    duration: Duration,
    /// The duration of each auction.
    #[arg(long, default_value = "3s", value_parser = duration)]
    auction: Duration,
    /// How many bids each auction gets.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1000))]
    bidders: u16,
    /// Maximum number of auctions at the same time.
    #[arg(long = "most-at-once", default_value_t = 2000)]
    max_in_flight: usize,
    /// Where to write the result.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(clap::Args)]
struct OverheadArguments {
    /// The address of the gateway.
    #[arg(long, default_value_t = endpoints::gateway())]
    gateway: String,
    /// Auctions per second.
    #[arg(long, default_value_t = 10.0, value_parser = rate)]
    rate: f64,
    /// For how long auctions are opened in each phase, such as 15s.
    #[arg(long, default_value = "15s", value_parser = duration)]
    duration: Duration,
    /// For how long auctions are opened before each phase, unmeasured.
    #[arg(long, default_value = "5s", value_parser = duration)]
    warm_up: Duration,
    /// The number of rounds, each with one phase with telemetry and one without. The order alternates.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rounds: u16,
    /// Maximum of the median of the rounds' ratios.
    #[arg(long, default_value_t = 1.05, value_parser = goal)]
    goal: f64,
    /// The program that restarts the services: called with `on` or `off`, it prints a line NAME PID for each.
    #[arg(long)]
    switch: PathBuf,
    /// Where to write the result.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Prints what would be measured, and exits.
    #[arg(long)]
    dry_run: bool,
}

/// The bids of each auction when the overhead is measured: the default of a run.
const OVERHEAD_BIDDERS: usize = 4;
/// The duration of each auction when the overhead is measured: the default of a run.
const OVERHEAD_AUCTION: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Seed { gateway } => create_seed(&gateway).await,
        Command::Run(arguments) => run_load(&arguments).await,
        Command::Overhead(arguments) => measure_overhead(&arguments).await,
        Command::VerifyTrace {
            id,
            jaeger,
            declined,
        } => verify_trace(&jaeger, &id, declined).await,
    };
    result.unwrap_or_else(|error| {
        eprintln!("loadtest: {error:#}");
        ExitCode::from(2)
    })
}

async fn create_seed(gateway: &str) -> anyhow::Result<ExitCode> {
    let accounts = seed::create(&Gateway::new(gateway)?, &Credentials::from_env()).await?;
    println!(
        "{} restaurants and {} customers are there",
        accounts.restaurants.len(),
        accounts.customers.len()
    );
    Ok(ExitCode::SUCCESS)
}

async fn run_load(arguments: &RunArguments) -> anyhow::Result<ExitCode> {
    let settings = Settings {
        load: Load {
            schedule: Schedule {
                rate: arguments.rate,
                duration: arguments.duration,
                max_in_flight: arguments.max_in_flight,
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

async fn measure_overhead(arguments: &OverheadArguments) -> anyhow::Result<ExitCode> {
    let settings = overhead::Settings {
        load: Load {
            schedule: Schedule {
                rate: arguments.rate,
                duration: arguments.duration,
                max_in_flight: usize::MAX,
            },
            bidders: OVERHEAD_BIDDERS,
            auction: OVERHEAD_AUCTION,
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

async fn verify_trace(jaeger: &str, id: &str, declined: usize) -> anyhow::Result<ExitCode> {
    let jaeger = Jaeger::new(jaeger)?;
    let mut complete = true;
    let mut print = |id: &str, spans: usize, findings: Vec<Finding>| {
        complete &= findings.is_empty();
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
    // One limit for all traces together.
    let until = Instant::now() + ARRIVAL_LIMIT;
    let limit = || until.saturating_duration_since(Instant::now());
    let (trace, findings) = jaeger
        .wait_for_trace(id, limit(), |trace| {
            let bids = auction::linked_bids(trace);
            AuctionTrace {
                trace,
                bids: &bids,
                declined,
            }
            .findings()
        })
        .await?;
    print(id, trace.spans().len(), findings);
    for bid_trace in auction::linked_bids(&trace) {
        let (trace, findings) = jaeger
            .wait_for_trace(&bid_trace, limit(), bid::findings)
            .await?;
        print(&bid_trace, trace.spans().len(), findings);
    }
    Ok(if complete {
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
    use std::time::Duration;

    use clap::CommandFactory as _;

    use super::{Arguments, duration, rate};

    #[test]
    fn the_commands_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_duration_is_parsed_with_its_unit() {
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
