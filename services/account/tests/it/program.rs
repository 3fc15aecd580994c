use account::FAULT_POINTS;
use api::account::accounts_client::AccountsClient;
use api::account::{GetVerifyingKeysRequest, ListAccountsRequest, LogInRequest};
use api::common::{Caller, Role};
use chassis::grpc::Channel;
use chassis::platform::Service;
use chassis::testing::Process;
use chassis::testing::with_key;
use tempfile::TempDir;

use crate::support::{PASSWORD, sign_up_request};

const ADMIN: &str = "admin@bidtrace.example";

async fn start(folder: &TempDir) -> (Process, AccountsClient<Channel>) {
    let database = format!(
        "sqlite://{}?mode=rwc",
        folder.path().join("account.db").display()
    );
    let faults = folder.path().display().to_string();
    let process = Process::start(
        Service::Account,
        env!("CARGO_BIN_EXE_account"),
        &[
            ("BIDTRACE_DATABASE_URL", &database),
            ("BIDTRACE_FAULTS", &faults),
            ("BIDTRACE_ARGON2_MEMORY_KIB", "64"),
            ("BIDTRACE_ADMIN_EMAIL", ADMIN),
            ("BIDTRACE_ADMIN_PASSWORD", PASSWORD),
        ],
    )
    .await;
    let channel = chassis::grpc::channel_to(process.url.clone()).expect("an address");
    (process, AccountsClient::new(channel))
}

async fn log_in(client: &mut AccountsClient<Channel>, email: &str) -> Option<Caller> {
    let session = client
        .log_in(LogInRequest {
            email: email.to_owned(),
            password: PASSWORD.to_owned(),
        })
        .await
        .ok()?
        .into_inner();
    let account = session.account.expect("its account");
    Some(Caller {
        account_id: account.id,
        role: account.role,
    })
}

#[tokio::test]
async fn the_program_serves_stops_when_asked_and_keeps_its_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut process, mut client) = start(&folder).await;
    client
        .sign_up(sign_up_request("minji@example.com", Role::Customer))
        .await
        .expect("signed up");
    assert!(log_in(&mut client, "minji@example.com").await.is_some());
    let keys = client
        .get_verifying_keys(GetVerifyingKeysRequest {})
        .await
        .expect("keys")
        .into_inner();

    let metrics = process.get("/metrics").await.expect("metrics");
    for series in [
        "bidtrace_account_sign_ups_total{account_role=\"customer\"} 1",
        "bidtrace_account_sign_ups_total{account_role=\"restaurant\"} 0",
        "bidtrace_account_log_ins_total{bidtrace_outcome=\"ok\"} 1",
        "bidtrace_account_log_ins_total{bidtrace_outcome=\"refused\"} 0",
    ] {
        assert!(metrics.contains(series), "{series} is not in\n{metrics}");
    }
    let log = process.log();
    for secret in [PASSWORD, "minji@example.com", ADMIN] {
        assert!(!log.contains(secret), "{secret} is in\n{log}");
    }
    assert!(process.stop().await.success());

    let (_process, mut client) = start(&folder).await;
    let same = client.get_verifying_keys(GetVerifyingKeysRequest {}).await;
    assert_eq!(same.expect("keys").into_inner(), keys);
}

#[tokio::test]
async fn a_sign_up_that_is_killed_is_made_once_when_it_is_tried_again() {
    for point in FAULT_POINTS {
        let folder = tempfile::tempdir().expect("a folder");
        let (process, mut client) = start(&folder).await;
        std::fs::write(folder.path().join(point), "").expect("armed");
        let request = || {
            with_key(
                sign_up_request("minji@example.com", Role::Customer),
                "key-1",
            )
        };
        assert!(client.sign_up(request()).await.is_err());
        assert!(!process.wait().await.success());

        let (_process, mut client) = start(&folder).await;
        let account = client
            .sign_up(request())
            .await
            .expect("made, now or before")
            .into_inner();
        let admin = log_in(&mut client, ADMIN).await;
        let all = client
            .list_accounts(ListAccountsRequest {
                caller: admin,
                ..ListAccountsRequest::default()
            })
            .await
            .expect("a page")
            .into_inner()
            .accounts;
        let made: Vec<_> = all.iter().filter(|other| other.email != ADMIN).collect();
        assert_eq!(made, [&account], "killed at {point}");
    }
}
