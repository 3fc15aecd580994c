//! Messages.

use crate::signals::{FAST_BUCKETS, Kind, Metric};

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
        "error.type",
    ],
};

/// How long sending a message took, to the acknowledgement of the broker.
pub const MESSAGING_CLIENT_OPERATION_DURATION: Metric = Metric {
    name: "messaging.client.operation.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long sending a message took, to the acknowledgement of the broker.",
    buckets: FAST_BUCKETS,
    labels: &[
        "messaging.system",
        "messaging.operation.name",
        "messaging.destination.name",
        "error.type",
    ],
};

/// How long processing a delivered message took.
pub const MESSAGING_PROCESS_DURATION: Metric = Metric {
    name: "messaging.process.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long processing a delivered message took.",
    buckets: FAST_BUCKETS,
    labels: &[
        "messaging.system",
        "messaging.destination.name",
        "messaging.consumer.group.name",
        "error.type",
    ],
};

/// All of these.
pub(super) const ALL: &[&Metric] = &[
    &MESSAGING_CLIENT_SENT_MESSAGES,
    &MESSAGING_CLIENT_OPERATION_DURATION,
    &MESSAGING_PROCESS_DURATION,
];
