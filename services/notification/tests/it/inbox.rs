use chassis::broker::{Handler as _, Received};

use crate::support::{awarded, confirmed, fixtures, opened, received};

#[tokio::test]
async fn a_confirmed_order_reaches_customer_and_restaurant() {
    for fixture in fixtures().await {
        fixture.deliver(&received(&confirmed("customer"))).await;
        let told = fixture.listed("customer").await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].kind, "order.confirmed");
        assert_eq!(told[0].text, "Order confirmed: 한강치킨, 18,500 KRW");
        assert_eq!(told[0].auction_id, "auction");
        assert_eq!(fixture.listed("restaurant-0").await.len(), 1);
        assert!(fixture.listed("restaurant-1").await.is_empty());
    }
}

#[tokio::test]
async fn an_event_that_is_delivered_again_tells_nobody_again() {
    for fixture in fixtures().await {
        let event = received(&confirmed("customer"));
        fixture.deliver(&event).await;
        fixture.deliver(&event).await;
        // Even with another message id, the account, kind and subject identify the notification.
        let renamed = Received {
            message_id: "another".to_owned(),
            ..event
        };
        fixture.deliver(&renamed).await;
        assert_eq!(fixture.listed("customer").await.len(), 1);
    }
}

#[tokio::test]
async fn an_event_that_is_delivered_many_times_at_once_tells_once() {
    for fixture in fixtures().await {
        let event = received(&opened(3));
        let inbox = fixture.handler();
        let results = futures::future::join_all((0..8).map(|_| inbox.handle(&event))).await;
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(fixture.listed("restaurant-2").await.len(), 1);
    }
}

#[tokio::test]
async fn a_replacing_award_is_told_beside_the_first() {
    for fixture in fixtures().await {
        fixture.deliver(&received(&awarded("first"))).await;
        fixture.deliver(&received(&awarded("second"))).await;
        let subjects: Vec<String> = fixture
            .listed("customer")
            .await
            .into_iter()
            .map(|notification| notification.subject_id)
            .collect();
        assert_eq!(subjects, ["second", "first"]);
    }
}

#[tokio::test]
async fn hundreds_of_restaurants_are_told_of_an_auction() {
    for fixture in fixtures().await {
        fixture.deliver(&received(&opened(999))).await;
        for restaurant in [0, 1, 199, 200, 500, 998] {
            let account = format!("restaurant-{restaurant}");
            assert_eq!(fixture.listed(&account).await.len(), 1, "{account}");
        }
    }
}

#[tokio::test]
async fn what_is_a_month_old_is_forgotten() {
    for fixture in fixtures().await {
        fixture.deliver(&received(&awarded("old"))).await;
        fixture.clock.advance(31 * 24 * 60 * 60 * 1000);
        fixture.deliver(&received(&awarded("new"))).await;
        fixture.store.prune().await.expect("pruned");
        let told = fixture.listed("customer").await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].subject_id, "new");
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_given_up() {
    for fixture in fixtures().await {
        let nonsense = Received {
            body: b"{}".to_vec(),
            ..received(&awarded("award"))
        };
        let failure = fixture
            .handler()
            .handle(&nonsense)
            .await
            .expect_err("refused");
        assert!(failure.kind.is_decision(), "it would come again for ever");
    }
}
