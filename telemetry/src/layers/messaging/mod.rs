//! Messages over a broker: sent, received, processed, settled.
//!
//! The spans, attributes and metrics are those of the semantic conventions for messaging 1.42 (in development
//! there). A consumer's span is a child of the producer's and links to it, so that both readings of the conventions
//! are served; a batch comes from many producers, so it only links. Nothing here knows a broker: the calls to it are
//! given as futures, the context travels in headers, and what the broker says of a message is put on a [`Delivery`].
//!
//! ```
//! use std::time::SystemTime;
//! use telemetry::context::SavedContext;
//! use telemetry::messaging::{Consumer, Delivery, Destination, Message, process, publish, settle};
//!
//! # use telemetry::messaging::Headers;
//! # struct Record { headers: Headers, offset: String, at: SystemTime }
//! # async fn produce(_: Headers) -> Result<Record, std::io::Error> {
//! #     Ok(Record { headers: vec![], offset: "7".into(), at: SystemTime::now() })
//! # }
//! # async fn bake() -> Result<(), std::io::Error> { Ok(()) }
//! # async fn commit() -> Result<(), std::io::Error> { Ok(()) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), std::io::Error> {
//! let orders = Destination::new("kafka", "orders").server("broker.internal", 9092);
//! let record = publish(Message::to(orders).id("m-1"), &SavedContext::current(), |headers| {
//!     produce(headers) // puts them on the record
//! })
//! .await?;
//!
//! let kitchen = Consumer::of(orders).group("kitchen");
//! let delivery = Delivery::to(kitchen)
//!     .id(&record.offset)
//!     .stored_at(record.at)
//!     .headers(&record.headers);
//! process(delivery, || async {
//!     bake().await?;
//!     settle(delivery, "commit", commit()).await
//! })
//! .await?;
//! # Ok(())
//! # }
//! ```

mod batch;
mod consume;
mod labels;
mod lag;
mod produce;

use std::time::SystemTime;

use crate::layers::error_type::Classify;
use crate::trace::context::SavedContext;
use crate::trace::propagation;

pub use batch::{process_batch, publish_batch, receive};
pub use consume::{process, settle};
pub use lag::Lag;
pub use produce::publish;

/// The headers of a message, as name and value.
pub type Headers = Vec<(String, String)>;

/// Where messages go to, or come from: a queue, a topic, a subject.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    system: &'static str,
    name: &'a str,
    template: Option<&'a str>,
    partition: Option<&'a str>,
    server: Option<(&'a str, u16)>,
    classify: Option<Classify>,
}

/// A message that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    destination: Destination<'a>,
    envelope: Envelope<'a>,
}

/// A consumer: the destination that it reads from and its consumer group.
#[derive(Debug, Clone, Copy)]
pub struct Consumer<'a> {
    destination: Destination<'a>,
    group: Option<&'a str>,
}

/// A message as it was delivered.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    consumer: Consumer<'a>,
    envelope: Envelope<'a>,
    attempt: Option<u64>,
    stored_at: Option<SystemTime>,
    headers: &'a [(String, String)],
    received: bool,
}

/// The id, conversation and size of a message.
#[derive(Debug, Clone, Copy, Default)]
struct Envelope<'a> {
    id: Option<&'a str>,
    conversation: Option<&'a str>,
    body_size: Option<usize>,
}

/// The context that the headers of a message carry; empty when they carry none that is well-formed.
pub fn context(headers: &[(String, String)]) -> SavedContext {
    SavedContext::from_context(&propagation::extract_pairs(headers))
}

// === impl Destination ===

impl<'a> Destination<'a> {
    /// A destination of `system` (`messaging.system`: `kafka`, `rabbitmq`, `nats`).
    ///
    /// Its name becomes a label and a part of the spans' names, so it has few values; when it has many, as with an
    /// id in it, or when others choose it, give a [`template`](Self::template) too. Past the first 200 names of a process,
    /// the label of any other is `_OTHER`.
    pub const fn new(system: &'static str, name: &'a str) -> Self {
        Self {
            system,
            name,
            template: None,
            partition: None,
            server: None,
            classify: None,
        }
    }

