//! How and when a service is killed.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chassis::platform::Service;
use loadtest::traces::{Finding, ParentOwner, Stage, Trace};
use tokio::task::JoinHandle;

use crate::support::stack::{self, fault_folder};
use crate::support::{auctions, processes};

/// The duration of an auction whose service is killed before the deadline: long enough for the restart.
const LONG: Duration = Duration::from_secs(5);
/// The duration of all other auctions.
const SHORT: Duration = Duration::from_millis(1500);

/// When a service is killed from outside.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    Bidding,
    Deadline,
    Settling,
}

/// How a service is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kill {
    /// By itself, at this fault point.
    At(&'static str),
    /// From outside, at this moment.
    From(Moment),
}

/// An armed fault point. It is disarmed when this is dropped.
pub(crate) struct ArmedFault(PathBuf);

/// The kill of a service, after it happened.
pub(crate) struct Death {
    pub(crate) victim: Service,
    /// Whether it was killed at a fault point of the auction, so that a part of the auction must follow.
    at_fault_point: bool,
    /// When, in Unix nanoseconds.
    at_ns: u64,
}

fn unix_ns(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH);
    let since = since.expect("the clock is past 1970");
    u64::try_from(since.as_nanos()).expect("the clock is before 2554")
}

// === impl Kill ===

impl Kill {
    /// How many payments must be declined for the auction to reach this point.
    pub(crate) fn declined(self) -> usize {
        let after_a_decline = ["revoke", "compensate", "release"];
        match self {
            Self::At(point) => usize::from(after_a_decline.iter().any(|word| point.contains(word))),
            Self::From(_) => 0,
        }
    }

    /// The duration of the auction.
    pub(crate) fn duration(self, victim: Service) -> Duration {
        let before_the_deadline = match self {
            Self::At(point) => {
                victim == Service::Gateway
                    || ["opened", "bid", "outbox"]
                        .iter()
                        .any(|word| point.contains(word))
            }
            Self::From(moment) => matches!(moment, Moment::Bidding),
        };
        if before_the_deadline { LONG } else { SHORT }
    }

    /// Prepares the kill of `victim`, which happens while the auction runs.
    pub(crate) fn prepare(self, victim: Service, duration: Duration) -> JoinHandle<Death> {
        match self {
            Self::At(point) => {
                let armed = ArmedFault::new(point);
                tokio::spawn(async move {
                    stack::eventually(
                        auctions::SETTLE_LIMIT,
                        &format!("{point} reached"),
                        || async { armed.was_reached().then_some(()) },
                    )
                    .await;
                    Death::at_fault_point(victim, armed.reached())
                })
            }
            Self::From(moment) => tokio::spawn(async move {
                // No event that a client can see marks these moments, so they are times.
                tokio::time::sleep(match moment {
                    Moment::Bidding => duration / 4,
                    Moment::Deadline => duration,
                    Moment::Settling => duration + Duration::from_millis(60),
                })
                .await;
                processes::sigkill(victim);
                Death::now(victim)
            }),
        }
    }
}

// === impl ArmedFault ===

impl ArmedFault {
    pub(crate) fn new(point: &str) -> Self {
        let folder = fault_folder();
        assert!(
            folder.is_dir(),
            "{} is not a folder: is the stack up?",
            folder.display()
        );
        let path = folder.join(point);
        std::fs::write(&path, "").expect("the fault can be armed");
        Self(path)
    }

    /// Whether a service has reached the fault point: it then removes the file.
    pub(crate) fn was_reached(&self) -> bool {
        !self.0.exists()
    }

    /// When it was reached: the time of the last change of the folder. The removed file may be noticed later, when the
    /// service is back already.
    fn reached(&self) -> SystemTime {
        let folder = self.0.parent().expect("a fault point lies in a folder");
        let folder = folder
            .metadata()
            .expect("the folder of the faults is there");
        folder.modified().expect("files have times")
    }
}

impl Drop for ArmedFault {
    fn drop(&mut self) {
        // Fails if the fault point was reached, since the file is removed then.
        let _ = std::fs::remove_file(&self.0);
    }
}

// === impl Death ===

impl Death {
    /// By itself, at a fault point that was reached at this time.
    fn at_fault_point(victim: Service, reached: SystemTime) -> Self {
        Self {
            victim,
            at_fault_point: true,
            at_ns: unix_ns(reached),
        }
    }

    /// From outside, now.
    fn now(victim: Service) -> Self {
        Self {
            victim,
            at_fault_point: false,
            at_ns: unix_ns(SystemTime::now()),
        }
    }

    /// What is wrong with the auction's trace, apart from what the killed service may have lost.
    pub(crate) fn findings(&self, trace: &Trace) -> Vec<String> {
        let mut findings = self.losses_of_others(trace);
        let spans = trace.spans();
        // The killed service may have lost the spans of its own stages; all other stages must be there.
        let stages = [
            (Stage::Award, Service::Auction),
            (Stage::ConfirmationSent, Service::Order),
            (Stage::Notification, Service::Notification),
        ];
        for (stage, service) in stages {
            let may_be_lost =
                self.victim == service && (stage != Stage::Notification || !self.at_fault_point);
            let shown = spans.iter().any(|span| stage.is_shown_by(span));
            if !shown && !may_be_lost {
                findings.push(Finding::MissingStage(stage).to_string());
            }
        }
        if self.at_fault_point && !spans.iter().any(|span| span.start_ns > self.at_ns) {
            findings.push("the trace has no span after the kill".to_owned());
        }
        findings
    }

    /// What is missing that the killed service did not record.
    pub(crate) fn losses_of_others(&self, trace: &Trace) -> Vec<String> {
        trace
            .structural_findings()
            .into_iter()
            .filter(|finding| match finding {
                Finding::MissingParent { owner, .. } => {
                    *owner != ParentOwner::Service(self.victim.name().to_owned())
                }
                Finding::NoRoot => self.victim != Service::Gateway,
                _ => true,
            })
            .map(|finding| finding.to_string())
            .collect()
    }
}
