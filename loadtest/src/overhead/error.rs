//! Why a measurement has no result.

use std::path::PathBuf;

use super::mode::Telemetry;
use crate::seed::SeedError;
use crate::transport::TransportError;

/// Why a measurement has no result.
#[derive(Debug, thiserror::Error)]
pub enum OverheadError {
    /// The seed data could not be created.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// A service's metrics could not be read.
    #[error("a service's metrics: {0}")]
    Metrics(#[from] TransportError),
    /// The services could not be restarted.
    #[error("{} failed: {reason}", .program.display())]
    Switch {
        /// The program that restarts them.
        program: PathBuf,
        /// Why.
        reason: String,
    },
    /// A process ended during the measurement.
    #[error("the process of {0} ended during the measurement")]
    Replaced(&'static str),
    /// Too few auctions of a phase were awarded.
    #[error(
        "{awarded} of {planned} auctions were awarded: the platform is failing, or RATE is too high for this machine"
    )]
    TooFew {
        /// How many auctions were awarded.
        awarded: u64,
        /// How many were planned.
        planned: u64,
    },
    /// Spans were not exported in time.
    #[error("{service}: {spans} spans are not exported yet")]
    NotExported {
        /// The service.
        service: &'static str,
        /// How many spans.
        spans: f64,
    },
    /// Spans were lost during a phase.
    #[error("{service}: {spans} spans are lost")]
    Lost {
        /// The service.
        service: &'static str,
        /// How many spans.
        spans: f64,
    },
    /// The services ran with telemetry and should not have, or the other way round.
    #[error("telemetry should be {}, and {spans} spans were exported", .telemetry.name())]
    NotSwitched {
        /// How they should have run.
        telemetry: Telemetry,
        /// How many spans they exported.
        spans: f64,
    },
}
