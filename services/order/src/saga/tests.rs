use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::{Attempt, Log, MAX_TRIES, Next, Outcome, Step};

/// What happens to one attempt of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Try {
    /// The other service answers.
    Answered,
    /// The request is lost: no effect and no answer.
    LostRequest,
    /// The answer is lost, after the effect.
    LostAnswer,
}

/// The scripted behaviour of the other services, which is the same at every run.
#[derive(Debug, Clone)]
struct Script {
    refused: BTreeSet<Step>,
    tries: BTreeMap<Step, Vec<Try>>,
}

/// The effects outside the saga's log. Each is idempotent, as the real ones are.
#[derive(Debug, Default, PartialEq, Eq)]
struct World {
    effects: BTreeSet<Step>,
}

impl Script {
    fn run(&self, world: &mut World, log: &Log, step: Step) -> Attempt {
        let unanswered = || Attempt::Unanswered("unavailable".to_owned());
        let tried = usize::try_from(log.tries(step)).expect("few tries");
        let scripted = self.tries.get(&step).and_then(|tries| tries.get(tried));
        let refuses = self.refused.contains(&step);
        match scripted.copied().unwrap_or(Try::Answered) {
            Try::LostRequest => unanswered(),
            Try::LostAnswer => {
                if !refuses {
                    world.effects.insert(step);
                }
                unanswered()
            }
            Try::Answered if refuses => Attempt::Refused(format!("{}.refused", step.name())),
            Try::Answered => {
                world.effects.insert(step);
                Attempt::Done
            }
        }
    }
}

/// Runs a saga to its end. At each attempt in `crashes` the process dies after the step's effect and before its entry is
/// stored.
fn settle(script: &Script, crashes: &BTreeSet<usize>) -> (Next, Log, World) {
    let (mut world, mut log) = (World::default(), Log::default());
    for run in 0..1000 {
        match log.next() {
            Next::Run(step) => {
                let attempt = script.run(&mut world, &log, step);
                if !crashes.contains(&run) {
                    log.record(step, attempt, 0);
                }
            }
            end => return (end, log, world),
        }
    }
    panic!("the saga does not end: {log:?}");
}

fn scripts() -> impl Strategy<Value = Script> {
    let one_try = prop_oneof![
        Just(Try::Answered),
        Just(Try::LostRequest),
        Just(Try::LostAnswer)
    ];
    let step = prop::sample::select(Step::ALL.to_vec());
    // Confirming and failing an order happen in this service's database, and are never refused.
    let other_side = prop::sample::select(vec![
        Step::Reserve,
        Step::Authorise,
        Step::Commit,
        Step::Void,
        Step::Release,
        Step::Revoke,
    ]);
    (
        prop::collection::btree_set(other_side, 0..3),
        prop::collection::btree_map(step, prop::collection::vec(one_try, 0..8), 0..8),
    )
        .prop_map(|(refused, tries)| Script { refused, tries })
}

#[test]
fn steps_and_outcomes_are_counted_by_their_names() {
    for step in Step::ALL {
        assert_eq!(registry::SagaStep::from(step).as_str(), step.name());
    }
    for outcome in Outcome::ALL {
        let counted = registry::SagaOutcome::from(outcome);
        assert_eq!(counted.as_str(), outcome.name());
    }
}

proptest! {
    #[test]
    fn every_saga_ends_confirmed_or_failed_and_never_both(script in scripts()) {
        let (end, _, world) = settle(&script, &BTreeSet::new());
        let (confirmed, failed) = (
            world.effects.contains(&Step::Confirm),
            world.effects.contains(&Step::Fail),
        );
        match end {
            Next::Confirmed => prop_assert!(confirmed && !failed),
            Next::Failed => prop_assert!(failed && !confirmed),
            Next::Run(step) => prop_assert!(false, "it stopped before {step:?}"),
        }
    }

    #[test]
    fn a_failed_saga_has_compensated_whatever_may_have_been_done(mut script in scripts()) {
        script.refused.retain(|step| matches!(step, Step::Reserve | Step::Authorise));
        let (end, log, world) = settle(&script, &BTreeSet::new());
        if end == Next::Failed {
            for (done, undone) in [(Step::Authorise, Step::Void), (Step::Reserve, Step::Release)] {
                prop_assert!(!world.effects.contains(&done) || world.effects.contains(&undone), "{log:?}");
            }
            prop_assert!(world.effects.contains(&Step::Revoke));
            prop_assert!(log.failure_code().is_some_and(|code| !code.is_empty()));
        }
    }

    #[test]
    fn a_confirmed_saga_has_money_and_reward_and_undoes_nothing(script in scripts()) {
        let (end, _, world) = settle(&script, &BTreeSet::new());
        if end == Next::Confirmed {
            for step in [Step::Reserve, Step::Authorise] {
                prop_assert!(world.effects.contains(&step));
            }
            for step in [Step::Void, Step::Release, Step::Fail, Step::Revoke] {
                prop_assert!(!world.effects.contains(&step));
            }
        }
    }

    #[test]
    fn crashes_anywhere_change_neither_the_end_nor_the_log_nor_the_world(
        script in scripts(),
        crashes in prop::collection::btree_set(0..40_usize, 0..20),
    ) {
        prop_assert_eq!(settle(&script, &crashes), settle(&script, &BTreeSet::new()));
    }
}

fn always(step: Step, what: Try) -> Script {
    Script {
        refused: BTreeSet::new(),
        tries: BTreeMap::from([(step, vec![what; 50])]),
    }
}

#[test]
fn a_payment_that_is_never_answered_is_given_up_voided_and_fails_the_order() {
    let (end, log, _) = settle(&always(Step::Authorise, Try::LostAnswer), &BTreeSet::new());
    assert_eq!(end, Next::Failed);
    assert_eq!(log.tries(Step::Authorise), MAX_TRIES);
    assert_eq!(log.outcome(Step::Void), Some(Outcome::Done));
    assert_eq!(log.failure_code(), Some("payment.unavailable"));
}

#[test]
fn a_declined_payment_has_nothing_to_void() {
    let script = Script {
        refused: BTreeSet::from([Step::Authorise]),
        tries: BTreeMap::new(),
    };
    let (end, log, _) = settle(&script, &BTreeSet::new());
    assert_eq!(end, Next::Failed);
    assert_eq!(log.outcome(Step::Void), None);
    assert_eq!(log.outcome(Step::Release), Some(Outcome::Done));
    assert_eq!(log.failure_code(), Some("authorise.refused"));
}

#[test]
fn a_compensation_is_tried_until_it_is_answered() {
    let script = Script {
        refused: BTreeSet::from([Step::Authorise]),
        tries: BTreeMap::from([(Step::Revoke, vec![Try::LostRequest; 50])]),
    };
    let (end, log, _) = settle(&script, &BTreeSet::new());
    assert_eq!(end, Next::Failed);
    assert_eq!(log.tries(Step::Revoke), 51);
}

#[test]
fn the_wait_before_a_retry_grows_and_is_bounded() {
    let mut log = Log::default();
    let mut waits = Vec::new();
    for _ in 0..10 {
        log.record(Step::Revoke, Attempt::Unanswered(String::new()), 0);
        waits.push(log.back_off(Step::Revoke));
    }
    assert!(waits.is_sorted());
    assert_eq!(waits.first().map(Duration::as_millis), Some(500));
    assert_eq!(waits.last().map(Duration::as_secs), Some(10));
}
