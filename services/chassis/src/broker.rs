//! The broker: NATS JetStream. One stream holds the platform's events; each consumer is durable and idempotent.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use api::events::{Event, STREAM, SUBJECTS};
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::{self, AckKind, Context, stream};
use async_nats::{HeaderMap, ServerAddr};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use telemetry::ErrorType;
use telemetry::context::SavedContext;
use telemetry::messaging::{
    Consumer, Delivery, Destination, Headers, Lag, Message, process, settle,
};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::database::Write;
use crate::failure::{Failure, chain};

/// `messaging.system`.
const SYSTEM: &str = "nats";
/// How long the stream keeps events.
const MAX_AGE: Duration = Duration::from_hours(24);
/// Within this window the broker drops a second copy of a message id.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);
/// An event whose consumer says nothing for this long, as when it was killed, is delivered again. Handlers take far
/// less; one that did not would only see the event twice.
const ACK_WAIT: Duration = Duration::from_secs(10);
/// How long a refused event waits before it comes again, by the attempt.
const BACK_OFF: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(15),
];
/// How many events of one consumer are worked on at once.
const CONCURRENCY: usize = 16;
/// How often a broker that cannot be reached is tried again.
const RECONNECT: Duration = Duration::from_secs(1);
/// How often the broker is asked how far behind a consumer is: as often as Prometheus looks.
const WATCH: Duration = Duration::from_secs(5);

/// A connection to the broker.
#[derive(Clone)]
pub struct Broker {
    client: async_nats::Client,
    jetstream: Context,
    address: Arc<Address>,
}

/// Where the broker is, for spans and metrics: without what a URL may hold besides.
#[derive(Debug)]
struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// Of several servers, the first.
    fn of(url: &str) -> Result<Self, Failure> {
        let first = url.split(',').next().unwrap_or_default();
        let server: ServerAddr = first.parse().map_err(Failure::internal)?;
        Ok(Self {
            host: server.host().to_owned(),
            port: server.port(),
        })
    }

    fn destination<'a>(&'a self, name: &'a str) -> Destination<'a> {
        Destination::new(SYSTEM, name)
            .server(&self.host, self.port)
            .errors(error_type)
    }
}

/// A failure goes by its code, which is stable; what the client of the broker says has no code.
fn error_type(error: &dyn Any) -> Option<ErrorType> {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return Some(ErrorType::named(failure.code.clone()));
    }
    error
        .is::<async_nats::Error>()
        .then(|| ErrorType::named("broker"))
}

impl Broker {
    /// Connects to `url`, waiting for the broker as long as it takes, and declares the stream.
    ///
    /// # Errors
    /// When the address is bad or the stream cannot be declared.
    pub async fn connect(url: &str) -> Result<Self, Failure> {
        let address = Arc::new(Address::of(url)?);
        let client = loop {
            let options =
                async_nats::ConnectOptions::new().connection_timeout(Duration::from_secs(2));
            match options.connect(url).await {
                Ok(client) => break client,
                Err(error) if error.kind() == async_nats::ConnectErrorKind::ServerParse => {
                    return Err(Failure::internal(error));
                }
                Err(error) => {
                    tracing::warn!(%url, error = %chain(&error), "waiting for the broker");
                    tokio::time::sleep(RECONNECT).await;
                }
            }
        };
        let jetstream = jetstream::new(client.clone());
        jetstream
            .create_or_update_stream(stream::Config {
                name: STREAM.to_owned(),
                subjects: vec![SUBJECTS.to_owned()],
                max_age: MAX_AGE,
                duplicate_window: DUPLICATE_WINDOW,
                ..stream::Config::default()
            })
            .await
            .map_err(Failure::unavailable)?;
        Ok(Self {
            client,
            jetstream,
            address,
        })
    }

    /// Whether the connection stands just now.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    /// Publishes `body` under `message_id` and waits until the stream has stored it. The PRODUCER span is a child of
    /// `context`.
    ///
    /// # Errors
    /// When the broker does not confirm.
    pub async fn publish(
        &self,
        subject: &str,
        message_id: &str,
        context: &SavedContext,
        body: Vec<u8>,
    ) -> Result<(), Failure> {
        let message = Message::to(self.address.destination(subject))
            .id(message_id)
            .body_size(body.len());
        telemetry::messaging::publish(message, context, |pairs| async move {
            let mut headers = HeaderMap::new();
            headers.insert(async_nats::header::NATS_MESSAGE_ID, message_id);
            for (name, value) in &pairs {
                headers.insert(name.as_str(), value.as_str());
            }
            self.jetstream
                .publish_with_headers(subject.to_owned(), headers, body.into())
                .await
                .map_err(Failure::unavailable)?
                .await
                .map_err(Failure::unavailable)?;
            Ok(())
        })
        .await
    }

