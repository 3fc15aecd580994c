//! Crashes of the process: each process is a runtime, which is dropped together with its tasks.

use std::time::Duration;

use ::api::events::AuctionAwarded;
use chassis::database::Database;
use order::MIGRATIONS;
use order::domain::{Award, Order, State};
use tokio::runtime::Builder;

use crate::support::{Fixture, award, fixtures, settlements};

/// Runs processes with increasing lifetimes until one has settled the order.
async fn settle_with_crashes(fixture: &Fixture, event: &AuctionAwarded) -> Order {
    let award = Award::try_from(event.clone()).expect("an award");
    let id = fixture.store.create(&award).await.expect("an order");
    for life in 0..200_u64 {
        let process = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (url, addresses) = (fixture.database.url.clone(), fixture.addresses());
        process.spawn(async move {
            let database = Database::open(&url, "order", &MIGRATIONS).await;
            let database = database.expect("the database, as after a restart");
            settlements(&database, addresses).resume().await;
        });
        tokio::time::sleep(Duration::from_millis(3 + 4 * life)).await;
        process.shutdown_background();
        let order = fixture.store.load(&id).await.expect("the order");
        if order.settled_at_ms.is_some() {
            return order;
        }
    }
    panic!("it was never settled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_settlement_killed_again_and_again_is_confirmed_once() {
    for fixture in fixtures().await {
        let order = settle_with_crashes(&fixture, &award("tok_ok")).await;
        assert_eq!(order.state, State::Confirmed);
        assert_eq!(
            fixture.payments(&order).await,
            [("authorised".to_owned(), 18_500)]
        );
        assert_eq!(fixture.events(&order).await.len(), 1);
        fixture.stand_in.with(|seen| {
            assert_eq!(seen.committed.get(&order.id), Some(&185));
            assert!(seen.revoked.is_empty());
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compensation_killed_again_and_again_fails_the_order_once() {
    for fixture in fixtures().await {
        let award = award("tok_declined");
        let order = settle_with_crashes(&fixture, &award).await;
        assert_eq!(
            (order.state, order.failure_code.as_deref()),
            (State::Failed, Some("payment.declined"))
        );
        assert_eq!(fixture.events(&order).await.len(), 1);
        fixture.stand_in.with(|seen| {
            assert_eq!(seen.reserved.get(&order.id), Some(&false));
            assert!(seen.revoked.contains_key(&award.award_id));
        });
    }
}
