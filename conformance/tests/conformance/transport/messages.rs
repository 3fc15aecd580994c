//! Messages over a real NATS: sent at once, and sent by the relay from the outbox of a real database.

use std::time::Duration;

use api::events::{AuctionEnded, Event as _, STREAM};
use async_nats::HeaderMap;
use async_nats::jetstream::{self, consumer, consumer::AckPolicy, consumer::DeliverPolicy};
use chassis::broker::Broker;
use chassis::clock::Clock;
use chassis::outbox;
use chassis::testing::{NATS_VARIABLE, required, sqlite};
use conformance::{Ending, Transport};
use futures::StreamExt as _;
use sqlx::migrate::Migrator;
use telemetry::context::SavedContext;
use telemetry::messaging::{Consumer, Delivery, Destination, Headers, process, settle};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{MALFORMED, malformed_text};
use crate::cell::{Counted, Expected, Parent};
use crate::stage::{Broken, Stage, leave, limit, work};

/// The subject of both transports.
const SUBJECT: &str = AuctionEnded::SUBJECT;
/// How long the handler of the cell that times out may take: longer than it takes the work to begin.
const PATIENCE: Duration = Duration::from_millis(300);

/// The tables of the chassis itself are all that is needed.
static NOTHING: Migrator = Migrator::DEFAULT;

#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Broken(#[from] Broken),
    #[error("too slow")]
    TooSlow(#[from] tokio::time::error::Elapsed),
}

pub async fn play(stage: &Stage, transport: Transport, ending: Ending) {
    let url = required(NATS_VARIABLE);
    let broker = Broker::connect(&url).await.unwrap();
    let client = async_nats::connect(&url).await.unwrap();
    let mut messages = subscribe(&client).await;
    if transport == Transport::Nats {
        send(stage, ending, &broker, client).await;
    } else {
        Box::pin(relay(stage, ending, &broker)).await;
    }
    let message = tokio::time::timeout(limit(), messages.next())
        .await
        .expect("the message comes")
        .unwrap()
        .unwrap();
    receive(ending, message).await;
}

/// Everything on the subject from now on.
async fn subscribe(client: &async_nats::Client) -> consumer::pull::Stream {
    let stream = jetstream::new(client.clone())
        .get_stream(STREAM)
        .await
        .unwrap();
    let consumer = stream
        .create_consumer(consumer::pull::Config {
            deliver_policy: DeliverPolicy::New,
            ack_policy: AckPolicy::Explicit,
            filter_subject: SUBJECT.to_owned(),
            ..consumer::pull::Config::default()
        })
        .await
        .unwrap();
    consumer.messages().await.unwrap()
}

async fn send(stage: &Stage, ending: Ending, broker: &Broker, client: async_nats::Client) {
    let body = serde_json::to_vec(&event()).unwrap();
    if ending == Ending::Malformed {
        let mut headers = HeaderMap::new();
        for (name, value) in MALFORMED {
            headers.insert(name, value);
        }
        let published = jetstream::new(client)
            .publish_with_headers(SUBJECT, headers, body.into())
            .await
            .unwrap();
        published.await.unwrap();
        return;
    }
    let id = Uuid::now_v7().to_string();
    stage
        .caller(ending, async {
            let context = SavedContext::current();
            broker.publish(SUBJECT, &id, &context, body).await.unwrap();
        })
        .await;
}

