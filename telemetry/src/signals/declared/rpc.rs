//! gRPC, on both sides.

use crate::signals::{Kind, LATENCY_BUCKETS, Metric};

/// How long gRPC calls took to serve, to their trailers; streaming methods are not in it.
pub const RPC_SERVER_CALL_DURATION: Metric = Metric {
    name: "rpc.server.call.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long gRPC calls took to serve, to their trailers; streaming methods are not in it.",
    buckets: LATENCY_BUCKETS,
    labels: &[
        "rpc.system.name",
        "rpc.method",
        "rpc.response.status_code",
        "error.type",
    ],
};

/// Streaming gRPC calls that are being served now.
pub const RPC_SERVER_OPEN_STREAMS: Metric = Metric {
    name: "rpc.server.open_streams",
    kind: Kind::Gauge,
    unit: "{stream}",
    help: "Streaming gRPC calls that are being served now.",
    buckets: &[],
    labels: &["rpc.method"],
};

/// How long streaming gRPC calls took to the first message that they answered with.
pub const RPC_SERVER_FIRST_EVENT: Metric = Metric {
    name: "rpc.server.stream.first_event.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long streaming gRPC calls took to the first message that they answered with.",
    buckets: LATENCY_BUCKETS,
    labels: &["rpc.method"],
};

/// How long outgoing gRPC calls took, to their trailers; streaming methods are not in it.
pub const RPC_CLIENT_CALL_DURATION: Metric = Metric {
    name: "rpc.client.call.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long outgoing gRPC calls took, to their trailers; streaming methods are not in it.",
    buckets: LATENCY_BUCKETS,
    labels: &[
        "rpc.system.name",
        "rpc.method",
        "rpc.response.status_code",
        "error.type",
        "server.address",
        "server.port",
    ],
};

/// Outgoing streaming gRPC calls that are open now.
pub const RPC_CLIENT_OPEN_STREAMS: Metric = Metric {
    name: "rpc.client.open_streams",
    kind: Kind::Gauge,
    unit: "{stream}",
    help: "Outgoing streaming gRPC calls that are open now.",
    buckets: &[],
    labels: &["rpc.method"],
};

/// All of these.
pub(super) const ALL: &[&Metric] = &[
    &RPC_SERVER_CALL_DURATION,
    &RPC_SERVER_OPEN_STREAMS,
    &RPC_SERVER_FIRST_EVENT,
    &RPC_CLIENT_CALL_DURATION,
    &RPC_CLIENT_OPEN_STREAMS,
];
