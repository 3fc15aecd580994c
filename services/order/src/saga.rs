//! The settlement saga as a pure state machine: from its log to its next step.
//!
//! ```text
//! reserve reward -> authorise payment -> confirm order -> commit reward -> confirmed
//!        \                 \
//!         `-----------------`-> void payment -> release reward -> fail order -> revoke award -> failed
//! ```
//!
//! The log is the whole state: after a crash the same log gives the same next step, and a step that ran without
//! being logged runs again, which is why each is idempotent. Confirming is the point of no return: what comes after
//! it is tried until it succeeds, and so is each compensation. Only the two steps before it may be given up.

use chassis::clock::Millis;
use std::{collections::BTreeMap, time::Duration};

/// How often a step that may be given up is tried.
pub const MAX_TRIES: u32 = 5;

/// How long to wait after the first, second, … try that got no answer; the last one repeats. With five tries and
/// their time-outs that is some 20 s.
const BACK_OFF: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_millis(1500),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// The steps, in the order in which any saga takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Sets coupon and points aside.
    Reserve,
    /// Sets the money aside.
    Authorise,
    /// Confirms the order, in our own database.
    Confirm,
    /// Uses up coupon and points, and credits what was earned.
    Commit,
    /// Compensates [`Step::Authorise`].
    Void,
    /// Compensates [`Step::Reserve`].
    Release,
    /// Fails the order, in our own database.
    Fail,
    /// Has the auction service revoke the award.
    Revoke,
}

/// What one run of a step came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// It did what it should.
    Done,
    /// The other side decided against it, with this code.
    Refused(String),
    /// Nobody knows; it is to be tried again. With the code of what went wrong.
    Unanswered(String),
}

/// How a step stands in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Tried without an answer, and to be tried again.
    Retried,
    /// Done.
    Done,
    /// Refused by the other side.
    Refused,
    /// Given up without an answer: it may have had its effect.
    Unavailable,
}

/// A step's entry in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// How it stands.
    pub outcome: Outcome,
    /// The code of the refusal or of the last try's failure; empty when it is done.
    pub code: String,
    /// How often it was tried.
    pub tries: u32,
    /// When it last changed.
    pub at_ms: Millis,
}

/// What a saga has done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log(BTreeMap<Step, Entry>);

/// What a saga does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Run this step.
    Run(Step),
    /// Nothing: it is settled.
    Confirmed,
    /// Nothing: it failed and all is compensated.
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

    /// The step of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    /// The order's failure code when it is given up; none when it may not be.
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

    /// The outcome of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

// === impl Log ===

impl Log {
    /// What comes next.
    pub fn next(&self) -> Next {
        for step in Step::FORWARD {
            match self.outcome(step) {
                None | Some(Outcome::Retried) => return Next::Run(step),
                Some(Outcome::Done) => {}
                // The order is confirmed, so there is no way back; whoever refused has a defect to look into.
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
        // Releasing is asked for even after a refusal: an earlier try that got no answer may still arrive.
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

    /// Adds what a run of `step` came to, and gives the entry to be stored.
    pub fn record(&mut self, step: Step, attempt: Attempt, now: Millis) -> Entry {
        let tries = self.tries(step) + 1;
        let (outcome, code) = match (attempt, step.unavailable()) {
            (Attempt::Done, _) => (Outcome::Done, String::new()),
            (Attempt::Refused(code), _) => (Outcome::Refused, code),
            (Attempt::Unanswered(_), Some(code)) if tries >= MAX_TRIES => {
                (Outcome::Unavailable, code.to_owned())
            }
            (Attempt::Unanswered(code), _) => (Outcome::Retried, code),
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

    /// Puts an entry in, as it was stored.
    pub fn insert(&mut self, step: Step, entry: Entry) {
        self.0.insert(step, entry);
    }

    /// The steps taken, in their order.
    pub fn entries(&self) -> impl Iterator<Item = (Step, &Entry)> {
        self.0.iter().map(|(step, entry)| (*step, entry))
    }

    /// How a step stands, if it was tried.
    pub fn outcome(&self, step: Step) -> Option<Outcome> {
        self.0.get(&step).map(|entry| entry.outcome)
    }

    /// How long to wait before `step` is tried again.
    pub fn back_off(&self, step: Step) -> Duration {
        let waits = usize::try_from(self.tries(step).saturating_sub(1)).unwrap_or(usize::MAX);
        BACK_OFF[waits.min(BACK_OFF.len() - 1)]
    }

    /// The stable code of why it fails; empty when it does not.
    pub fn failure_code(&self) -> &str {
        Step::FORWARD
            .into_iter()
            .filter_map(|step| self.0.get(&step))
            .find(|entry| matches!(entry.outcome, Outcome::Refused | Outcome::Unavailable))
            .map_or("", |entry| entry.code.as_str())
    }

    fn tries(&self, step: Step) -> u32 {
        self.0.get(&step).map_or(0, |entry| entry.tries)
    }
}

#[cfg(test)]
mod tests;
