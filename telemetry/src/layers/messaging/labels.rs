//! What spans and metrics of messaging have in common.

use crate::layers::error_type::ErrorType;
use crate::layers::names::FirstNames;
use crate::metrics::signals::attributes::{
    MESSAGING_CONSUMER_GROUP_NAME, MESSAGING_DESTINATION_NAME, MESSAGING_DESTINATION_PARTITION_ID,
    MESSAGING_DESTINATION_TEMPLATE, MESSAGING_MESSAGE_BODY_SIZE, MESSAGING_MESSAGE_CONVERSATION_ID,
    MESSAGING_MESSAGE_ID, MESSAGING_OPERATION_NAME, MESSAGING_OPERATION_TYPE, MESSAGING_SYSTEM,
    SERVER_ADDRESS, SERVER_PORT,
};
use crate::metrics::signals::{
    MessagingClientConsumedMessages, MessagingClientOperationDuration, MessagingClientSentMessages,
    MessagingConsumerLag, MessagingConsumerRedelivered, MessagingConsumerUnsettled,
    MessagingOperationType, MessagingProcessAge, MessagingProcessDuration,
};
use crate::trace::wire::Attributes;

use super::{Consumer, Destination, Envelope};

/// The names of destinations, of their templates and of consumer groups that are labels. They may come with data, such as
/// the subject of a message that a stranger sent; past the bounds that the registry declares they are `_OTHER`.
static DESTINATIONS: FirstNames = FirstNames::new(200);
static TEMPLATES: FirstNames = FirstNames::new(100);
static GROUPS: FirstNames = FirstNames::new(100);

/// The labels of a destination and of what was done there.
pub(super) struct Labels<'a> {
    destination: Destination<'a>,
    // None of a destination that has a template: there may be many of it.
    name: Option<&'a str>,
    template: Option<&'a str>,
    group: Option<&'a str>,
}

/// What is done with messages, by the name that the broker's world gives it and by the conventions' type.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    pub(super) kind: MessagingOperationType,
}

// === impl Operation ===

impl Operation {
    pub(super) const CREATE: Self = Self::plain(MessagingOperationType::Create);
    pub(super) const SEND: Self = Self::plain(MessagingOperationType::Send);
    pub(super) const RECEIVE: Self = Self::plain(MessagingOperationType::Receive);
    pub(super) const PROCESS: Self = Self::plain(MessagingOperationType::Process);

    /// A settlement, by the broker's name for it.
    pub(super) const fn settle(name: &'static str) -> Self {
        Self {
            name,
            kind: MessagingOperationType::Settle,
        }
    }

    const fn plain(kind: MessagingOperationType) -> Self {
        let name = kind.as_str();
        Self { name, kind }
    }

    /// The name of its span: `{operation} {destination}`, or the operation alone when there are too many destinations.
    pub(super) fn span_name(self, destination: &Destination<'_>) -> String {
        let name = match destination.template {
            Some(template) => TEMPLATES.admit(template),
            None => DESTINATIONS.admit(destination.name),
        };
        match name {
            Some(name) => format!("{} {name}", self.name),
            None => self.name.to_owned(),
        }
    }

    fn describe(self, attributes: &mut Attributes<'_>) {
        attributes.set(MESSAGING_OPERATION_NAME, self.name);
        attributes.set(MESSAGING_OPERATION_TYPE, self.kind);
    }

    /// What the span of an operation of a producer says.
    pub(super) fn describe_of_producer(
        self,
        destination: &Destination<'_>,
        attributes: &mut Attributes<'_>,
    ) {
        self.describe(attributes);
        destination.describe(attributes);
    }

    /// What the span of an operation of a consumer says.
    pub(super) fn describe_of_consumer(
        self,
        consumer: &Consumer<'_>,
        attributes: &mut Attributes<'_>,
    ) {
        self.describe_of_producer(&consumer.destination, attributes);
        if let Some(group) = consumer.group {
            attributes.set(MESSAGING_CONSUMER_GROUP_NAME, group);
        }
    }
}

// === impl Destination ===

impl Destination<'_> {
    fn describe(&self, attributes: &mut Attributes<'_>) {
        attributes.set(MESSAGING_SYSTEM, self.system);
        attributes.set(MESSAGING_DESTINATION_NAME, self.name);
        if let Some(template) = self.template {
            attributes.set(MESSAGING_DESTINATION_TEMPLATE, template);
        }
        if let Some(partition) = self.partition {
            attributes.set(MESSAGING_DESTINATION_PARTITION_ID, partition);
        }
        if let Some((address, port)) = self.server {
            attributes.set(SERVER_ADDRESS, address);
            attributes.set(SERVER_PORT, port);
        }
    }
}

// === impl Envelope ===

