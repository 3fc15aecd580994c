//! The cost of tracing for the whole platform: CPU time of the services per awarded auction with telemetry, as a multiple
//! of the same with `OTEL_SDK_DISABLED=true`.
//!
//! The machine is shared, and its other load changes by the minute. So both are measured alternately, in short phases with
//! the same auctions. Each round gives the ratio of two successive phases. Their order alternates, so that growing
//! databases affect both alike. The result is the median of the rounds. A phase has a result only if its auctions were
//! awarded and its spans exported, or, without telemetry, no span was exported.

mod error;
mod mode;
mod phase;
mod services;
mod verdict;

pub use error::OverheadError;
pub use mode::Telemetry;
pub use phase::{Phase, Round, ServiceUsage};
pub use verdict::{Overhead, ServiceRow};

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::client::Gateway;
use crate::run::Load;
use crate::schedule::Lateness;
use crate::seed::{self, Accounts, Credentials};
use crate::tally::Tally;
use phase::{Reading, count};
use services::ServiceProcess;

/// How long to wait for exports after the last auction: the spans belong to the phase, and wait up to
/// `OTEL_BSP_SCHEDULE_DELAY`, 5 s. Polling the services instead would cost them CPU time; both phases wait equally long.
const EXPORT_DELAY: Duration = Duration::from_secs(6);

/// Maximum further time until all spans are exported.
const EXPORT_LIMIT: Duration = Duration::from_secs(30);

/// The interval at which the services are read again while spans are not exported.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Minimum share of the planned auctions that must be awarded: other auctions have other costs.
const MIN_AWARDED_SHARE: f64 = 0.98;

/// The settings of a measurement.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The auctions of each phase.
    pub load: Load,
    /// How long the same load runs before, unmeasured.
    pub warm_up: Duration,
    /// The number of rounds, each with two phases.
    pub rounds: u16,
    /// Maximum of the median of the rounds' ratios.
    pub goal: f64,
    /// The program that restarts the services. It is called with `on` or `off`, and prints a line `NAME PID` for each
    /// service that is ready.
    pub switch: PathBuf,
}

// === impl Settings ===

impl Settings {
    /// A line that says what will be measured.
    pub fn summary(&self) -> String {
        let phases = u32::from(self.rounds) * 2;
        // A phase also takes: the restart, the last auctions of both loads, and two waits for the export.
        let rest = 10 + 2 * (self.load.auction.as_secs() + 2) + 2 * EXPORT_DELAY.as_secs();
        let seconds = (self.load.schedule.duration + self.warm_up).as_secs() + rest;
        format!(
            "{} rounds of two phases with {} auctions each, at {} per second: about {} minutes",
            self.rounds,
            self.load.schedule.arrivals(),
            self.load.schedule.rate,
            (u64::from(phases) * seconds).div_ceil(60)
        )
    }
}

/// Measures the overhead. `progress` gets a line for each phase.
///
/// # Errors
/// When a phase has no result. A missed goal is an [`Overhead`].
pub async fn measure(
    gateway: &Gateway,
    credentials: &Credentials,
    settings: &Settings,
    progress: impl Fn(&str),
) -> Result<Overhead, OverheadError> {
    let accounts = Arc::new(seed::create(gateway, credentials).await?);
    let phase = async |round: u16, telemetry: Telemetry| {
        let phase = measure_phase(&accounts, settings, telemetry).await?;
        progress(&format!(
            "round {round} of {}, telemetry {:<3}  {} auctions awarded, {:.2} ms of CPU and {:.1} spans each",
            settings.rounds,
            telemetry.name(),
            phase.awarded,
            phase.cpu_per_auction() * 1e3,
            phase.spans() / count(phase.awarded),
        ));
        Ok::<_, OverheadError>(phase)
    };
    let mut rounds = Vec::new();
    for round in 1..=settings.rounds {
        rounds.push(if round % 2 == 1 {
            let on = phase(round, Telemetry::On).await?;
            let off = phase(round, Telemetry::Off).await?;
            Round { on, off }
        } else {
            let off = phase(round, Telemetry::Off).await?;
            let on = phase(round, Telemetry::On).await?;
            Round { on, off }
        });
    }
    Ok(Overhead::new(rounds, settings.goal))
}

async fn measure_phase(
    accounts: &Arc<Accounts>,
    settings: &Settings,
    telemetry: Telemetry,
) -> Result<Phase, OverheadError> {
    let services = services::restart(&settings.switch, telemetry).await?;
    let mut warm_up = settings.load.clone();
    warm_up.schedule.duration = settings.warm_up;
    run_load(&warm_up, accounts).await?;
    let before = read_when_exported(&services).await?;
    let awarded = run_load(&settings.load, accounts).await?;
    let after = read_when_exported(&services).await?;
    Phase::new(telemetry, awarded, &before, &after)
}

/// Runs the auctions and returns how many were awarded.
async fn run_load(load: &Load, accounts: &Arc<Accounts>) -> Result<u64, OverheadError> {
    let tally = Tally::default();
    load.run(accounts, &Lateness::default(), &tally).await;
    let (awarded, planned) = (tally.awarded(), load.schedule.arrivals());
    if count(awarded) < count(planned) * MIN_AWARDED_SHARE {
        return Err(OverheadError::TooFew { awarded, planned });
    }
    Ok(awarded)
}

/// Reads the totals of every service once it has exported its spans.
async fn read_when_exported(services: &[ServiceProcess]) -> Result<Vec<Reading>, OverheadError> {
    let until = Instant::now() + EXPORT_LIMIT;
    let mut pause = EXPORT_DELAY;
    loop {
        tokio::time::sleep(pause).await;
        let mut readings = Vec::new();
        for service in services {
            readings.push(Reading {
                service: service.service.name(),
                cpu: service.cpu_time()?,
                spans: service.span_counts().await?,
            });
        }
        let Some(waiting) = readings.iter().find(|reading| reading.spans.waiting > 0.0) else {
            return Ok(readings);
        };
        if Instant::now() >= until {
            return Err(OverheadError::NotExported {
                service: waiting.service,
                spans: waiting.spans.waiting,
            });
        }
        pause = POLL_INTERVAL;
    }
}
