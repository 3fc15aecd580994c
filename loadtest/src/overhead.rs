//! What tracing costs the whole platform: processor time of the services per awarded auction, with their telemetry on,
//! in multiples of the same with `OTEL_SDK_DISABLED=true`.
//!
//! The machine is shared, and what it does beside the measurement changes by the minute. So the two are measured in
//! turns, in short phases with the same auctions; each round makes one ratio of two phases next to each other, whose
//! order alternates so that what only grows (the databases) weighs on both alike; and the median of the rounds counts.
//! A phase is only believed when the auctions were awarded and the spans exported, none of them when telemetry is off.

mod services;
mod verdict;

pub use verdict::{Overhead, Row};

use crate::{
    client::Gateway,
    run::Load,
    schedule::Lateness,
    seed::{self, Cast, Credentials, SeedError},
    tally::Tally,
    transport::TransportError,
};
use serde::Serialize;
use services::{Processor, Running, Spans};
use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};
use tokio::time::Instant;

/// After the last auction, spans wait up to `OTEL_BSP_SCHEDULE_DELAY`, 5 s, for their export, which belongs to the phase
/// too. Asking the services whether they are done would cost them more than waiting; the wait is as long in both.
const EXPORTED_AFTER: Duration = Duration::from_secs(6);

/// How much longer they may take when the collector is slow.
const PATIENCE: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_secs(1);

/// The share of the planned auctions that must be awarded: what becomes of the others costs something else.
const AWARDED: f64 = 0.98;

/// What a measurement is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What each phase measures.
    pub load: Load,
    /// For how long the same rate is offered before.
    pub warm_up: Duration,
    /// How many pairs of phases there are.
    pub rounds: u16,
    /// What the median of their ratios may be at most.
    pub goal: f64,
    /// Restarts the services: called with `on` or `off`, it prints a line `NAME PID` for each that is ready.
    pub switch: PathBuf,
}

/// How the services run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Telemetry {
    /// As always.
    On,
    /// With `OTEL_SDK_DISABLED=true`: contexts still travel, metrics and logs stay.
    Off,
}

/// What one phase found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Phase {
    /// How the services ran.
    pub telemetry: Telemetry,
    /// How many auctions were awarded.
    pub awarded: u64,
    /// By the service's name.
    pub services: BTreeMap<&'static str, Spent>,
}

/// What a service did in a phase.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spent {
    /// Seconds of processor time, in user and in kernel mode.
    pub cpu_s: f64,
    /// Spans that it exported.
    pub spans: f64,
}

/// Two phases next to each other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Round {
    /// With telemetry.
    pub on: Phase,
    /// Without.
    pub off: Phase,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum OverheadError {
    /// The accounts could not be made.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// A service cannot be asked.
    #[error("a service's metrics: {0}")]
    Metrics(#[from] TransportError),
    /// The services were not restarted.
    #[error("{} failed: {reason}", .program.display())]
    Switch {
        /// What was to do it.
        program: PathBuf,
        /// How.
        reason: String,
    },
    /// A process ended, by itself or by somebody else, while it was measured.
    #[error("the process of {0} ended during the measurement")]
    Replaced(&'static str),
    /// The auctions of a phase did not go as planned.
    #[error(
        "{awarded} of {planned} auctions were awarded: the platform is not well, or RATE is too high for this machine"
    )]
    TooFew {
        /// How many awards stood.
        awarded: u64,
        /// How many there should be.
        planned: u64,
    },
    /// The collector did not take the spans.
    #[error("{service}: {waiting} spans are not exported, {lost} are lost")]
    NotExported {
        /// Whose spans.
        service: &'static str,
        /// That have no result yet.
        waiting: f64,
        /// That were given up during the phase.
        lost: f64,
    },
    /// The services did not run as they should.
    #[error("telemetry was to be {}, and {spans} spans were exported", .telemetry.word())]
    NotSwitched {
        /// How they should.
        telemetry: Telemetry,
        /// What they exported.
        spans: f64,
    },
}

/// What a service has used and told so far.
struct Reading {
    service: &'static str,
    processor: Processor,
    spans: Spans,
}

// === impl Telemetry ===

impl Telemetry {
    /// As the switch and a person read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

// === impl Phase ===

impl Phase {
    /// Puts together what was read before and after.
    fn of(
        telemetry: Telemetry,
        awarded: u64,
        before: &[Reading],
        after: &[Reading],
    ) -> Result<Self, OverheadError> {
        let mut services = BTreeMap::new();
        for (before, after) in before.iter().zip(after) {
            let service = after.service;
            let lost = after.spans.lost - before.spans.lost;
            if lost > 0.0 {
                return Err(OverheadError::NotExported {
                    service,
                    waiting: 0.0,
                    lost,
                });
            }
            let cpu_s = after
                .processor
                .seconds_since(before.processor)
                .ok_or(OverheadError::Replaced(service))?;
            let spans = after.spans.exported - before.spans.exported;
            services.insert(service, Spent { cpu_s, spans });
        }
        let phase = Self {
            telemetry,
            awarded,
            services,
        };
        let spans = phase.spans();
        if (spans > 0.0) == (telemetry == Telemetry::On) {
            Ok(phase)
        } else {
            Err(OverheadError::NotSwitched { telemetry, spans })
        }
    }

    /// What all services exported.
    fn spans(&self) -> f64 {
        self.services.values().map(|spent| spent.spans).sum()
    }

