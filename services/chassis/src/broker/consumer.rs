//! Consuming: messages are pulled from the stream, handled concurrently, and acknowledged by the handler's result.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use api::events::{Event, STREAM};
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::{self, AckKind};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use telemetry::messaging::{Consumer, Delivery, Headers, Lag, process, settle};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Address, Broker, RECONNECT};
use crate::failure::{Failure, Kind, chain};

/// The broker redelivers a message that is not acknowledged within this time, for example after a crash. A handler takes
/// far less; one that does not receives the message twice.
const ACK_WAIT: Duration = Duration::from_secs(10);
/// The delay before a failed message is redelivered, by attempt.
const BACK_OFF: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
];
/// The maximum number of messages that one consumer handles at the same time.
const CONCURRENCY: usize = 16;
/// How often the metrics of a consumer's lag are updated: the scrape interval of Prometheus.
const METRICS_INTERVAL: Duration = Duration::from_secs(5);

/// A delivered message.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its subject.
    pub subject: String,
    /// Its id, which is the same at every delivery.
    pub message_id: String,
    /// Its body, JSON.
    pub body: Vec<u8>,
}

/// Handles the messages of a consumer.
pub trait Handler: Send + Sync {
    /// Handles one delivery. It may be called again for the same message, also after it has succeeded. When it fails with
    /// a [decision](Kind::is_decision), the message is not redelivered; after any other failure it is.
    fn handle<'a>(&'a self, event: &'a Received) -> BoxFuture<'a, Result<(), Failure>>;
}

// === impl Received ===

impl Received {
    /// The event of type `E`, or `None` when the message has another subject.
    ///
    /// # Errors
    /// `event.malformed` when the body cannot be deserialised.
    pub fn event<E: Event>(&self) -> Result<Option<E>, Failure> {
        if self.subject != E::SUBJECT {
            return Ok(None);
        }
        serde_json::from_slice(&self.body)
            .map(Some)
            .map_err(|error| {
                let message = format!("a {} event cannot be read: {error}", E::SUBJECT);
                Failure::new(Kind::Invalid, "event.malformed", message)
            })
    }
}

/// See [`Broker::consume`].
pub(super) async fn run(
    broker: &Broker,
    durable: &'static str,
    subjects: &[&'static str],
    handler: Arc<dyn Handler>,
    shutdown: CancellationToken,
) -> Result<(), Failure> {
    let consumer: PullConsumer = broker
        .jetstream
        .get_stream(STREAM)
        .await
        .map_err(Failure::unavailable)?
        .create_consumer(pull::Config {
            durable_name: Some(durable.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            filter_subjects: subjects.iter().map(|s| (*s).to_owned()).collect(),
            max_ack_pending: 1024,
            ..pull::Config::default()
        })
        .await
        .map_err(Failure::unavailable)?;
    let permits = Arc::new(Semaphore::new(CONCURRENCY));
    let tasks = TaskTracker::new();
    tasks.spawn(update_metrics(
        consumer.clone(),
        broker.address.clone(),
        durable,
        shutdown.clone(),
    ));
    while !shutdown.is_cancelled() {
        let mut messages = match consumer.messages().await {
            Ok(messages) => messages,
            Err(error) => {
                tracing::warn!(durable, error = %chain(&error), "cannot pull messages; retrying");
                tokio::time::sleep(RECONNECT).await;
                continue;
            }
        };
        loop {
            let next = tokio::select! {
                () = shutdown.cancelled() => break,
                next = messages.next() => next,
            };
            match next {
                Some(Ok(message)) => {
                    let Ok(permit) = permits.clone().acquire_owned().await else {
                        break;
                    };
                    let (handler, address) = (handler.clone(), broker.address.clone());
                    tasks.spawn(async move {
                        deliver(durable, &address, message, handler.as_ref()).await;
                        drop(permit);
                    });
                }
                Some(Err(error)) => {
                    tracing::warn!(durable, error = %chain(&error), "pulling messages failed; retrying");
                    tokio::time::sleep(RECONNECT).await;
                    break;
                }
                None => break,
            }
        }
    }
    tasks.close();
    tasks.wait().await;
    Ok(())
}

/// Handles one delivery and acknowledges it.
async fn deliver(
    durable: &str,
    address: &Address,
    message: jetstream::Message,
    handler: &dyn Handler,
) {
    let headers: Headers = message
        .headers
        .iter()
        .flat_map(|headers| headers.iter())
        .filter_map(|(name, values)| Some((name.to_string(), values.first()?.to_string())))
        .collect();
    let (attempt, sequence, stored_at) = message.info().map_or((1, 0, None), |info| {
        let stored_at = SystemTime::from(info.published);
        (info.delivered, info.stream_sequence, Some(stored_at))
    });
    let message_id = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("Nats-Msg-Id"))
        .map_or_else(|| format!("{STREAM}-{sequence}"), |(_, id)| id.clone());
    let received = Received {
        subject: message.subject.to_string(),
        message_id,
        body: message.payload.to_vec(),
    };
    let attempt = u64::try_from(attempt).unwrap_or(1);
    let consumer = Consumer::of(address.destination(&received.subject)).group(durable);
    let mut delivery = Delivery::to(consumer)
        .id(&received.message_id)
        .attempt(attempt)
        .body_size(received.body.len())
        .headers(&headers);
    if let Some(stored_at) = stored_at {
        delivery = delivery.stored_at(stored_at);
    }
    // The span, the metrics and the log have recorded the result.
    let _ = process(delivery, || async {
        let result = handler.handle(&received).await;
        if let Err(failure) = &result {
            tracing::warn!(
                durable, subject = %received.subject, message_id = %received.message_id, attempt,
                error = %chain(failure), "handling a message failed"
            );
        }
        let (name, acknowledgement) = acknowledgement(&result, attempt);
        if let Err(error) = settle(delivery, name, message.ack_with(acknowledgement)).await {
            tracing::warn!(durable, %error, "an acknowledgement was not sent; the message will be redelivered");
        }
        result
    })
    .await;
}

/// The acknowledgement for a handler's result, and its name in JetStream's protocol.
fn acknowledgement(result: &Result<(), Failure>, attempt: u64) -> (&'static str, AckKind) {
    match result {
        Ok(()) => ("ack", AckKind::Ack),
        Err(failure) if failure.kind.is_decision() => ("term", AckKind::Term),
        Err(_) => {
            let step = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
            let wait = BACK_OFF[step.min(BACK_OFF.len() - 1)];
            ("nak", AckKind::Nak(Some(wait)))
        }
    }
}

/// Updates the metrics of the consumer's lag until `shutdown`. It runs in a task of its own, so that the metrics also
/// show a consumer that hangs.
async fn update_metrics(
    consumer: PullConsumer,
    address: Arc<Address>,
    durable: &'static str,
    shutdown: CancellationToken,
) {
    let observed = Consumer::of(address.destination(STREAM)).group(durable);
    loop {
        match consumer.get_info().await {
            Ok(info) => observed.lags(Lag {
                waiting: info.num_pending,
                unsettled: info.num_ack_pending as u64,
                redelivered: info.num_redelivered as u64,
            }),
            Err(error) => {
                tracing::warn!(durable, error = %chain(&error), "cannot read the consumer's lag; retrying");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(METRICS_INTERVAL) => {}
        }
    }
}
