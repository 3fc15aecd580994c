use api::catalog::GetRestaurantRequest;
use api::catalog::catalog_client::CatalogClient;
use api::common::Role;
use catalog::FAULT_POINTS;
use chassis::grpc::Channel;
use chassis::platform::Service;
use chassis::testing::Process;
use chassis::testing::with_key;
use tempfile::TempDir;

use crate::support::{caller, place, profile, search};

async fn start(folder: &TempDir) -> (Process, CatalogClient<Channel>) {
    let database = format!(
        "sqlite://{}?mode=rwc",
        folder.path().join("catalog.db").display()
    );
    let faults = folder.path().display().to_string();
    let process = Process::start(
        Service::Catalog,
        env!("CARGO_BIN_EXE_catalog"),
        &[
            ("BIDTRACE_DATABASE_URL", &database),
            ("BIDTRACE_FAULTS", &faults),
        ],
    )
    .await;
    let channel = chassis::grpc::channel_to(process.url.clone()).expect("an address");
    (process, CatalogClient::new(channel))
}

#[tokio::test]
async fn the_program_serves_stops_when_asked_and_keeps_its_restaurants() {
    let folder = tempfile::tempdir().expect("a folder");
    let (process, mut client) = start(&folder).await;
    let here = || place(37.5665, 126.9780);
    client
        .put_restaurant(profile("a1", here(), 1_000, &["비빔밥"]))
        .await
        .expect("put");
    let find = search(here(), &["비빔밥"], 0);
    let found = client.find_eligible(find.clone()).await.expect("found");
    assert_eq!(found.into_inner().restaurants.len(), 1);
    let metrics = process.get("/metrics").await.expect("metrics");
    assert!(
        metrics.contains("bidtrace_catalog_eligible_count 1"),
        "{metrics}"
    );
    assert!(process.stop().await.success());

    let (_process, mut client) = start(&folder).await;
    let found = client.find_eligible(find).await.expect("found");
    assert_eq!(found.into_inner().restaurants.len(), 1);
}

#[tokio::test]
async fn a_restaurant_whose_putting_is_killed_is_whole_when_it_is_tried_again() {
    for point in FAULT_POINTS {
        let folder = tempfile::tempdir().expect("a folder");
        let (process, mut client) = start(&folder).await;
        std::fs::write(folder.path().join(point), "").expect("armed");
        let request = || {
            let here = place(37.5665, 126.9780);
            with_key(profile("a1", here, 1_000, &["비빔밥", "떡볶이"]), "key-1")
        };
        assert!(client.put_restaurant(request()).await.is_err());
        assert!(!process.wait().await.success());

        let (_process, mut client) = start(&folder).await;
        let made = client
            .put_restaurant(request())
            .await
            .expect("made, now or before")
            .into_inner();
        assert_eq!(made.menu.len(), 2);
        let own = GetRestaurantRequest {
            caller: caller("a1", Role::Restaurant),
            restaurant_id: String::new(),
        };
        let stored = client.get_restaurant(own).await.expect("there");
        assert_eq!(stored.into_inner(), made, "killed at {point}");
    }
}
