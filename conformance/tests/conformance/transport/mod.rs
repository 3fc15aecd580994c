//! The transports: each plays an exchange with every ending, and says what it must leave behind.

mod grpc;
mod http;
mod messages;
mod spawn;

use std::collections::BTreeMap;

use conformance::{Ending, Transport};

use crate::cell::{Counted, Expected};
use crate::stage::Stage;

/// A context that no propagator accepts, in all of the headers that there are for one.
pub const MALFORMED: [(&str, &str); 3] = [
    (
        "traceparent",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
    ),
    ("tracestate", "=,;"),
    ("baggage", "%%%,="),
];

/// The same, as a row keeps it.
pub fn malformed_text() -> String {
    serde_json::to_string(&BTreeMap::from(MALFORMED)).unwrap()
}

/// Plays the exchange.
pub async fn play(transport: Transport, stage: &Stage, ending: Ending) {
    match transport {
        Transport::Http => http::play(stage, ending).await,
        Transport::Unary
        | Transport::ClientStreaming
        | Transport::ServerStreaming
        | Transport::BidiStreaming => grpc::play(stage, transport, ending).await,
        Transport::Nats | Transport::Outbox => messages::play(stage, transport, ending).await,
        Transport::Spawn => spawn::play(stage, ending).await,
    }
}

/// The spans that the exchange must leave behind.
pub fn expected(transport: Transport, ending: Ending) -> Vec<Expected> {
    if ending == Ending::Unsampled {
        return Vec::new();
    }
    match transport {
        Transport::Http => http::expected(ending),
        Transport::Unary
        | Transport::ClientStreaming
        | Transport::ServerStreaming
        | Transport::BidiStreaming => grpc::expected(transport, ending),
        Transport::Nats | Transport::Outbox => messages::expected(transport, ending),
        Transport::Spawn => spawn::expected(ending),
    }
}

/// The series that the exchange must have counted in, sampled or not.
pub fn counted(transport: Transport, ending: Ending) -> Vec<Counted> {
    match transport {
        Transport::Http => http::counted(ending),
        Transport::Unary
        | Transport::ClientStreaming
        | Transport::ServerStreaming
        | Transport::BidiStreaming => grpc::counted(transport, ending),
        Transport::Nats | Transport::Outbox => messages::counted(transport, ending),
        Transport::Spawn => Vec::new(),
    }
}
