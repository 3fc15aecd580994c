use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use api::events::{AuctionEnded, AuctionOpened, Event as _};
use chassis::broker::{Broker, Handler, Received};
use chassis::clock::Clock;
use chassis::inbox::{self, Recorded};
use chassis::testing::{NATS_VARIABLE, required};
use chassis::{Failure, outbox};
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::support::both;

fn ended(auction_id: &str) -> AuctionEnded {
    AuctionEnded {
        auction_id: auction_id.to_owned(),
        customer_account_id: "c1".to_owned(),
        outcome: "expired".to_owned(),
    }
}

/// Sends the events of one auction to the test, and fails for the first delivery if it is configured to.
struct Recorder {
    auction_id: String,
    refuse_first: bool,
    deliveries: AtomicUsize,
    seen: mpsc::UnboundedSender<Received>,
}

impl Handler for Recorder {
    fn handle<'a>(&'a self, received: &'a Received) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let Some(event) = received.event::<AuctionEnded>()? else {
                return Ok(());
            };
            if event.auction_id != self.auction_id {
                return Ok(());
            }
            let nth = self.deliveries.fetch_add(1, Ordering::SeqCst);
            let _ = self.seen.send(received.clone());
            if nth == 0 && self.refuse_first {
                return Err(Failure::unavailable("try again"));
            }
            Ok(())
        })
    }
}

async fn next(seen: &mut mpsc::UnboundedReceiver<Received>) -> Received {
    tokio::time::timeout(Duration::from_secs(10), seen.recv())
        .await
        .expect("delivered within the limit")
        .expect("the recorder lives")
}

#[tokio::test]
async fn what_is_committed_is_delivered_and_what_is_rolled_back_is_not() {
    let broker = Broker::connect(&required(NATS_VARIABLE))
        .await
        .expect("NATS");
    for database in both().await {
        let clock = Clock::System;
        let shutdown = CancellationToken::new();
        let auction_id = uuid::Uuid::now_v7().to_string();
        let (sender, mut seen) = mpsc::unbounded_channel();
        let recorder = Arc::new(Recorder {
            auction_id: auction_id.clone(),
            refuse_first: true,
            deliveries: AtomicUsize::new(0),
            seen: sender,
        });
        let durable: &'static str = format!("test-{}", uuid::Uuid::now_v7().simple()).leak();
        let consumer = {
            let (broker, recorder, shutdown) = (broker.clone(), recorder.clone(), shutdown.clone());
            tokio::spawn(async move {
                broker
                    .consume(durable, &[AuctionEnded::SUBJECT], recorder, shutdown)
                    .await
            })
        };
        let relay = tokio::spawn(outbox::relay(
            (*database).clone(),
            broker.clone(),
            clock.clone(),
            shutdown.clone(),
        ));

        let mut rolled_back = database.write().await.expect("a transaction");
        outbox::append(&mut rolled_back, &clock, &ended(&auction_id))
            .await
            .expect("appended");
        drop(rolled_back);
        let mut write = database.write().await.expect("a transaction");
        outbox::append(&mut write, &clock, &ended(&auction_id))
            .await
            .expect("appended");
        write.commit().await.expect("committed");

        let first = next(&mut seen).await;
        let again = next(&mut seen).await;
        assert_eq!(
            first.message_id, again.message_id,
            "a redelivery keeps its message id"
        );
        assert_eq!(
            first.event::<AuctionEnded>().expect("readable"),
            Some(ended(&auction_id))
        );
        assert!(
            first
                .event::<AuctionOpened>()
                .expect("another subject")
                .is_none()
        );

        shutdown.cancel();
        consumer.await.expect("joined").expect("consumed");
        relay.await.expect("joined");
        assert_eq!(
            recorder.deliveries.load(Ordering::SeqCst),
            2,
            "the rolled-back event was never sent"
        );
    }
}

#[tokio::test]
async fn an_event_is_processed_once_also_when_it_is_delivered_twice() {
    for database in both().await {
        for expected in [Recorded::New, Recorded::Duplicate] {
            let mut write = database.write().await.expect("a transaction");
            let recorded = inbox::record(&mut write, &Clock::System, "order", "m1")
                .await
                .expect("recorded");
            assert_eq!(recorded, expected);
            write.commit().await.expect("committed");
        }
        let mut write = database.write().await.expect("a transaction");
        assert_eq!(
            inbox::record(&mut write, &Clock::System, "notification", "m1")
                .await
                .expect("recorded"),
            Recorded::New,
            "each consumer has an inbox of its own"
        );
    }
}
