use crate::fixtures::{PATIENCE, Stage, confirmed, stages};
use chassis::{
    broker::Broker,
    clock::Clock,
    outbox,
    testing::{NATS_VARIABLE, required},
};
use notification::events::SUBJECTS;
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

async fn told(stage: &Stage, customer: &str) -> usize {
    stage.listed(customer).await.len()
}

#[tokio::test]
async fn an_event_from_an_outbox_reaches_the_inbox_over_the_broker() {
    let broker = Broker::connect(&required(NATS_VARIABLE))
        .await
        .expect("NATS");
    for stage in stages().await {
        let customer = Uuid::now_v7().to_string();
        let mut write = stage.database.write().await.expect("a transaction");
        outbox::append(&mut write, &Clock::System, &confirmed(&customer))
            .await
            .expect("appended");
        write.commit().await.expect("committed");
        tokio::spawn(outbox::relay(
            (*stage.database).clone(),
            broker.clone(),
            Clock::System,
            stage.shutdown.clone(),
        ));
        // A name of the test's own, so that it meets nobody else's progress.
        let durable: &'static str = format!("test-{}", Uuid::now_v7().simple()).leak();
        let (consumer, inbox, shutdown) = (broker.clone(), stage.inbox(), stage.shutdown.clone());
        let consuming = tokio::spawn(async move {
            consumer
                .consume(durable, SUBJECTS, Arc::new(inbox), shutdown)
                .await
        });
        let waiting = async {
            while told(&stage, &customer).await == 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, waiting).await;
        in_time.expect("the event arrives in time");
        stage.shutdown.cancel();
        consuming
            .await
            .expect("no panic")
            .expect("it ends at shutdown");
        assert_eq!(told(&stage, &customer).await, 1);
    }
}
