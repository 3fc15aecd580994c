use std::future::Future;

use chassis::Failure;

use crate::support::{coupon, grant, reserve_request, services};

/// Runs all calls concurrently and returns their results.
async fn all<T: Send + 'static>(
    calls: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let calls: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.expect("ran"));
    }
    answers
}

fn codes<T>(answers: &[Result<T, Failure>]) -> Vec<&str> {
    answers
        .iter()
        .filter_map(|answer| answer.as_ref().err())
        .map(|failure| failure.code.as_ref())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn reservations_at_once_never_overdraw_a_wallet() {
    for rewards in services().await {
        rewards.grant(grant("a1", 1_000)).await.expect("granted");
        let answers = all((0..50).map(|n| {
            let rewards = rewards.clone();
            async move {
                rewards
                    .reserve(reserve_request(&format!("r{n}"), "a1", "", 100))
                    .await
            }
        }))
        .await;
        assert_eq!(codes(&answers), ["reward.points_insufficient"; 40]);
        assert_eq!(rewards.points("a1").await, (1_000, 1_000));
        rewards.audit("a1").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settlements_at_once_never_use_a_coupon_too_often() {
    for rewards in services().await {
        rewards.issue(coupon("FIVE", 5)).await.expect("issued");
        let answers = all((0..40).map(|n| {
            let rewards = rewards.clone();
            async move {
                rewards
                    .reserve(reserve_request(
                        &format!("r{n}"),
                        &format!("a{n}"),
                        "FIVE",
                        0,
                    ))
                    .await
            }
        }))
        .await;
        assert_eq!(codes(&answers), ["reward.coupon_used_up"; 35]);
        rewards.audit_coupon("FIVE", 5).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_reservation_asked_for_many_times_at_once_is_one() {
    for rewards in services().await {
        rewards.grant(grant("a1", 1_000)).await.expect("granted");
        let answers = all((0..30).map(|_| {
            let rewards = rewards.clone();
            async move { rewards.reserve(reserve_request("r1", "a1", "", 400)).await }
        }))
        .await;
        let first = answers[0].as_ref().expect("reserved");
        for answer in &answers {
            assert_eq!(answer.as_ref().expect("the same"), first);
        }
        assert_eq!(rewards.points("a1").await, (1_000, 400));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commit_and_release_at_once_have_one_winner() {
    for rewards in services().await {
        rewards.grant(grant("a1", 1_000)).await.expect("granted");
        for round in 0..20 {
            let id = format!("r{round}");
            rewards
                .reserve(reserve_request(&id, "a1", "", 10))
                .await
                .expect("reserved");
            let before = rewards.points("a1").await.0;
            let answers = all((0..8).map(|n| {
                let (rewards, id) = (rewards.clone(), id.clone());
                async move {
                    if n % 2 == 0 {
                        rewards.commit(&id, 3).await
                    } else {
                        rewards.release(&id).await
                    }
                }
            }))
            .await;
            let (points, reserved) = rewards.points("a1").await;
            assert_eq!(reserved, 0);
            let refused = codes(&answers);
            if points == before - 7 {
                assert_eq!(refused, ["reward.reservation_committed"; 4]);
            } else {
                assert_eq!(points, before);
                assert_eq!(refused, ["reward.reservation_released"; 4]);
            }
        }
        rewards.audit("a1").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_overtakes_its_reserve_leaves_nothing_reserved() {
    for rewards in services().await {
        rewards.grant(grant("a1", 1_000)).await.expect("granted");
        rewards.issue(coupon("MANY", 100)).await.expect("issued");
        all((0..40).map(|n| {
            let rewards = rewards.clone();
            async move {
                let id = format!("r{}", n / 2);
                if n % 2 == 0 {
                    // Fails when the release was first.
                    let _ = rewards
                        .reserve(reserve_request(&id, "a1", "MANY", 10))
                        .await;
                } else {
                    rewards.release(&id).await.expect("always possible");
                }
            }
        }))
        .await;
        assert_eq!(rewards.points("a1").await, (1_000, 0));
        assert_eq!(rewards.uses_left("MANY").await, 100);
        rewards.audit("a1").await;
    }
}
