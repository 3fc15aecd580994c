//! The metrics of `messaging.yaml`, and the series that each has.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use super::values::MessagingOperationType;
use crate::signals::{Counter, Gauge, Histogram, Kind, LabelWriter, Metric, Series};

/// Messages that a producer tried to send.
pub const MESSAGING_CLIENT_SENT_MESSAGES: Metric = Metric {
    name: "messaging.client.sent.messages",
    kind: Kind::Counter,
    unit: "{message}",
    help: "Messages that a producer tried to send.",
    buckets: &[],
    labels: &[
        "messaging.system",
        "messaging.destination.name",
        "messaging.destination.template",
        "messaging.operation.name",
        "server.address",
        "server.port",
        "error.type",
    ],
};

/// One series of [`MESSAGING_CLIENT_SENT_MESSAGES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagingClientSentMessages<'a> {
    /// `messaging.system`: As the semantic conventions define it.
    pub messaging_system: &'a str,
    /// `messaging.destination.name`: As the semantic conventions define it.
    pub messaging_destination_name: Option<&'a str>,
    /// `messaging.destination.template`: As the semantic conventions define it.
    pub messaging_destination_template: Option<&'a str>,
    /// `messaging.operation.name`: As the semantic conventions define it.
    pub messaging_operation_name: &'a str,
    /// `server.address`: As the semantic conventions define it.
    pub server_address: Option<&'a str>,
    /// `server.port`: As the semantic conventions define it.
    pub server_port: Option<i64>,
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<&'a str>,
}

impl MessagingClientSentMessages<'_> {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }
}

impl Series for MessagingClientSentMessages<'_> {
    const METRIC: &'static Metric = &MESSAGING_CLIENT_SENT_MESSAGES;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.messaging_system);
        labels.text(self.messaging_destination_name.unwrap_or_default());
        labels.text(self.messaging_destination_template.unwrap_or_default());
        labels.text(self.messaging_operation_name);
        labels.text(self.server_address.unwrap_or_default());
        labels.number(self.server_port);
        labels.text(self.error_type.unwrap_or_default());
    }
}

/// Messages that were delivered to a consumer, each time that they were.
pub const MESSAGING_CLIENT_CONSUMED_MESSAGES: Metric = Metric {
    name: "messaging.client.consumed.messages",
    kind: Kind::Counter,
    unit: "{message}",
    help: "Messages that were delivered to a consumer, each time that they were.",
    buckets: &[],
    labels: &[
        "messaging.system",
        "messaging.destination.name",
        "messaging.destination.template",
        "messaging.consumer.group.name",
        "messaging.operation.name",
        "server.address",
        "server.port",
        "error.type",
    ],
};

/// One series of [`MESSAGING_CLIENT_CONSUMED_MESSAGES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagingClientConsumedMessages<'a> {
    /// `messaging.system`: As the semantic conventions define it.
    pub messaging_system: &'a str,
    /// `messaging.destination.name`: As the semantic conventions define it.
    pub messaging_destination_name: Option<&'a str>,
    /// `messaging.destination.template`: As the semantic conventions define it.
    pub messaging_destination_template: Option<&'a str>,
    /// `messaging.consumer.group.name`: As the semantic conventions define it.
    pub messaging_consumer_group_name: Option<&'a str>,
    /// `messaging.operation.name`: As the semantic conventions define it.
    pub messaging_operation_name: &'a str,
    /// `server.address`: As the semantic conventions define it.
    pub server_address: Option<&'a str>,
    /// `server.port`: As the semantic conventions define it.
    pub server_port: Option<i64>,
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<&'a str>,
}

impl MessagingClientConsumedMessages<'_> {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }
}

impl Series for MessagingClientConsumedMessages<'_> {
    const METRIC: &'static Metric = &MESSAGING_CLIENT_CONSUMED_MESSAGES;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.messaging_system);
        labels.text(self.messaging_destination_name.unwrap_or_default());
        labels.text(self.messaging_destination_template.unwrap_or_default());
        labels.text(self.messaging_consumer_group_name.unwrap_or_default());
        labels.text(self.messaging_operation_name);
        labels.text(self.server_address.unwrap_or_default());
        labels.number(self.server_port);
        labels.text(self.error_type.unwrap_or_default());
    }
}

/// How long a call to the broker took: sending to its acknowledgement, receiving, settling.
pub const MESSAGING_CLIENT_OPERATION_DURATION: Metric = Metric {
    name: "messaging.client.operation.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long a call to the broker took: sending to its acknowledgement, receiving, settling.",
    buckets: &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0],
    labels: &[
        "messaging.system",
        "messaging.destination.name",
        "messaging.destination.template",
        "messaging.consumer.group.name",
        "messaging.operation.name",
        "messaging.operation.type",
        "server.address",
        "server.port",
        "error.type",
    ],
};

