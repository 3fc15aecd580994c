use api::common::{Money, Role};
use api::reward::rewards_server::Rewards as _;
use api::reward::{GrantPointsRequest, IssueCouponRequest, ReservationState, ReserveRequest};
use chassis::Failure;
use chassis::testing::with_key;

use crate::support::{AN_HOUR, NOW, caller, coupon, grant, reserve_request, services, won};

fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> String {
    result.expect_err("refused").code.into_owned()
}

#[tokio::test]
async fn a_settlement_uses_what_it_reserved_and_earns_points() {
    for rewards in services().await {
        rewards.issue(coupon("WELCOME", 2)).await.expect("issued");
        rewards.grant(grant("a1", 5_000)).await.expect("granted");

        let reserved = rewards
            .reserve(reserve_request("r1", "a1", " welcome ", 4_000))
            .await
            .expect("reserved");
        assert_eq!(reserved.state(), ReservationState::Reserved);
        assert_eq!(reserved.discount, won(7_000));
        assert_eq!(reserved.points_reserved, 4_000);
        assert_eq!(rewards.points("a1").await, (5_000, 4_000));
        assert_eq!(rewards.uses_left("WELCOME").await, 1);

        let committed = rewards.commit("r1", 110).await.expect("committed");
        assert_eq!(committed.state(), ReservationState::Committed);
        assert_eq!(rewards.points("a1").await, (1_110, 0));
        let lines: Vec<i64> = rewards
            .balance("a1")
            .await
            .recent
            .iter()
            .map(|entry| entry.points)
            .collect();
        assert_eq!(lines, [110, -4_000, 5_000]);
        rewards.audit("a1").await;
    }
}

#[tokio::test]
async fn each_step_can_be_repeated_and_has_its_effect_once() {
    for rewards in services().await {
        rewards.issue(coupon("WELCOME", 5)).await.expect("issued");
        rewards.grant(grant("a1", 1_000)).await.expect("granted");
        let first = rewards
            .reserve(reserve_request("r1", "a1", "WELCOME", 600))
            .await;
        let again = rewards
            .reserve(reserve_request("r1", "a1", "WELCOME", 600))
            .await;
        assert_eq!(first.expect("reserved"), again.expect("the same"));
        assert_eq!(rewards.points("a1").await, (1_000, 600));

        rewards.commit("r1", 50).await.expect("committed");
        rewards.commit("r1", 50).await.expect("the same");
        assert_eq!(rewards.points("a1").await, (450, 0));
        let late = rewards
            .reserve(reserve_request("r1", "a1", "WELCOME", 600))
            .await;
        assert_eq!(late.expect("the same").state(), ReservationState::Committed);

        rewards
            .reserve(reserve_request("r2", "a1", "WELCOME", 400))
            .await
            .expect("reserved");
        rewards.release("r2").await.expect("released");
        rewards.release("r2").await.expect("the same");
        assert_eq!(rewards.points("a1").await, (450, 0));
        rewards.audit("a1").await;
        rewards.audit_coupon("WELCOME", 5).await;
    }
}

#[tokio::test]
async fn a_reservation_of_nothing_still_earns() {
    for rewards in services().await {
        let reserved = rewards.reserve(reserve_request("r1", "a1", "", 0)).await;
        assert_eq!(reserved.expect("reserved").discount, won(0));
        rewards.commit("r1", 180).await.expect("committed");
        assert_eq!(rewards.points("a1").await, (180, 0));
        rewards.audit("a1").await;
    }
}

#[tokio::test]
async fn a_released_id_can_never_be_reserved_also_if_it_never_was() {
    for rewards in services().await {
        rewards.grant(grant("a1", 1_000)).await.expect("granted");
        let tombstone = rewards.release("r1").await.expect("unknown is fine");
        assert_eq!(tombstone.state(), ReservationState::Released);
        assert_eq!(tombstone.points_reserved, 0);
        let late = rewards.reserve(reserve_request("r1", "a1", "", 500)).await;
        assert_eq!(code(late), "reward.reservation_released");
        assert_eq!(
            code(rewards.commit("r1", 0).await),
            "reward.reservation_released"
        );

        rewards
            .reserve(reserve_request("r2", "a1", "", 500))
            .await
            .expect("reserved");
        rewards.release("r2").await.expect("released");
        let late = rewards.reserve(reserve_request("r2", "a1", "", 500)).await;
        assert_eq!(code(late), "reward.reservation_released");
        assert_eq!(rewards.points("a1").await, (1_000, 0));
    }
}

#[tokio::test]
async fn what_was_committed_cannot_be_released_and_what_was_never_reserved_not_committed() {
    for rewards in services().await {
        rewards
            .reserve(reserve_request("r1", "a1", "", 0))
            .await
            .expect("reserved");
        rewards.commit("r1", 10).await.expect("committed");
        assert_eq!(
            code(rewards.release("r1").await),
            "reward.reservation_committed"
        );
        assert_eq!(
            code(rewards.commit("r2", 10).await),
            "reward.unknown_reservation"
        );
        assert_eq!(rewards.points("a1").await, (10, 0));
    }
}

