//! The service's program, killed at each of its fault points and restarted.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use api::auction::auctions_client::AuctionsClient;
use api::auction::{
    Auction, AuctionState, OpenAuctionRequest, RevokeAwardRequest, WatchAuctionRequest,
};
use api::common::Role;
use auction::FAULT_POINTS;
use auction::store::MIGRATIONS;
use chassis::grpc;
use chassis::platform::Service;
use chassis::testing::with_key;
use chassis::testing::{self, NATS_VARIABLE, Process, TestDatabase};
use sqlx::Row as _;

use crate::support::CUSTOMER;
use crate::support::grpc::{bid, caller, get, opening, serve_catalog};

const DURATION_MS: u32 = 3_000;
const SIGKILL: i32 = 9;

/// The program with its database, which is restarted when it is killed.
struct Supervised {
    process: Process,
    client: AuctionsClient<grpc::Channel>,
    database: TestDatabase,
    catalog: String,
    faults: tempfile::TempDir,
}

async fn start(
    database: &TestDatabase,
    catalog: &str,
    faults: &Path,
) -> (Process, AuctionsClient<grpc::Channel>) {
    let variables = [
        ("BIDTRACE_DATABASE_URL", database.url.as_str()),
        ("BIDTRACE_NATS_URL", &testing::required(NATS_VARIABLE)),
        ("BIDTRACE_CATALOG_URL", catalog),
        ("BIDTRACE_FAULTS", &faults.display().to_string()),
    ];
    let program = env!("CARGO_BIN_EXE_auction");
    let process = Process::start(Service::Auction, program, &variables).await;
    let client = AuctionsClient::new(grpc::channel_to(process.url.clone()).expect("an address"));
    (process, client)
}

impl Supervised {
    async fn over(database: TestDatabase) -> Self {
        let catalog = serve_catalog(Arc::new(AtomicUsize::new(2))).await;
        let faults = tempfile::tempdir().expect("a folder");
        let (process, client) = start(&database, &catalog, faults.path()).await;
        Self {
            process,
            client,
            database,
            catalog,
            faults,
        }
    }

    fn arm(&self, point: &str) {
        std::fs::write(self.faults.path().join(point), "").expect("armed");
    }

    /// Waits until the program has killed itself, and restarts it.
    async fn killed_and_started_again(self) -> Self {
        let Self {
            process,
            client: _,
            database,
            catalog,
            faults,
        } = self;
        assert_eq!(process.wait().await.signal(), Some(SIGKILL));
        let (process, client) = start(&database, &catalog, faults.path()).await;
        Self {
            process,
            client,
            database,
            catalog,
            faults,
        }
    }

    async fn awarded(&mut self, id: &str) -> Auction {
        let started = Instant::now();
        loop {
            let auction = self
                .client
                .get_auction(get(CUSTOMER, Role::Customer, id))
                .await
                .expect("seen")
                .into_inner();
            if auction.state() != AuctionState::Open {
                return auction;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "{auction:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the outbox is published, and returns the subjects of its events.
    async fn published(&self) -> Vec<String> {
        let started = Instant::now();
        loop {
            let rows = sqlx::query("SELECT subject, published_at_ms FROM outbox ORDER BY id")
                .fetch_all(self.database.reads())
                .await
                .expect("the outbox");
            if rows
                .iter()
                .all(|row| row.get::<Option<i64>, _>("published_at_ms").is_some())
            {
                return rows.iter().map(|row| row.get("subject")).collect();
            }
            assert!(started.elapsed() < Duration::from_secs(20));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn short_opening() -> OpenAuctionRequest {
    OpenAuctionRequest {
        duration_ms: DURATION_MS,
        ..opening(CUSTOMER, Role::Customer)
    }
}

/// Runs one auction up to its second award. The program is killed at `point`, and the call that was interrupted is repeated
/// with its key.
async fn auction_with_a_kill_at(point: &'static str, database: TestDatabase) {
    let mut program = Supervised::over(database).await;
    program.arm(point);
    let dies_at = |step: &str| point.starts_with(step);

    let open = || with_key(short_opening(), "open");
    if dies_at("auction.opened") {
        let died = program.client.open_auction(open()).await;
        died.expect_err("it died before it answered");
        program = program.killed_and_started_again().await;
    }
    let opened = program.client.open_auction(open()).await;
    let id = opened.expect("opened").into_inner().id;

    for (account, price) in [("account-0", 19_000), ("account-1", 18_000)] {
        let place = || with_key(bid(account, Role::Restaurant, &id, price), "bid");
        if dies_at("auction.bid") && account == "account-0" {
            let died = program.client.place_bid(place()).await;
            died.expect_err("it died before it answered");
            program = program.killed_and_started_again().await;
            let metrics = program.process.get("/metrics").await.expect("metrics");
            assert!(metrics.contains("\nbidtrace_auction_open 1\n"), "{metrics}");
        }
        let placed = program.client.place_bid(place()).await;
        placed.expect("the bid stands");
    }

    if dies_at("auction.award") {
        program = program.killed_and_started_again().await;
    }
    let awarded = program.awarded(&id).await;
    assert_eq!(awarded.bid_count, 2);
    let award = awarded.award.expect("an award");

    let revocation = || RevokeAwardRequest {
        auction_id: id.clone(),
        award_id: award.id.clone(),
        reason: "payment.declined".to_owned(),
    };
    if dies_at("auction.revoke") {
        let died = program.client.revoke_award(revocation()).await;
        died.expect_err("it died before it answered");
        program = program.killed_and_started_again().await;
    }
    let answer = program.client.revoke_award(revocation()).await;
    let next = answer.expect("revoked").into_inner().award;
    assert_eq!(next.expect("the next award").replaces_award_id, award.id);

    assert_eq!(
        program.published().await,
        [
            "events.auction.opened",
            "events.auction.awarded",
            "events.auction.award_revoked",
            "events.auction.awarded",
        ],
        "after a kill at {point}"
    );
    assert!(
        std::fs::read_dir(program.faults.path())
            .expect("the folder")
            .next()
            .is_none(),
        "{point} was reached"
    );
    assert!(program.process.stop().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_fault_point_loses_nothing_and_repeats_nothing() {
    let mut auctions = Vec::new();
    for point in FAULT_POINTS {
        for database in testing::databases("auction", &MIGRATIONS).await {
            auctions.push(tokio::spawn(auction_with_a_kill_at(point, database)));
        }
    }
    for auction in auctions {
        auction.await.expect("no assertion failed");
    }
}

#[tokio::test]
async fn the_program_stops_when_asked_although_a_client_watches() {
    let mut program = Supervised::over(testing::sqlite("auction", &MIGRATIONS).await).await;
    let opened = program
        .client
        .open_auction(opening(CUSTOMER, Role::Customer))
        .await
        .expect("opened")
        .into_inner();
    let mut events = program
        .client
        .watch_auction(WatchAuctionRequest {
            caller: Some(caller(CUSTOMER, Role::Customer)),
            auction_id: opened.id,
        })
        .await
        .expect("a stream")
        .into_inner();
    events.message().await.expect("an event").expect("standing");
    let asked = Instant::now();
    assert!(program.process.stop().await.success());
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "it does not wait for the deadline"
    );
    assert!(events.message().await.expect("a clean end").is_none());
}
