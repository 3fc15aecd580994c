use chassis::clock::Clock;
use chassis::money::Money;
use chassis::testing::{TestDatabase, databases};
use payment::MIGRATIONS;
use payment::domain::Charge;
use payment::store::{Status, Store, Tried};

async fn stores() -> Vec<(Store, TestDatabase)> {
    databases("payment", &MIGRATIONS)
        .await
        .into_iter()
        .map(|database| {
            let store = Store::new((*database).clone(), Clock::manual(1));
            (store, database)
        })
        .collect()
}

fn charge(token: &str, group: &str) -> Charge {
    Charge {
        reference: "order-1".to_owned(),
        group: group.to_owned(),
        amount: Money::won(18_500),
        payment_method: token.to_owned(),
    }
}

async fn status(store: &Store, key: &str, charge: &Charge) -> Status {
    match store.authorise(key, charge).await.expect("a decision") {
        Tried::Decided(authorisation) => authorisation.status,
        undecided => panic!("not decided: {undecided:?}"),
    }
}

#[tokio::test]
async fn the_same_key_gives_the_same_authorisation() {
    for (store, _database) in stores().await {
        let first = store.authorise("key", &charge("tok_ok", "g")).await;
        let again = store.authorise("key", &charge("tok_ok", "g")).await;
        let (first, again) = (first.expect("authorised"), again.expect("authorised"));
        assert_eq!(first, again);
        assert!(matches!(first, Tried::Decided(a) if a.status == Status::Authorised));
    }
}

#[tokio::test]
async fn a_key_with_another_body_is_refused() {
    for (store, _database) in stores().await {
        status(&store, "key", &charge("tok_ok", "g")).await;
        let other = Charge {
            amount: Money::won(1),
            ..charge("tok_ok", "g")
        };
        let failure = store.authorise("key", &other).await.expect_err("reused");
        assert_eq!(failure.code, "idempotency.key_reused");
    }
}

#[tokio::test]
async fn a_declined_key_stays_declined_while_the_groups_next_one_authorises() {
    for (store, _database) in stores().await {
        let charge = charge("tok_declined_once", "auction");
        assert_eq!(status(&store, "first", &charge).await, Status::Declined);
        assert_eq!(status(&store, "first", &charge).await, Status::Declined);
        assert_eq!(status(&store, "second", &charge).await, Status::Authorised);
    }
}

#[tokio::test]
async fn of_many_at_once_in_a_group_exactly_one_is_declined() {
    for (store, _database) in stores().await {
        let tasks = (0..12).map(|index| {
            let store = store.clone();
            tokio::spawn(async move {
                let charge = charge("tok_declined_once", "auction");
                status(&store, &format!("key-{index}"), &charge).await
            })
        });
        let mut declined = 0;
        for task in tasks.collect::<Vec<_>>() {
            declined += usize::from(task.await.expect("no panic") == Status::Declined);
        }
        assert_eq!(declined, 1);
    }
}

#[tokio::test]
async fn what_stalls_or_fails_under_a_key_is_authorised_at_the_next_try() {
    for (store, _database) in stores().await {
        for (token, first) in [("tok_stall", Tried::Stalled), ("tok_flaky", Tried::Failed)] {
            let charge = charge(token, "g");
            let tried = store.authorise(token, &charge).await.expect("a try");
            assert_eq!(tried, first);
            assert_eq!(status(&store, token, &charge).await, Status::Authorised);
        }
    }
}

#[tokio::test]
async fn voiding_twice_is_voiding_once() {
    for (store, _database) in stores().await {
        let charge = charge("tok_ok", "g");
        let Tried::Decided(authorised) = store.authorise("key", &charge).await.expect("decided")
        else {
            panic!("not decided");
        };
        for _ in 0..2 {
            let voided = store.void(&authorised.id).await.expect("voided");
            assert_eq!(voided.status, Status::Voided);
        }
        let read = store.get(&authorised.id).await.expect("it is kept");
        assert_eq!(read.status, Status::Voided);
    }
}

#[tokio::test]
async fn a_key_that_was_voided_before_its_request_arrived_authorises_nothing() {
    for (store, _database) in stores().await {
        store.void_key("late").await.expect("voided");
        assert_eq!(
            status(&store, "late", &charge("tok_ok", "g")).await,
            Status::Voided
        );
    }
}

#[tokio::test]
async fn a_pending_authorisation_can_be_voided_by_its_key() {
    for (store, _database) in stores().await {
        let charge = charge("tok_stall", "g");
        store.authorise("key", &charge).await.expect("stalled");
        store.void_key("key").await.expect("voided");
        assert_eq!(status(&store, "key", &charge).await, Status::Voided);
    }
}

#[tokio::test]
async fn an_unknown_authorisation_is_not_found() {
    for (store, _database) in stores().await {
        let failure = store.void("nobody").await.expect_err("unknown");
        assert_eq!(failure.code, "payment.unknown_authorisation");
    }
}