/// Writes the event in a transaction, and has it relayed afterwards, as from another request or after a restart.
async fn relay(stage: &Stage, ending: Ending, broker: &Broker) {
    let database = sqlite("conformance", &NOTHING).await;
    let append = async {
        let mut write = database.write().await.unwrap();
        outbox::append(&mut write, &Clock::System, &event())
            .await
            .unwrap();
        if ending == Ending::Malformed {
            sqlx::query("UPDATE outbox SET trace_context = $1")
                .bind(malformed_text())
                .execute(write.connection())
                .await
                .unwrap();
        }
        write.commit().await.unwrap();
    };
    if ending == Ending::Malformed {
        append.await;
    } else {
        Box::pin(stage.caller(ending, append)).await;
    }
    let shutdown = CancellationToken::new();
    let relay = tokio::spawn(outbox::relay(
        (*database).clone(),
        broker.clone(),
        Clock::System,
        shutdown.clone(),
    ));
    let relayed = async {
        let pending = "SELECT COUNT(*) FROM outbox WHERE published_at_ms IS NULL";
        while sqlx::query_scalar::<_, i64>(pending)
            .fetch_one(database.reads())
            .await
            .unwrap()
            > 0
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(limit(), relayed)
        .await
        .expect("the event is relayed");
    shutdown.cancel();
    relay.await.unwrap();
}

async fn receive(ending: Ending, message: jetstream::Message) {
    let headers: Headers = message
        .headers
        .iter()
        .flat_map(|headers| headers.iter())
        .filter_map(|(name, values)| Some((name.to_string(), values.first()?.to_string())))
        .collect();
    let consumer = Consumer::of(Destination::new("nats", SUBJECT)).group("conformance");
    let delivery = Delivery::to(consumer).attempt(1).headers(&headers);
    let processed = process(delivery, async || {
        let outcome = async {
            if ending == Ending::TimeOut {
                tokio::time::timeout(PATIENCE, work(ending)).await??;
            } else {
                work(ending).await?;
            }
            Ok::<_, Failed>(())
        }
        .await;
        settle(delivery, "ack", message.ack()).await.unwrap();
        outcome
    });
    match ending {
        Ending::Cancel => leave(processed).await,
        Ending::Panic => {
            let panic = std::panic::AssertUnwindSafe(processed);
            assert!(futures::FutureExt::catch_unwind(panic).await.is_err());
        }
        Ending::Error | Ending::TimeOut => assert!(processed.await.is_err()),
        _ => processed.await.unwrap(),
    }
}

fn event() -> AuctionEnded {
    AuctionEnded {
        auction_id: Uuid::now_v7().to_string(),
        customer_account_id: "c1".to_owned(),
        outcome: "expired".to_owned(),
    }
}

pub fn expected(transport: Transport, ending: Ending) -> Vec<Expected> {
    const ROOT: &str = "internal root";
    let (sent, processed) = (
        format!("producer send {SUBJECT}"),
        format!("consumer process {SUBJECT}"),
    );
    let from_nothing = ending == Ending::Malformed;
    let mut spans = Vec::new();
    if !from_nothing {
        spans.push(Expected::new(ROOT, Parent::Nobody));
    }
    match (transport, from_nothing) {
        (Transport::Nats, true) => {}
        (Transport::Nats, false) => spans.push(Expected::child(&sent, ROOT)),
        (_, true) => spans.push(Expected::new(&sent, Parent::Nobody)),
        (_, false) => {
            spans.push(Expected::child("client BEGIN transaction", ROOT));
            spans.push(Expected::child("client INSERT outbox", ROOT));
            spans.push(Expected::child("client COMMIT transaction", ROOT));
            spans.push(Expected::child(&sent, ROOT));
        }
    }
    let has_producer = spans.iter().any(|span| span.label == sent);
    let linked = |expected: Expected| {
        if has_producer {
            expected.linked(&sent)
        } else {
            expected
        }
    };
    let consumer = if has_producer {
        Expected::child(&processed, &sent)
    } else {
        Expected::new(&processed, Parent::Nobody)
    };
    let consumer = linked(consumer).has("messaging.delivery.attempt", "1");
    spans.push(match ending {
        Ending::Error | Ending::TimeOut => consumer.has("error.type", "*").fails(),
        Ending::Panic => consumer.has("error.type", "panic").fails(),
        Ending::Cancel => consumer.has("error.type", "cancelled"),
        Ending::Success | Ending::Malformed | Ending::Unsampled => consumer,
    });
    spans.push(Expected::child("internal work", &processed));
    // Whoever panics or is dropped tells the broker nothing, which then delivers again.
    if !matches!(ending, Ending::Panic | Ending::Cancel) {
        spans.push(linked(Expected::child(
            format!("client ack {SUBJECT}"),
            &processed,
        )));
    }
    spans
}

pub fn counted(transport: Transport, ending: Ending) -> Vec<Counted> {
    let processed = Counted::once("messaging_process_duration_seconds_count")
        .with("messaging_destination_name", SUBJECT)
        .with("messaging_consumer_group_name", "conformance");
    let processed = match ending {
        Ending::Error | Ending::TimeOut => processed,
        Ending::Panic => processed.with("error_type", "panic"),
        Ending::Cancel => processed.with("error_type", "cancelled"),
        Ending::Success | Ending::Malformed | Ending::Unsampled => processed.with("error_type", ""),
    };
    let sent = Counted::once("messaging_client_sent_messages_total")
        .with("messaging_destination_name", SUBJECT);
    if (transport, ending) == (Transport::Nats, Ending::Malformed) {
        vec![processed]
    } else {
        vec![processed, sent]
    }
}
