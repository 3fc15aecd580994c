//! The transports: each plays an exchange with every ending, and says what it must leave behind.

mod grpc;
mod http;
mod messages;
mod spawn;

use std::collections::BTreeMap;
use std::fmt;

use crate::cell::{Counted, Ending, Expected};
use crate::stage::Stage;

/// What carries a context from one piece of work to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Http,
    Unary,
    ClientStreaming,
    ServerStreaming,
    BidiStreaming,
    Nats,
    Outbox,
    Spawn,
}

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

impl Transport {
    pub const ALL: [Self; 8] = [
        Self::Http,
        Self::Unary,
        Self::ClientStreaming,
        Self::ServerStreaming,
        Self::BidiStreaming,
        Self::Nats,
        Self::Outbox,
        Self::Spawn,
    ];

    /// Plays the exchange.
    pub async fn play(self, stage: &Stage, ending: Ending) {
        match self {
            Self::Http => http::play(stage, ending).await,
            Self::Unary | Self::ClientStreaming | Self::ServerStreaming | Self::BidiStreaming => {
                grpc::play(stage, self, ending).await;
            }
            Self::Nats | Self::Outbox => messages::play(stage, self, ending).await,
            Self::Spawn => spawn::play(stage, ending).await,
        }
    }

    /// The spans that the exchange must leave behind.
    pub fn expected(self, ending: Ending) -> Vec<Expected> {
        if ending == Ending::Unsampled {
            return Vec::new();
        }
        match self {
            Self::Http => http::expected(ending),
            Self::Unary | Self::ClientStreaming | Self::ServerStreaming | Self::BidiStreaming => {
                grpc::expected(self, ending)
            }
            Self::Nats | Self::Outbox => messages::expected(self, ending),
            Self::Spawn => spawn::expected(ending),
        }
    }

    /// The series that the exchange must have counted in, sampled or not.
    pub fn counted(self, ending: Ending) -> Vec<Counted> {
        match self {
            Self::Http => http::counted(ending),
            Self::Unary | Self::ClientStreaming | Self::ServerStreaming | Self::BidiStreaming => {
                grpc::counted(self, ending)
            }
            Self::Nats | Self::Outbox => messages::counted(self, ending),
            Self::Spawn => Vec::new(),
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "HTTP",
            Self::Unary => "gRPC unary",
            Self::ClientStreaming => "gRPC client-streaming",
            Self::ServerStreaming => "gRPC server-streaming",
            Self::BidiStreaming => "gRPC bidi-streaming",
            Self::Nats => "NATS",
            Self::Outbox => "outbox",
            Self::Spawn => "spawn",
        })
    }
}
