use std::sync::Arc;
use std::time::Duration;

use chassis::broker::Broker;
use chassis::clock::Clock;
use chassis::outbox;
use chassis::testing::{NATS_VARIABLE, required};
use notification::events::SUBJECTS;
use uuid::Uuid;

use crate::support::{Fixture, TIME_OUT, confirmed, fixtures};

async fn told(fixture: &Fixture, customer: &str) -> usize {
    fixture.listed(customer).await.len()
}

#[tokio::test]
async fn an_event_from_an_outbox_reaches_the_inbox_over_the_broker() {
    let broker = Broker::connect(&required(NATS_VARIABLE))
        .await
        .expect("NATS");
    for fixture in fixtures().await {
        let customer = Uuid::now_v7().to_string();
        let mut write = fixture.database.write().await.expect("a transaction");
        outbox::append(&mut write, &Clock::System, &confirmed(&customer))
            .await
            .expect("appended");
        write.commit().await.expect("committed");
        tokio::spawn(outbox::relay(
            (*fixture.database).clone(),
            broker.clone(),
            Clock::System,
            fixture.shutdown.clone(),
        ));
        // A new durable name, so that the consumer has no progress from other tests.
        let durable: &'static str = format!("test-{}", Uuid::now_v7().simple()).leak();
        let (consumer, inbox, shutdown) =
            (broker.clone(), fixture.handler(), fixture.shutdown.clone());
        let consuming = tokio::spawn(async move {
            consumer
                .consume(durable, SUBJECTS, Arc::new(inbox), shutdown)
                .await
        });
        let waiting = async {
            while told(&fixture, &customer).await == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = tokio::time::timeout(TIME_OUT, waiting).await;
        in_time.expect("the event arrives in time");
        fixture.shutdown.cancel();
        consuming
            .await
            .expect("no panic")
            .expect("it ends at shutdown");
        assert_eq!(told(&fixture, &customer).await, 1);
    }
}
