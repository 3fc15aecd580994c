//! The message broker: NATS JetStream. One stream stores the platform's events; each consumer is durable, and its handler
//! idempotent.

mod consumer;

pub use consumer::{Handler, Received};

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use api::events::{STREAM, SUBJECTS};
use async_nats::jetstream::{self, Context, stream};
use async_nats::{HeaderMap, ServerAddr};
use telemetry::ErrorType;
use telemetry::context::SavedContext;
use telemetry::messaging::{Destination, Message};
use tokio_util::sync::CancellationToken;

use crate::failure::{Failure, chain};

/// `messaging.system`.
const SYSTEM: &str = "nats";
/// How long the stream stores events.
const MAX_AGE: Duration = Duration::from_hours(24);
/// The time in which the broker drops a message whose id it has stored already.
const DUPLICATE_WINDOW: Duration = Duration::from_mins(2);
/// The delay between attempts to reach the broker.
const RECONNECT: Duration = Duration::from_secs(1);

/// A connection to the broker.
#[derive(Clone)]
pub struct Broker {
    client: async_nats::Client,
    jetstream: Context,
    address: Arc<Address>,
}

/// The broker's address for spans and metrics, without the URL's credentials.
#[derive(Debug)]
struct Address {
    host: String,
    port: u16,
}

// === impl Address ===

impl Address {
    /// The address in `url`; the first one when it lists several servers.
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

/// The `error.type` of a failed operation: a failure's stable code, or `broker` for an error of the client library.
fn error_type(error: &dyn Any) -> Option<ErrorType> {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return Some(ErrorType::named(failure.code.clone()));
    }
    error
        .is::<async_nats::Error>()
        .then(|| ErrorType::named("broker"))
}

// === impl Broker ===

impl Broker {
    /// Connects to `url` and declares the stream. Retries without limit while the broker cannot be reached.
    ///
    /// # Errors
    /// When the address is malformed or the stream cannot be declared.
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
                    // The address and not the URL, which may have credentials.
                    tracing::warn!(
                        host = address.host, port = address.port, error = %chain(&error),
                        "connecting to the broker failed; retrying"
                    );
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

    /// Whether the connection is up.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == async_nats::connection::State::Connected
    }

    /// Publishes `body` with the id `message_id`, and waits until the stream has stored it. The PRODUCER span is a child
    /// of `context`.
    ///
    /// # Errors
    /// When the broker does not confirm that it has stored the message.
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

    /// Consumes the messages of these subjects until `shutdown`, then waits for those that are being handled. The broker
    /// stores the consumer's progress under the name `durable`, and redelivers a message whose handler failed.
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
        consumer::run(self, durable, subjects, handler, shutdown).await
    }
}