/// One series of [`MESSAGING_CLIENT_OPERATION_DURATION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagingClientOperationDuration<'a> {
    /// `messaging.system`: As the semantic conventions define it.
    pub messaging_system: &'a str,
    /// `messaging.destination.name`: As the semantic conventions define it.
    pub messaging_destination_name: Option<&'a str>,
    /// `messaging.destination.template`: As the semantic conventions define it.
    pub messaging_destination_template: Option<&'a str>,
    /// `messaging.consumer.group.name`: As the semantic conventions define it.
    pub messaging_consumer_group_name: Option<&'a str>,
    /// `messaging.operation.name`: As the semantic conventions define it.
    pub messaging_operation_name: &'a str,
    /// `messaging.operation.type`: As the semantic conventions define it.
    pub messaging_operation_type: MessagingOperationType,
    /// `server.address`: As the semantic conventions define it.
    pub server_address: Option<&'a str>,
    /// `server.port`: As the semantic conventions define it.
    pub server_port: Option<i64>,
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<&'a str>,
}

impl MessagingClientOperationDuration<'_> {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for MessagingClientOperationDuration<'_> {
    const METRIC: &'static Metric = &MESSAGING_CLIENT_OPERATION_DURATION;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.messaging_system);
        labels.text(self.messaging_destination_name.unwrap_or_default());
        labels.text(self.messaging_destination_template.unwrap_or_default());
        labels.text(self.messaging_consumer_group_name.unwrap_or_default());
        labels.text(self.messaging_operation_name);
        labels.known(Some((
            self.messaging_operation_type as u64,
            self.messaging_operation_type.as_str(),
        )));
        labels.text(self.server_address.unwrap_or_default());
        labels.number(self.server_port);
        labels.text(self.error_type.unwrap_or_default());
    }
}

/// How long processing a delivered message, or a batch of them, took.
pub const MESSAGING_PROCESS_DURATION: Metric = Metric {
    name: "messaging.process.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long processing a delivered message, or a batch of them, took.",
    buckets: &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0],
    labels: &[
        "messaging.system",
        "messaging.destination.name",
        "messaging.destination.template",
        "messaging.consumer.group.name",
        "messaging.operation.name",
        "server.address",
        "server.port",
        "error.type",
    ],
};

/// One series of [`MESSAGING_PROCESS_DURATION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagingProcessDuration<'a> {
    /// `messaging.system`: As the semantic conventions define it.
    pub messaging_system: &'a str,
    /// `messaging.destination.name`: As the semantic conventions define it.
    pub messaging_destination_name: Option<&'a str>,
    /// `messaging.destination.template`: As the semantic conventions define it.
    pub messaging_destination_template: Option<&'a str>,
    /// `messaging.consumer.group.name`: As the semantic conventions define it.
    pub messaging_consumer_group_name: Option<&'a str>,
    /// `messaging.operation.name`: As the semantic conventions define it.
    pub messaging_operation_name: &'a str,
    /// `server.address`: As the semantic conventions define it.
    pub server_address: Option<&'a str>,
    /// `server.port`: As the semantic conventions define it.
    pub server_port: Option<i64>,
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<&'a str>,
}

impl MessagingProcessDuration<'_> {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for MessagingProcessDuration<'_> {
    const METRIC: &'static Metric = &MESSAGING_PROCESS_DURATION;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.messaging_system);
        labels.text(self.messaging_destination_name.unwrap_or_default());
        labels.text(self.messaging_destination_template.unwrap_or_default());
        labels.text(self.messaging_consumer_group_name.unwrap_or_default());
        labels.text(self.messaging_operation_name);
        labels.text(self.server_address.unwrap_or_default());
        labels.number(self.server_port);
        labels.text(self.error_type.unwrap_or_default());
    }
}

/// How old a message was when its processing began, since the broker had stored it.
pub const MESSAGING_PROCESS_AGE: Metric = Metric {
    name: "messaging.process.age",
    kind: Kind::Histogram,
    unit: "s",
    help: "How old a message was when its processing began, since the broker had stored it.",
    buckets: &[
        0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 1800.0,
    ],
    labels: &[
        "messaging.system",
        "messaging.destination.name",
        "messaging.destination.template",
        "messaging.consumer.group.name",
    ],
};

/// One series of [`MESSAGING_PROCESS_AGE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagingProcessAge<'a> {
    /// `messaging.system`: As the semantic conventions define it.
    pub messaging_system: &'a str,
    /// `messaging.destination.name`: As the semantic conventions define it.
    pub messaging_destination_name: Option<&'a str>,
    /// `messaging.destination.template`: As the semantic conventions define it.
    pub messaging_destination_template: Option<&'a str>,
    /// `messaging.consumer.group.name`: As the semantic conventions define it.
    pub messaging_consumer_group_name: Option<&'a str>,
}