#[tokio::test]
async fn what_is_refused_takes_nothing_and_can_be_reserved_once_it_is_allowed() {
    for rewards in services().await {
        rewards.issue(coupon("ONCE", 1)).await.expect("issued");
        rewards.grant(grant("a1", 100)).await.expect("granted");
        let too_much = || reserve_request("r1", "a1", "ONCE", 101);
        let refused = rewards.reserve(too_much()).await.expect_err("too much");
        assert_eq!(refused.code, "reward.points_insufficient");
        assert_eq!(refused.field.as_deref(), Some("points"));
        assert_eq!(rewards.uses_left("ONCE").await, 1);
        assert_eq!(rewards.points("a1").await, (100, 0));

        rewards.grant(grant("a1", 1)).await.expect("granted");
        rewards.reserve(too_much()).await.expect("enough now");
        let other = rewards
            .reserve(reserve_request("r2", "a2", "ONCE", 0))
            .await;
        assert_eq!(code(other), "reward.coupon_used_up");
        rewards.release("r1").await.expect("released");
        rewards
            .reserve(reserve_request("r2", "a2", "ONCE", 0))
            .await
            .expect("given back");
    }
}

#[tokio::test]
async fn a_coupon_ends_with_its_time_but_is_given_back_even_then() {
    for rewards in services().await {
        rewards.issue(coupon("BRIEF", 2)).await.expect("issued");
        rewards
            .reserve(reserve_request("r1", "a1", "BRIEF", 0))
            .await
            .expect("in time");
        rewards.clock.advance(AN_HOUR);
        let late = rewards
            .reserve(reserve_request("r2", "a1", "BRIEF", 0))
            .await;
        assert_eq!(code(late), "reward.coupon_expired");
        rewards.release("r1").await.expect("released");
        assert_eq!(rewards.uses_left("BRIEF").await, 2);
        for unknown in ["NEVER-ISSUED", "no code at all!"] {
            let refused = rewards
                .reserve(reserve_request("r3", "a1", unknown, 0))
                .await;
            assert_eq!(code(refused), "reward.coupon_unknown");
        }
    }
}

#[tokio::test]
async fn a_reservation_id_belongs_to_one_request() {
    for rewards in services().await {
        rewards.grant(grant("a1", 100)).await.expect("granted");
        rewards
            .reserve(reserve_request("r1", "a1", "", 10))
            .await
            .expect("reserved");
        for other in [
            reserve_request("r1", "a1", "", 11),
            reserve_request("r1", "a2", "", 10),
            ReserveRequest {
                price: won(17_000),
                ..reserve_request("r1", "a1", "", 10)
            },
        ] {
            assert_eq!(
                code(rewards.reserve(other).await),
                "reward.reservation_reused"
            );
        }
    }
}

#[tokio::test]
async fn every_number_has_its_bounds() {
    for rewards in services().await {
        let reserve = async |request| code(rewards.reserve(request).await);
        assert_eq!(
            reserve(reserve_request("", "a1", "", 0)).await,
            "reward.bad_reservation"
        );
        assert_eq!(
            reserve(reserve_request("r1", "", "", 0)).await,
            "reward.bad_account"
        );
        for points in [-1, i64::MAX] {
            assert_eq!(
                reserve(reserve_request("r1", "a1", "", points)).await,
                "reward.bad_points"
            );
            assert_eq!(
                code(rewards.commit("r1", points).await),
                "reward.bad_points"
            );
            assert_eq!(
                code(rewards.grant(grant("a1", points)).await),
                "reward.bad_points"
            );
        }
        let free = ReserveRequest {
            price: won(0),
            ..reserve_request("r1", "a1", "", 0)
        };
        assert_eq!(reserve(free).await, "money.out_of_range");
        let in_euros = Money {
            amount_minor: 18,
            currency: "EUR".to_owned(),
        };
        rewards.issue(coupon("WONS", 1)).await.expect("issued");
        let foreign = ReserveRequest {
            price: Some(in_euros),
            ..reserve_request("r1", "a1", "WONS", 0)
        };
        assert_eq!(reserve(foreign).await, "reward.coupon_currency");
    }
}

#[tokio::test]
async fn only_admins_issue_coupons_and_grant_points() {
    for rewards in services().await {
        for role in [Role::Customer, Role::Restaurant] {
            let issued = rewards
                .issue(IssueCouponRequest {
                    caller: caller("a1", role),
                    ..coupon("MINE", 1)
                })
                .await;
            assert_eq!(code(issued), "caller.role");
            let granted = rewards
                .grant(GrantPointsRequest {
                    caller: caller("a1", role),
                    ..grant("a1", 1)
                })
                .await;
            assert_eq!(code(granted), "caller.role");
        }
        let issued = rewards.issue(coupon("mine", 7)).await.expect("issued");
        assert_eq!((issued.code.as_str(), issued.uses_left), ("MINE", 7));
        assert_eq!(issued.expires_at_ms, NOW + AN_HOUR);
        assert_eq!(
            code(rewards.issue(coupon("Mine", 7)).await),
            "reward.coupon_exists"
        );
    }
}

#[tokio::test]
async fn a_grant_that_is_repeated_under_its_key_counts_once() {
    for rewards in services().await {
        let request = || with_key(grant("a1", 500), "key-1");
        let first = rewards.api.grant_points(request()).await.expect("granted");
        let second = rewards.api.grant_points(request()).await.expect("the same");
        assert_eq!(first.into_inner(), second.into_inner());
        assert_eq!(rewards.points("a1").await, (500, 0));
    }
}
