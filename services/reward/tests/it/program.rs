use api::common::Role;
use api::reward::rewards_client::RewardsClient;
use api::reward::{
    Balance, CommitRequest, GetBalanceRequest, GrantPointsRequest, IssueCouponRequest,
    ReleaseRequest,
};
use chassis::clock::Clock;
use chassis::grpc::Channel;
use chassis::platform::Service;
use chassis::testing::Process;
use reward::FAULT_POINTS;
use tempfile::TempDir;
use tonic::Status;

use crate::support::{AN_HOUR, caller, reserve_request, won};

async fn start(folder: &TempDir) -> (Process, RewardsClient<Channel>) {
    let database = format!(
        "sqlite://{}?mode=rwc",
        folder.path().join("reward.db").display()
    );
    let faults = folder.path().display().to_string();
    let process = Process::start(
        Service::Reward,
        env!("CARGO_BIN_EXE_reward"),
        &[
            ("BIDTRACE_DATABASE_URL", &database),
            ("BIDTRACE_FAULTS", &faults),
        ],
    )
    .await;
    let channel = chassis::grpc::channel_to(process.url.clone()).expect("an address");
    (process, RewardsClient::new(channel))
}

async fn endow(client: &mut RewardsClient<Channel>) {
    client
        .grant_points(GrantPointsRequest {
            caller: caller("the-admin", Role::Admin),
            account_id: "a1".to_owned(),
            points: 1_000,
            reason: "welcome".to_owned(),
        })
        .await
        .expect("granted");
    client
        .issue_coupon(IssueCouponRequest {
            caller: caller("the-admin", Role::Admin),
            code: "WELCOME".to_owned(),
            discount: won(3_000),
            uses: 1,
            expires_at_ms: Clock::System.now() + AN_HOUR,
        })
        .await
        .expect("issued");
}

async fn balance(client: &mut RewardsClient<Channel>) -> Balance {
    client
        .get_balance(GetBalanceRequest {
            caller: caller("a1", Role::Customer),
        })
        .await
        .expect("a balance")
        .into_inner()
}

async fn reserve(client: &mut RewardsClient<Channel>, id: &str) -> Result<(), Status> {
    let request = reserve_request(id, "a1", "WELCOME", 400);
    client.reserve(request).await.map(|_| ())
}

async fn commit(client: &mut RewardsClient<Channel>, id: &str) -> Result<(), Status> {
    let request = CommitRequest {
        reservation_id: id.to_owned(),
        points_earned: 100,
    };
    client.commit(request).await.map(|_| ())
}

async fn release(client: &mut RewardsClient<Channel>, id: &str) -> Result<(), Status> {
    let request = ReleaseRequest {
        reservation_id: id.to_owned(),
    };
    client.release(request).await.map(|_| ())
}

#[tokio::test]
async fn the_program_serves_and_stops_when_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let (process, mut client) = start(&folder).await;
    endow(&mut client).await;
    reserve(&mut client, "r1").await.expect("reserved");
    reserve(&mut client, "r1").await.expect("the same");
    reserve(&mut client, "r2").await.expect_err("used up");
    commit(&mut client, "r1").await.expect("committed");
    let metrics = process.get("/metrics").await.expect("metrics");
    for (outcome, count) in [
        ("reserved", 1),
        ("refused", 1),
        ("committed", 1),
        ("released", 0),
    ] {
        let series =
            format!("bidtrace_reward_reservations_total{{bidtrace_outcome=\"{outcome}\"}} {count}");
        assert!(metrics.contains(&series), "{series} is not in\n{metrics}");
    }
    assert!(process.stop().await.success());
}

#[tokio::test]
async fn a_step_that_is_killed_has_its_effect_once_when_it_is_tried_again() {
    for point in FAULT_POINTS {
        let folder = tempfile::tempdir().expect("a folder");
        let (process, mut client) = start(&folder).await;
        endow(&mut client).await;
        std::fs::write(folder.path().join(point), "").expect("armed");
        // r1 is reserved and released, r2 is reserved and committed; one of the four calls is killed.
        let mut done = 0;
        for step in 0..4 {
            let taken = match step {
                0 => reserve(&mut client, "r1").await,
                1 => release(&mut client, "r1").await,
                2 => reserve(&mut client, "r2").await,
                _ => commit(&mut client, "r2").await,
            };
            if taken.is_err() {
                break;
            }
            done = step + 1;
        }
        assert!(done < 4, "{point} was never reached");
        assert!(!process.wait().await.success());

        let (_process, mut client) = start(&folder).await;
        for step in done..4 {
            match step {
                0 => reserve(&mut client, "r1").await,
                1 => release(&mut client, "r1").await,
                2 => reserve(&mut client, "r2").await,
                _ => commit(&mut client, "r2").await,
            }
            .unwrap_or_else(|status| panic!("{point}, step {step}: {status}"));
        }
        let balance = balance(&mut client).await;
        assert_eq!(
            (balance.points, balance.points_reserved),
            (700, 0),
            "{point}"
        );
        let lines: Vec<i64> = balance.recent.iter().map(|entry| entry.points).collect();
        assert_eq!(lines, [100, -400, 1_000], "{point}");
    }
}
