//! Messages.

use crate::signals::{FAST_BUCKETS, Kind, Metric};

/// From milliseconds on a good day to the half hour after an outage, in seconds.
const AGE_BUCKETS: &[f64] = &[
    0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 1800.0,
];

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

/// How long a call to the broker took: sending to its acknowledgement, receiving, settling.
pub const MESSAGING_CLIENT_OPERATION_DURATION: Metric = Metric {
    name: "messaging.client.operation.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long a call to the broker took: sending to its acknowledgement, receiving, settling.",
    buckets: FAST_BUCKETS,
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

/// How long processing a delivered message, or a batch of them, took.
pub const MESSAGING_PROCESS_DURATION: Metric = Metric {
    name: "messaging.process.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long processing a delivered message, or a batch of them, took.",
    buckets: FAST_BUCKETS,
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

/// How old a message was when its processing began, since the broker had stored it; not in the conventions.
pub const MESSAGING_PROCESS_AGE: Metric = Metric {
    name: "messaging.process.age",
    kind: Kind::Histogram,
    unit: "s",
    help: "How old a message was when its processing began, since the broker had stored it.",
    buckets: AGE_BUCKETS,
    labels: PLACE,
};

/// Messages that are stored for a consumer and were not delivered to it yet; not in the conventions.
pub const MESSAGING_CONSUMER_LAG: Metric = Metric {
    name: "messaging.consumer.lag",
    kind: Kind::Gauge,
    unit: "{message}",
    help: "Messages that are stored for a consumer and were not delivered to it yet.",
    buckets: &[],
    labels: PLACE,
};

/// Messages that were delivered to a consumer and are not settled yet; not in the conventions.
pub const MESSAGING_CONSUMER_UNSETTLED: Metric = Metric {
    name: "messaging.consumer.unsettled",
    kind: Kind::Gauge,
    unit: "{message}",
    help: "Messages that were delivered to a consumer and are not settled yet.",
    buckets: &[],
    labels: PLACE,
};

/// Messages that were delivered more than once and are not settled yet; not in the conventions.
pub const MESSAGING_CONSUMER_REDELIVERED: Metric = Metric {
    name: "messaging.consumer.redelivered",
    kind: Kind::Gauge,
    unit: "{message}",
    help: "Messages that were delivered to a consumer more than once and are not settled yet.",
    buckets: &[],
    labels: PLACE,
};

/// The labels of a consumer.
const PLACE: &[&str] = &[
    "messaging.system",
    "messaging.destination.name",
    "messaging.destination.template",
    "messaging.consumer.group.name",
];

/// All of these.
pub(super) const ALL: &[&Metric] = &[
    &MESSAGING_CLIENT_SENT_MESSAGES,
    &MESSAGING_CLIENT_CONSUMED_MESSAGES,
    &MESSAGING_CLIENT_OPERATION_DURATION,
    &MESSAGING_PROCESS_DURATION,
    &MESSAGING_PROCESS_AGE,
    &MESSAGING_CONSUMER_LAG,
    &MESSAGING_CONSUMER_UNSETTLED,
    &MESSAGING_CONSUMER_REDELIVERED,
];