impl MessagingProcessAge<'_> {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for MessagingProcessAge<'_> {
    const METRIC: &'static Metric = &MESSAGING_PROCESS_AGE;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.messaging_system);
        labels.text(self.messaging_destination_name.unwrap_or_default());
        labels.text(self.messaging_destination_template.unwrap_or_default());
        labels.text(self.messaging_consumer_group_name.unwrap_or_default());
    }
}

/// Messages that are stored for a consumer and were not delivered to it yet.
pub const MESSAGING_CONSUMER_LAG: Metric = Metric {
    name: "messaging.consumer.lag",
    kind: Kind::Gauge,
    unit: "{message}",
    help: "Messages that are stored for a consumer and were not delivered to it yet.",
    buckets: &[],
    labels: &[
        "messaging.system",
        "messaging.destination.name",
        "messaging.destination.template",
        "messaging.consumer.group.name",
    ],
};

/// One series of [`MESSAGING_CONSUMER_LAG`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagingConsumerLag<'a> {
    /// `messaging.system`: As the semantic conventions define it.
    pub messaging_system: &'a str,
    /// `messaging.destination.name`: As the semantic conventions define it.
    pub messaging_destination_name: Option<&'a str>,
    /// `messaging.destination.template`: As the semantic conventions define it.
    pub messaging_destination_template: Option<&'a str>,
    /// `messaging.consumer.group.name`: As the semantic conventions define it.
    pub messaging_consumer_group_name: Option<&'a str>,
}

impl MessagingConsumerLag<'_> {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for MessagingConsumerLag<'_> {
    const METRIC: &'static Metric = &MESSAGING_CONSUMER_LAG;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.messaging_system);
        labels.text(self.messaging_destination_name.unwrap_or_default());
        labels.text(self.messaging_destination_template.unwrap_or_default());
        labels.text(self.messaging_consumer_group_name.unwrap_or_default());
    }
}

/// Messages that were delivered to a consumer and are not settled yet.
pub const MESSAGING_CONSUMER_UNSETTLED: Metric = Metric {
    name: "messaging.consumer.unsettled",
    kind: Kind::Gauge,
    unit: "{message}",
    help: "Messages that were delivered to a consumer and are not settled yet.",
    buckets: &[],
    labels: &[
        "messaging.system",
        "messaging.destination.name",
        "messaging.destination.template",
        "messaging.consumer.group.name",
    ],
};

/// One series of [`MESSAGING_CONSUMER_UNSETTLED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagingConsumerUnsettled<'a> {
    /// `messaging.system`: As the semantic conventions define it.
    pub messaging_system: &'a str,
    /// `messaging.destination.name`: As the semantic conventions define it.
    pub messaging_destination_name: Option<&'a str>,
    /// `messaging.destination.template`: As the semantic conventions define it.
    pub messaging_destination_template: Option<&'a str>,
    /// `messaging.consumer.group.name`: As the semantic conventions define it.
    pub messaging_consumer_group_name: Option<&'a str>,
}

impl MessagingConsumerUnsettled<'_> {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for MessagingConsumerUnsettled<'_> {
    const METRIC: &'static Metric = &MESSAGING_CONSUMER_UNSETTLED;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.messaging_system);
        labels.text(self.messaging_destination_name.unwrap_or_default());
        labels.text(self.messaging_destination_template.unwrap_or_default());
        labels.text(self.messaging_consumer_group_name.unwrap_or_default());
    }
}

/// Messages that were delivered to a consumer more than once and are not settled yet.
pub const MESSAGING_CONSUMER_REDELIVERED: Metric = Metric {
    name: "messaging.consumer.redelivered",
    kind: Kind::Gauge,
    unit: "{message}",
    help: "Messages that were delivered to a consumer more than once and are not settled yet.",
    buckets: &[],
    labels: &[
        "messaging.system",
        "messaging.destination.name",
        "messaging.destination.template",
        "messaging.consumer.group.name",
    ],
};

/// One series of [`MESSAGING_CONSUMER_REDELIVERED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagingConsumerRedelivered<'a> {
    /// `messaging.system`: As the semantic conventions define it.
    pub messaging_system: &'a str,
    /// `messaging.destination.name`: As the semantic conventions define it.
    pub messaging_destination_name: Option<&'a str>,
    /// `messaging.destination.template`: As the semantic conventions define it.
    pub messaging_destination_template: Option<&'a str>,
    /// `messaging.consumer.group.name`: As the semantic conventions define it.
    pub messaging_consumer_group_name: Option<&'a str>,
}

impl MessagingConsumerRedelivered<'_> {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for MessagingConsumerRedelivered<'_> {
    const METRIC: &'static Metric = &MESSAGING_CONSUMER_REDELIVERED;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.messaging_system);
        labels.text(self.messaging_destination_name.unwrap_or_default());
        labels.text(self.messaging_destination_template.unwrap_or_default());
        labels.text(self.messaging_consumer_group_name.unwrap_or_default());
    }
}