    /// Works on the events of these subjects until `shutdown`, then waits for those in hand. `durable` names the
    /// consumer: the broker remembers what it has confirmed. An event whose handler fails comes again.
    ///
    /// # Errors
    /// When the consumer cannot be declared.
    pub async fn consume(
        &self,
        durable: &'static str,
        subjects: &[&'static str],
        handler: Arc<dyn Handler>,
        shutdown: CancellationToken,
    ) -> Result<(), Failure> {
        let consumer: PullConsumer = self
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
        let slots = Arc::new(Semaphore::new(CONCURRENCY));
        let tasks = TaskTracker::new();
        tasks.spawn(watch_lag(
            consumer.clone(),
            self.address.clone(),
            durable,
            shutdown.clone(),
        ));
        while !shutdown.is_cancelled() {
            let mut messages = match consumer.messages().await {
                Ok(messages) => messages,
                Err(error) => {
                    tracing::warn!(durable, error = %chain(&error), "cannot pull events; trying again");
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
                        let Ok(slot) = slots.clone().acquire_owned().await else {
                            break;
                        };
                        let (handler, address) = (handler.clone(), self.address.clone());
                        tasks.spawn(async move {
                            deliver(durable, &address, message, handler.as_ref()).await;
                            drop(slot);
                        });
                    }
                    Some(Err(error)) => {
                        tracing::warn!(durable, error = %chain(&error), "pulling events failed; trying again");
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
}

/// An event as it was delivered.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its subject.
    pub subject: String,
    /// The same at every delivery.
    pub message_id: String,
    /// JSON.
    pub body: Vec<u8>,
}

impl Received {
    /// The event, when the subject is `E`'s.
    ///
    /// # Errors
    /// `event.malformed` when the body is not such an event.
    pub fn event<E: Event>(&self) -> Result<Option<E>, Failure> {
        if self.subject != E::SUBJECT {
            return Ok(None);
        }
        serde_json::from_slice(&self.body)
            .map(Some)
            .map_err(|error| {
                let message = format!("a {} event cannot be read: {error}", E::SUBJECT);
                Failure::new(crate::Kind::Invalid, "event.malformed", message)
            })
    }
}

/// What a consumer does with an event.
pub trait Handler: Send + Sync {
    /// Works on one delivery. It may be called again for the same event, also after it succeeded. A refusal that is
    /// a [decision](crate::Kind::is_decision) gives the event up; any other failure has it delivered again.
    fn handle<'a>(&'a self, event: &'a Received) -> BoxFuture<'a, Result<(), Failure>>;
}

/// Works on one delivery and tells the broker what became of it.
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
    // What it came to is on the span, in the metrics and in the log by then.
    let _ = process(delivery, || async {
        let outcome = handler.handle(&received).await;
        if let Err(failure) = &outcome {
            tracing::warn!(
                durable, subject = %received.subject, message_id = %received.message_id, attempt,
                error = %chain(failure), "an event could not be processed"
            );
        }
        let (name, acknowledgement) = acknowledgement(&outcome, attempt);
        if let Err(error) = settle(delivery, name, message.ack_with(acknowledgement)).await {
            tracing::warn!(durable, %error, "an acknowledgement was not sent; the event will come again");
        }
        outcome
    })
    .await;
}

/// What the broker is told of the outcome of an attempt, and what that is called.
fn acknowledgement(outcome: &Result<(), Failure>, attempt: u64) -> (&'static str, AckKind) {
    match outcome {
        Ok(()) => ("ack", AckKind::Ack),
        Err(failure) if failure.kind.is_decision() => ("term", AckKind::Term),
        Err(_) => {
            let step = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
            let wait = BACK_OFF[step.min(BACK_OFF.len() - 1)];
            ("nak", AckKind::Nak(Some(wait)))
        }
    }
}

/// Keeps the metrics of the consumer's lag true until `shutdown`, apart from the consuming, so that they tell of one
/// that hangs.
async fn watch_lag(
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
                tracing::warn!(durable, error = %chain(&error), "a consumer's lag cannot be looked at; trying again");
            }
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(WATCH) => {}
        }
    }
}

/// Whether this delivery of `message_id` is the first that `consumer` processes, as far as this transaction can see:
/// call it in the transaction of the change, and change nothing when it says no.
///
/// # Errors
/// When the database fails.
pub async fn first_delivery(
    write: &mut Write,
    clock: &Clock,
    consumer: &str,
    message_id: &str,
) -> Result<bool, Failure> {
    let operation = write.operation("INSERT", "inbox");
    let done = telemetry::db::observe(
        operation,
        sqlx::query(
            "INSERT INTO inbox (consumer, message_id, processed_at_ms) VALUES ($1, $2, $3) \
             ON CONFLICT (consumer, message_id) DO NOTHING",
        )
        .bind(consumer)
        .bind(message_id)
        .bind(clock.now())
        .execute(write.connection()),
    )
    .await?;
    Ok(done.rows_affected() == 1)
}