impl Envelope<'_> {
    /// What the span of one message says.
    pub(super) fn describe(&self, attributes: &mut Attributes<'_>) {
        if let Some(id) = self.id {
            attributes.set(MESSAGING_MESSAGE_ID, id);
        }
        if let Some(id) = self.conversation {
            attributes.set(MESSAGING_MESSAGE_CONVERSATION_ID, id);
        }
        if let Some(bytes) = self.body_size {
            attributes.set(MESSAGING_MESSAGE_BODY_SIZE, bytes);
        }
    }
}

// === impl Labels ===

impl<'a> Labels<'a> {
    pub(super) fn of(destination: Destination<'a>) -> Self {
        let Destination { name, template, .. } = destination;
        Self {
            destination,
            name: template.is_none().then(|| DESTINATIONS.label(name)),
            template: template.map(|template| TEMPLATES.label(template)),
            group: None,
        }
    }

    pub(super) fn of_consumer(consumer: Consumer<'a>) -> Self {
        Self {
            group: consumer.group.map(|group| GROUPS.label(group)),
            ..Self::of(consumer.destination)
        }
    }

    fn address(&self) -> Option<&'a str> {
        self.destination.server.map(|(address, _)| address)
    }

    fn port(&self) -> Option<i64> {
        self.destination.server.map(|(_, port)| i64::from(port))
    }

    pub(super) fn lag(&self) -> MessagingConsumerLag<'a> {
        MessagingConsumerLag {
            messaging_system: self.destination.system,
            messaging_destination_name: self.name,
            messaging_destination_template: self.template,
            messaging_consumer_group_name: self.group,
        }
    }

    pub(super) fn unsettled(&self) -> MessagingConsumerUnsettled<'a> {
        MessagingConsumerUnsettled {
            messaging_system: self.destination.system,
            messaging_destination_name: self.name,
            messaging_destination_template: self.template,
            messaging_consumer_group_name: self.group,
        }
    }

    pub(super) fn redelivered(&self) -> MessagingConsumerRedelivered<'a> {
        MessagingConsumerRedelivered {
            messaging_system: self.destination.system,
            messaging_destination_name: self.name,
            messaging_destination_template: self.template,
            messaging_consumer_group_name: self.group,
        }
    }

    pub(super) fn age(&self) -> MessagingProcessAge<'a> {
        MessagingProcessAge {
            messaging_system: self.destination.system,
            messaging_destination_name: self.name,
            messaging_destination_template: self.template,
            messaging_consumer_group_name: self.group,
        }
    }

    /// Of what a producer has given to the broker.
    pub(super) fn sent<'b>(
        &'b self,
        operation: Operation,
        error_type: Option<&'b str>,
    ) -> MessagingClientSentMessages<'b> {
        MessagingClientSentMessages {
            messaging_system: self.destination.system,
            messaging_destination_name: self.name,
            messaging_destination_template: self.template,
            messaging_operation_name: operation.name,
            server_address: self.address(),
            server_port: self.port(),
            error_type,
        }
    }

    /// Of what a consumer was given.
    pub(super) fn consumed<'b>(
        &'b self,
        operation: Operation,
        error_type: Option<&'b str>,
    ) -> MessagingClientConsumedMessages<'b> {
        MessagingClientConsumedMessages {
            messaging_system: self.destination.system,
            messaging_destination_name: self.name,
            messaging_destination_template: self.template,
            messaging_consumer_group_name: self.group,
            messaging_operation_name: operation.name,
            server_address: self.address(),
            server_port: self.port(),
            error_type,
        }
    }

    /// Of the work on what was given.
    pub(super) fn processed<'b>(
        &'b self,
        operation: Operation,
        error_type: Option<&'b str>,
    ) -> MessagingProcessDuration<'b> {
        MessagingProcessDuration {
            messaging_system: self.destination.system,
            messaging_destination_name: self.name,
            messaging_destination_template: self.template,
            messaging_consumer_group_name: self.group,
            messaging_operation_name: operation.name,
            server_address: self.address(),
            server_port: self.port(),
            error_type,
        }
    }

    /// Of a call to the broker.
    pub(super) fn called<'b>(
        &'b self,
        operation: Operation,
        error_type: Option<&'b str>,
    ) -> MessagingClientOperationDuration<'b> {
        MessagingClientOperationDuration {
            messaging_system: self.destination.system,
            messaging_destination_name: self.name,
            messaging_destination_template: self.template,
            messaging_consumer_group_name: self.group,
            messaging_operation_name: operation.name,
            messaging_operation_type: operation.kind,
            server_address: self.address(),
            server_port: self.port(),
            error_type,
        }
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

    /// As [`Ending`](crate::layers::hop::Ending) takes it.
    pub(super) fn parts(&self) -> Option<(&str, &str)> {
        let (kind, text) = self.0.as_ref()?;
        Some((kind.name(), text))
    }
}
