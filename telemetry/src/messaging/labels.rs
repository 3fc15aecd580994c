//! What spans and metrics of messaging have in common.

use opentelemetry::{KeyValue, Value};

use crate::error_type::ErrorType;
use crate::signals::LabelValue;

use super::{Consumer, Destination, Envelope};

/// The labels of a destination and of what was done there, as text that lasts while they are used.
pub(super) struct Labels<'a> {
    destination: Destination<'a>,
    group: &'a str,
    port: String,
}

/// The attributes of a span.
pub(super) struct Attributes(Vec<KeyValue>);

/// What is done with messages, by the name that the broker's world gives it and by the conventions' type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
}

// === impl Operation ===

impl Operation {
    pub(super) const CREATE: Self = Self::plain("create");
    pub(super) const SEND: Self = Self::plain("send");
    pub(super) const RECEIVE: Self = Self::plain("receive");
    pub(super) const PROCESS: Self = Self::plain("process");

    /// A settlement, by the broker's name for it.
    pub(super) const fn settle(name: &'static str) -> Self {
        Self {
            name,
            kind: "settle",
        }
    }

    const fn plain(name: &'static str) -> Self {
        Self { name, kind: name }
    }

    /// The name of its span: `{operation} {destination}`.
    pub(super) fn span_name(self, destination: &Destination<'_>) -> String {
        format!("{} {}", self.name, destination.low_cardinality())
    }

    fn describe(self, attributes: &mut Attributes) {
        attributes.set("messaging.operation.name", self.name);
        attributes.set("messaging.operation.type", self.kind);
    }
}

// === impl Attributes ===

impl Attributes {
    /// Of an operation of a producer.
    pub(super) fn of(operation: Operation, destination: &Destination<'_>) -> Self {
        let mut attributes = Self(Vec::with_capacity(12));
        operation.describe(&mut attributes);
        destination.describe(&mut attributes);
        attributes
    }

    /// Of an operation of a consumer.
    pub(super) fn of_consumer(operation: Operation, consumer: &Consumer<'_>) -> Self {
        let mut attributes = Self::of(operation, &consumer.destination);
        if let Some(group) = consumer.group {
            attributes.set("messaging.consumer.group.name", group.to_owned());
        }
        attributes
    }

    /// With those of one message.
    pub(super) fn message(mut self, envelope: &Envelope<'_>) -> Self {
        envelope.describe(&mut self);
        self
    }

    /// With how many messages there are.
    pub(super) fn batch(mut self, count: usize) -> Self {
        self.set("messaging.batch.message_count", integer(count));
        self
    }

    pub(super) fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        self.0.push(KeyValue::new(key, value));
    }
}

impl IntoIterator for Attributes {
    type Item = KeyValue;
    type IntoIter = std::vec::IntoIter<KeyValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

// === impl Destination ===

impl Destination<'_> {
    fn describe(&self, attributes: &mut Attributes) {
        attributes.set("messaging.system", self.system);
        attributes.set("messaging.destination.name", self.name.to_owned());
        if let Some(template) = self.template {
            attributes.set("messaging.destination.template", template.to_owned());
        }
        if let Some(partition) = self.partition {
            attributes.set("messaging.destination.partition.id", partition.to_owned());
        }
        if let Some((address, port)) = self.server {
            attributes.set("server.address", address.to_owned());
            attributes.set("server.port", i64::from(port));
        }
    }
}

// === impl Envelope ===

impl Envelope<'_> {
    fn describe(&self, attributes: &mut Attributes) {
        if let Some(id) = self.id {
            attributes.set("messaging.message.id", id.to_owned());
        }
        if let Some(id) = self.conversation {
            attributes.set("messaging.message.conversation_id", id.to_owned());
        }
        if let Some(bytes) = self.body_size {
            attributes.set("messaging.message.body.size", integer(bytes));
        }
    }
}

// === impl Labels ===

impl<'a> Labels<'a> {
    pub(super) fn of(destination: Destination<'a>) -> Self {
        Self {
            destination,
            group: "",
            port: destination
                .server
                .map(|(_, port)| port.to_string())
                .unwrap_or_default(),
        }
    }

    pub(super) fn of_consumer(consumer: Consumer<'a>) -> Self {
        Self {
            group: consumer.group.unwrap_or_default(),
            ..Self::of(consumer.destination)
        }
    }

    /// Where, without what was done: of the age of messages, and of what waits.
    pub(super) fn place(&self) -> [LabelValue<'_>; 4] {
        let Destination {
            system,
            name,
            template,
            ..
        } = self.destination;
        // A name that has a template may have many values.
        let name = if template.is_some() { "" } else { name };
        [
            ("messaging.system", system),
            ("messaging.destination.name", name),
            (
                "messaging.destination.template",
                template.unwrap_or_default(),
            ),
            ("messaging.consumer.group.name", self.group),
        ]
    }

    /// The labels of what is counted or measured of a producer.
    pub(super) fn produced<'b>(
        &'b self,
        operation: Operation,
        error_type: &'b str,
    ) -> [LabelValue<'b>; 7] {
        let [system, name, template, _] = self.place();
        let [address, port] = self.server();
        [
            system,
            name,
            template,
            ("messaging.operation.name", operation.name),
            address,
            port,
            ("error.type", error_type),
        ]
    }

    /// The labels of what is counted or measured of a consumer.
    pub(super) fn consumed<'b>(
        &'b self,
        operation: Operation,
        error_type: &'b str,
    ) -> [LabelValue<'b>; 8] {
        let [system, name, template, group] = self.place();
        let [address, port] = self.server();
        [
            system,
            name,
            template,
            group,
            ("messaging.operation.name", operation.name),
            address,
            port,
            ("error.type", error_type),
        ]
    }

    /// The labels of the duration of a call to the broker.
    pub(super) fn called<'b>(
        &'b self,
        operation: Operation,
        error_type: &'b str,
    ) -> [LabelValue<'b>; 9] {
        let [
            system,
            name,
            template,
            group,
            operation_name,
            address,
            port,
            error,
        ] = self.consumed(operation, error_type);
        [
            system,
            name,
            template,
            group,
            operation_name,
            ("messaging.operation.type", operation.kind),
            address,
            port,
            error,
        ]
    }

    fn server(&self) -> [LabelValue<'_>; 2] {
        let address = self.destination.server.map_or("", |(address, _)| address);
        [("server.address", address), ("server.port", &self.port)]
    }
}

/// How a call to the broker, or the work on a message, ended: its error as type and text.
pub(super) struct Outcome(Option<(ErrorType, String)>);

impl Outcome {
    pub(super) fn of<T, E>(result: &Result<T, E>, destination: &Destination<'_>) -> Self
    where
        E: std::fmt::Display + 'static,
    {
        Self(result.as_ref().err().map(|error| {
            let kind = ErrorType::of(error, destination.classify);
            (kind, error.to_string())
        }))
    }

    /// As [`Ending`](crate::hop::Ending) takes it.
    pub(super) fn parts(&self) -> Option<(&str, &str)> {
        let (kind, text) = self.0.as_ref()?;
        Some((kind.name(), text))
    }
}

/// A count as an attribute.
pub(super) fn integer(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
