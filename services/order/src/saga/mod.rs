//! The settlement saga as a pure state machine: it derives the next step from the saga's log.
//!
//! ```text
//! reserve reward -> authorise payment -> confirm order -> commit reward -> confirmed
//!        \                 \
//!         `-----------------`-> void payment -> release reward -> fail order -> revoke award -> failed
//! ```
//!
//! The log is the whole state. After a crash the same log gives the same next step; a step that ran without being logged
//! runs again, so each step is idempotent. Confirming is the pivot: the steps after it are retried until they succeed, and
//! so are the compensations. Only the two steps before it can be given up.

use std::collections::BTreeMap;
use std::time::Duration;

use chassis::clock::Millis;

/// The number of attempts of a step that can be given up.
pub const MAX_TRIES: u32 = 5;

/// The delay after each attempt that got no answer; the last one repeats. With five attempts and their time-outs this
/// takes about 20 s.
const BACK_OFF: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_millis(1500),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// The steps, in the order of every saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Reserves the coupon and the points.
    Reserve,
    /// Authorises the payment.
    Authorise,
    /// Confirms the order, in this service's database.
    Confirm,
    /// Uses the coupon and the points, and credits the points earned.
    Commit,
    /// Compensates [`Step::Authorise`].
    Void,
    /// Compensates [`Step::Reserve`].
    Release,
    /// Fails the order, in this service's database.
    Fail,
    /// Revokes the award, at the auction service.
    Revoke,
}

/// The result of one attempt of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// The step is done.
    Done,
    /// The other service refused it, with this code.
    Refused(String),
    /// There was no answer, so the effect is not known; the step has to be retried. With the code of the failure.
    Unanswered(String),
}

/// The outcome of a step in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The attempts so far got no answer; the step will be retried.
    Retried,
    /// Done.
    Done,
    /// Refused by the other service.
    Refused,
    /// Given up without an answer. The step may have had its effect.
    Unavailable,
}

/// The log entry of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The outcome.
    pub outcome: Outcome,
    /// The code of the refusal or of the last failure. A step that is done has none.
    pub code: Option<String>,
    /// The number of attempts.
    pub tries: u32,
    /// When the entry last changed.
    pub at_ms: Millis,
}

/// The log of a saga.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log(BTreeMap<Step, Entry>);

/// The next action of a saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Run this step.
    Run(Step),
    /// None: the order is confirmed and settled.
    Confirmed,
    /// None: the order has failed and is compensated.
    Failed,
}

// === impl Step ===

impl Step {
    /// Every step.
    pub const ALL: [Self; 8] = [
        Self::Reserve,
        Self::Authorise,
        Self::Confirm,
        Self::Commit,
        Self::Void,
        Self::Release,
        Self::Fail,
        Self::Revoke,
    ];

    const FORWARD: [Self; 4] = [Self::Reserve, Self::Authorise, Self::Confirm, Self::Commit];

    /// Its name in the log, in spans and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Authorise => "authorise",
            Self::Confirm => "confirm",
            Self::Commit => "commit",
            Self::Void => "void",
            Self::Release => "release",
            Self::Fail => "fail",
            Self::Revoke => "revoke",
        }
    }

    /// The step with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    /// The failure code of an order for which this step is given up, or `None` when it cannot be given up.
    const fn unavailable(self) -> Option<&'static str> {
        match self {
            Self::Reserve => Some("reward.unavailable"),
            Self::Authorise => Some("payment.unavailable"),
            _ => None,
        }
    }
}

impl From<Step> for registry::SagaStep {
    fn from(step: Step) -> Self {
        match step {
            Step::Reserve => Self::Reserve,
            Step::Authorise => Self::Authorise,
            Step::Confirm => Self::Confirm,
            Step::Commit => Self::Commit,
            Step::Void => Self::Void,
            Step::Release => Self::Release,
            Step::Fail => Self::Fail,
            Step::Revoke => Self::Revoke,
        }
    }
}

// === impl Outcome ===

impl From<Outcome> for registry::SagaOutcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Retried => Self::Retried,
            Outcome::Done => Self::Done,
            Outcome::Refused => Self::Refused,
            Outcome::Unavailable => Self::Unavailable,
        }
    }
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Retried, Self::Done, Self::Refused, Self::Unavailable];

    /// Its name in the log and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retried => "retried",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }

    /// The outcome with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

// === impl Log ===

impl Log {
    /// The next action.
    pub fn next(&self) -> Next {
        for step in Step::FORWARD {
            match self.outcome(step) {
                None | Some(Outcome::Retried) => return Next::Run(step),
                Some(Outcome::Done) => {}
                // The order is confirmed and cannot be compensated. A refusal here is a defect, which is logged.
                Some(_) if step == Step::Commit => {}
                Some(_) => return self.next_compensation(),
            }
        }
        Next::Confirmed
    }

    fn next_compensation(&self) -> Next {
        let authorised = matches!(
            self.outcome(Step::Authorise),
            Some(Outcome::Done | Outcome::Unavailable)
        );
        // Needed also when the reservation was refused: an earlier attempt without an answer may still arrive.
        let compensations = [
            (Step::Void, authorised),
            (Step::Release, true),
            (Step::Fail, true),
            (Step::Revoke, true),
        ];
        compensations
            .into_iter()
            .find(|(step, needed)| {
                *needed && matches!(self.outcome(*step), None | Some(Outcome::Retried))
            })
            .map_or(Next::Failed, |(step, _)| Next::Run(step))
    }

    /// Records the result of an attempt of `step`, and returns the entry to store.
    pub fn record(&mut self, step: Step, attempt: Attempt, now: Millis) -> Entry {
        let tries = self.tries(step) + 1;
        let (outcome, code) = match (attempt, step.unavailable()) {
            (Attempt::Done, _) => (Outcome::Done, None),
            (Attempt::Refused(code), _) => (Outcome::Refused, Some(code)),
            (Attempt::Unanswered(_), Some(code)) if tries >= MAX_TRIES => {
                (Outcome::Unavailable, Some(code.to_owned()))
            }
            (Attempt::Unanswered(code), _) => (Outcome::Retried, Some(code)),
        };
        let entry = Entry {
            outcome,
            code,
            tries,
            at_ms: now,
        };
        self.insert(step, entry.clone());
        entry
    }

    /// Adds an entry that was read from the database.
    pub fn insert(&mut self, step: Step, entry: Entry) {
        self.0.insert(step, entry);
    }

    /// The steps that were attempted, in their order.
    pub fn entries(&self) -> impl Iterator<Item = (Step, &Entry)> {
        self.0.iter().map(|(step, entry)| (*step, entry))
    }

    /// The outcome of a step, if it was attempted.
    pub fn outcome(&self, step: Step) -> Option<Outcome> {
        self.0.get(&step).map(|entry| entry.outcome)
    }

    /// The delay before `step` is retried.
    pub fn back_off(&self, step: Step) -> Duration {
        let waits = usize::try_from(self.tries(step).saturating_sub(1)).unwrap_or(usize::MAX);
        BACK_OFF[waits.min(BACK_OFF.len() - 1)]
    }

    /// The stable code of the reason why the saga fails, if it does.
    pub fn failure_code(&self) -> Option<&str> {
        Step::FORWARD
            .into_iter()
            .filter_map(|step| self.0.get(&step))
            .find(|entry| matches!(entry.outcome, Outcome::Refused | Outcome::Unavailable))
            .and_then(|entry| entry.code.as_deref())
    }

    fn tries(&self, step: Step) -> u32 {
        self.0.get(&step).map_or(0, |entry| entry.tries)
    }
}

#[cfg(test)]
mod tests;