    /// What the names of such destinations have in common: `orders.{customer}`. It then stands for the name in
    /// metrics and in the names of spans.
    #[must_use]
    pub const fn template(mut self, template: &'a str) -> Self {
        self.template = Some(template);
        self
    }

    /// The partition, for spans: `messaging.destination.partition.id`.
    #[must_use]
    pub const fn partition(mut self, id: &'a str) -> Self {
        self.partition = Some(id);
        self
    }

    /// The broker's host and port, as the client was given them.
    #[must_use]
    pub const fn server(mut self, address: &'a str, port: u16) -> Self {
        self.server = Some((address, port));
        self
    }

    /// How errors are called in `error.type`; without it, by their Rust type.
    #[must_use]
    pub const fn errors(mut self, classify: Classify) -> Self {
        self.classify = Some(classify);
        self
    }
}

// === impl Message ===

impl<'a> Message<'a> {
    /// A message to `destination`.
    pub fn to(destination: Destination<'a>) -> Self {
        Self {
            destination,
            envelope: Envelope::default(),
        }
    }

    /// Its id, which a republished message keeps.
    #[must_use]
    pub fn id(mut self, id: &'a str) -> Self {
        self.envelope.id = Some(id);
        self
    }

    /// The conversation that it belongs to, or its correlation id.
    #[must_use]
    pub fn conversation(mut self, id: &'a str) -> Self {
        self.envelope.conversation = Some(id);
        self
    }

    /// How many bytes its body has.
    #[must_use]
    pub fn body_size(mut self, bytes: usize) -> Self {
        self.envelope.body_size = Some(bytes);
        self
    }
}

// === impl Consumer ===

impl<'a> Consumer<'a> {
    /// Who reads from `destination`.
    pub fn of(destination: Destination<'a>) -> Self {
        Self {
            destination,
            group: None,
        }
    }

    /// The consumer group, or the durable consumer: `messaging.consumer.group.name`.
    #[must_use]
    pub fn group(mut self, name: &'a str) -> Self {
        self.group = Some(name);
        self
    }
}

// === impl Delivery ===

impl<'a> Delivery<'a> {
    /// A message that was delivered to `consumer`.
    pub fn to(consumer: Consumer<'a>) -> Self {
        Self {
            consumer,
            envelope: Envelope::default(),
            attempt: None,
            stored_at: None,
            headers: &[],
            received: false,
        }
    }

    /// Its id, the same for every attempt.
    #[must_use]
    pub fn id(mut self, id: &'a str) -> Self {
        self.envelope.id = Some(id);
        self
    }

    /// The conversation that it belongs to, or its correlation id.
    #[must_use]
    pub fn conversation(mut self, id: &'a str) -> Self {
        self.envelope.conversation = Some(id);
        self
    }

    /// How many bytes its body has.
    #[must_use]
    pub fn body_size(mut self, bytes: usize) -> Self {
        self.envelope.body_size = Some(bytes);
        self
    }

    /// Which delivery of the message this is: 1 for the first.
    #[must_use]
    pub fn attempt(mut self, number: u64) -> Self {
        self.attempt = Some(number);
        self
    }

    /// When the broker stored the message, by its clock: with it, its age is measured when it is processed.
    #[must_use]
    pub fn stored_at(mut self, time: SystemTime) -> Self {
        self.stored_at = Some(time);
        self
    }

    /// The headers of the message, which carry the producer's context.
    #[must_use]
    pub fn headers(mut self, headers: &'a [(String, String)]) -> Self {
        self.headers = headers;
        self
    }

    /// Says that the message came out of [`receive`], which has counted it: it counts as consumed once.
    #[must_use]
    pub fn received(mut self) -> Self {
        self.received = true;
        self
    }
}
