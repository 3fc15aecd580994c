use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::{NOW, Rewards, coupon, grant, reserve_request, services};

const COUPON_USES: i64 = 3;
const DISCOUNT: i64 = 3_000;

#[derive(Debug, Clone)]
enum Call {
    Grant(i64),
    Reserve {
        slot: u8,
        points: i64,
        with_coupon: bool,
    },
    Commit {
        slot: u8,
        earned: i64,
    },
    Release {
        slot: u8,
    },
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = prop_oneof![
        2 => (1..2_000_i64).prop_map(Call::Grant),
        4 => (0..6_u8, 0..3_000_i64, any::<bool>()).prop_map(|(slot, points, with_coupon)| {
            Call::Reserve { slot, points, with_coupon }
        }),
        3 => (0..6_u8, 0..300_i64).prop_map(|(slot, earned)| Call::Commit { slot, earned }),
        2 => (0..6_u8).prop_map(|slot| Call::Release { slot }),
    ];
    proptest::collection::vec(call, 1..25)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Reserved { points: i64, with_coupon: bool },
    Committed { points: i64, with_coupon: bool },
    Released,
}

/// A simple model of the service.
#[derive(Debug, Default)]
struct Model {
    points: i64,
    slots: BTreeMap<u8, Slot>,
}

impl Model {
    fn held(&self) -> i64 {
        self.slots
            .values()
            .map(|slot| match slot {
                Slot::Reserved { points, .. } => *points,
                _ => 0,
            })
            .sum()
    }

    fn coupon_uses(&self) -> i64 {
        let used = |slot: &&Slot| {
            matches!(
                slot,
                Slot::Reserved {
                    with_coupon: true,
                    ..
                } | Slot::Committed {
                    with_coupon: true,
                    ..
                }
            )
        };
        i64::try_from(self.slots.values().filter(used).count()).expect("few")
    }

    /// Applies the call, and returns whether it is allowed.
    fn apply(&mut self, call: &Call) -> bool {
        match *call {
            Call::Grant(points) => {
                self.points += points;
                true
            }
            Call::Reserve {
                slot,
                points,
                with_coupon,
            } => match self.slots.get(&slot) {
                Some(Slot::Released) => false,
                Some(
                    Slot::Reserved {
                        points: before,
                        with_coupon: coupon_before,
                    }
                    | Slot::Committed {
                        points: before,
                        with_coupon: coupon_before,
                    },
                ) => (*before, *coupon_before) == (points, with_coupon),
                None => {
                    let allowed = points <= self.points - self.held()
                        && !(with_coupon && self.coupon_uses() == COUPON_USES);
                    if allowed {
                        self.slots.insert(
                            slot,
                            Slot::Reserved {
                                points,
                                with_coupon,
                            },
                        );
                    }
                    allowed
                }
            },
            Call::Commit { slot, earned } => match self.slots.get(&slot).copied() {
                Some(Slot::Reserved {
                    points,
                    with_coupon,
                }) => {
                    self.points += earned - points;
                    self.slots.insert(
                        slot,
                        Slot::Committed {
                            points,
                            with_coupon,
                        },
                    );
                    true
                }
                Some(Slot::Committed { .. }) => true,
                Some(Slot::Released) | None => false,
            },
            Call::Release { slot } => {
                let allowed = !matches!(self.slots.get(&slot), Some(Slot::Committed { .. }));
                if allowed {
                    self.slots.insert(slot, Slot::Released);
                }
                allowed
            }
        }
    }
}

async fn call(rewards: &Rewards, case: u32, call: &Call) -> bool {
    let account = format!("a{case}");
    let id = |slot: u8| format!("r{case}-{slot}");
    match *call {
        Call::Grant(points) => rewards.grant(grant(&account, points)).await.is_ok(),
        Call::Reserve {
            slot,
            points,
            with_coupon,
        } => {
            let code = if with_coupon {
                format!("CASE-{case}")
            } else {
                String::new()
            };
            let request = reserve_request(&id(slot), &account, &code, points);
            match rewards.reserve(request).await {
                Ok(reservation) => {
                    let expected = points + if with_coupon { DISCOUNT } else { 0 };
                    let discount = reservation.discount.expect("a discount");
                    assert_eq!(discount.amount_minor, expected);
                    true
                }
                Err(_) => false,
            }
        }
        Call::Commit { slot, earned } => rewards.commit(&id(slot), earned).await.is_ok(),
        Call::Release { slot } => rewards.release(&id(slot)).await.is_ok(),
    }
}

/// After any calls in any order, the ledger's sum is the balance, nothing is overdrawn and every result is the model's.
#[test]
fn the_books_balance_whatever_is_called() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for rewards in runtime.block_on(services()) {
        // Each case uses another account and another coupon.
        let case = std::cell::Cell::new(0_u32);
        let config = ProptestConfig {
            cases: 48,
            max_shrink_iters: 200,
            ..ProptestConfig::default()
        };
        TestRunner::new(config)
            .run(&calls(), |calls| {
                case.set(case.get() + 1);
                let case = case.get();
                runtime.block_on(async {
                    let request = coupon(&format!("CASE-{case}"), 3);
                    assert!(request.expires_at_ms > NOW);
                    rewards.issue(request).await.expect("issued");
                    let mut model = Model::default();
                    for (index, next) in calls.iter().enumerate() {
                        let allowed = model.apply(next);
                        let done = call(&rewards, case, next).await;
                        prop_assert_eq!(done, allowed, "call {}: {:?}", index, next);
                    }
                    let account = format!("a{case}");
                    let there = rewards.points(&account).await;
                    // The balance of an account without ledger entries is zero.
                    prop_assert_eq!(there, (model.points, model.held()));
                    rewards.audit(&account).await;
                    rewards
                        .audit_coupon(&format!("CASE-{case}"), COUPON_USES)
                        .await;
                    Ok(())
                })
            })
            .expect("the books balance");
    }
}