    /// Seconds of processor time of all services.
    pub fn cpu_per_auction(&self) -> f64 {
        let cpu_s: f64 = self.services.values().map(|spent| spent.cpu_s).sum();
        cpu_s / verdict::count(self.awarded)
    }
}

/// Measures. `progress` is told a line for each phase.
///
/// # Errors
/// When a phase is not to be believed. A goal that is missed is an [`Overhead`].
pub async fn measure(
    gateway: &Gateway,
    credentials: &Credentials,
    settings: &Settings,
    progress: impl Fn(&str),
) -> Result<Overhead, OverheadError> {
    let cast = Arc::new(seed::plant(gateway, credentials).await?);
    let phase = async |round: u16, telemetry: Telemetry| {
        let phase = measure_phase(&cast, settings, telemetry).await?;
        progress(&format!(
            "round {round} of {}, telemetry {:<3}  {} auctions awarded, {:.2} ms of CPU and {:.1} spans each",
            settings.rounds,
            telemetry.word(),
            phase.awarded,
            phase.cpu_per_auction() * 1e3,
            phase.spans() / verdict::count(phase.awarded),
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
    Ok(Overhead::of(rounds, settings.goal))
}

async fn measure_phase(
    cast: &Arc<Cast>,
    settings: &Settings,
    telemetry: Telemetry,
) -> Result<Phase, OverheadError> {
    let running = services::switch(&settings.switch, telemetry).await?;
    let mut warm_up = settings.load.clone();
    warm_up.plan.duration = settings.warm_up;
    offer(&warm_up, cast).await?;
    let before = settled(&running).await?;
    let awarded = offer(&settings.load, cast).await?;
    let after = settled(&running).await?;
    Phase::of(telemetry, awarded, &before, &after)
}

/// Holds the auctions and says how many were awarded.
async fn offer(load: &Load, cast: &Arc<Cast>) -> Result<u64, OverheadError> {
    let tally = Tally::default();
    load.hold(cast, &Lateness::default(), &tally).await;
    let (awarded, planned) = (tally.awarded(), load.plan.arrivals());
    if verdict::count(awarded) < verdict::count(planned) * AWARDED {
        return Err(OverheadError::TooFew { awarded, planned });
    }
    Ok(awarded)
}

/// Reads every service once its spans are exported.
async fn settled(running: &[Running]) -> Result<Vec<Reading>, OverheadError> {
    let until = Instant::now() + PATIENCE;
    let mut pause = EXPORTED_AFTER;
    loop {
        tokio::time::sleep(pause).await;
        let mut readings = Vec::new();
        for running in running {
            readings.push(Reading {
                service: running.service.name(),
                processor: running.processor()?,
                spans: running.spans().await?,
            });
        }
        let Some(waiting) = readings.iter().find(|reading| reading.spans.waiting > 0.0) else {
            return Ok(readings);
        };
        if Instant::now() >= until {
            return Err(OverheadError::NotExported {
                service: waiting.service,
                waiting: waiting.spans.waiting,
                lost: 0.0,
            });
        }
        pause = AGAIN;
    }
}

#[cfg(test)]
mod tests {
    use super::{OverheadError, Phase, Reading, Telemetry, services::Processor, services::Spans};

    fn reading(stat: &str, exported: f64, lost: f64) -> Reading {
        Reading {
            service: "auction",
            processor: Processor::parse(&format!("7 (auction) S {stat}")).expect("a line"),
            spans: Spans {
                exported,
                lost,
                waiting: 0.0,
            },
        }
    }

    /// The fourth field and those that follow, up to the start of the process.
    fn used(ticks: u64, started: u64) -> String {
        format!("1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 9 0 {started} 0")
    }

    #[test]
    fn a_phase_is_what_was_used_between_its_readings() {
        let before = [reading(&used(100, 5), 10.0, 1.0)];
        let after = [reading(&used(300, 5), 60.0, 1.0)];
        let phase = Phase::of(Telemetry::On, 50, &before, &after).expect("it is to be believed");
        let spent = phase.services["auction"];
        assert!((spent.cpu_s - 2.0).abs() < 1e-9 && (spent.spans - 50.0).abs() < 1e-9);
        assert!((phase.cpu_per_auction() - 0.04).abs() < 1e-9);
    }

    #[test]
    fn a_phase_of_another_process_or_with_spans_lost_is_not_believed() {
        let before = [reading(&used(100, 5), 10.0, 0.0)];
        let replaced = Phase::of(
            Telemetry::On,
            50,
            &before,
            &[reading(&used(300, 6), 60.0, 0.0)],
        );
        assert!(matches!(replaced, Err(OverheadError::Replaced("auction"))));
        let lossy = Phase::of(
            Telemetry::On,
            50,
            &before,
            &[reading(&used(300, 5), 60.0, 2.0)],
        );
        assert!(matches!(lossy, Err(OverheadError::NotExported { .. })));
    }

    #[test]
    fn telemetry_that_is_on_exports_and_one_that_is_off_does_not() {
        let before = [reading(&used(100, 5), 10.0, 0.0)];
        for (telemetry, exported, believed) in [
            (Telemetry::On, 60.0, true),
            (Telemetry::On, 10.0, false),
            (Telemetry::Off, 10.0, true),
            (Telemetry::Off, 60.0, false),
        ] {
            let after = [reading(&used(300, 5), exported, 0.0)];
            let phase = Phase::of(telemetry, 50, &before, &after);
            assert_eq!(phase.is_ok(), believed, "{phase:?}");
        }
    }
}
