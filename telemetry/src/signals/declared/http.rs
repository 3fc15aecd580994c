//! HTTP, on both sides.

use crate::signals::{Kind, LATENCY_BUCKETS, Metric};

/// What the conventions ask of every measurement of a request that was served.
const SERVER_LABELS: &[&str] = &[
    "http.request.method",
    "url.scheme",
    "http.route",
    "http.response.status_code",
    "network.protocol.version",
    "error.type",
];

/// Bucket bounds for sizes, in bytes. The conventions advise none.
const SIZE_BUCKETS: &[f64] = &[
    0.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    16_777_216.0,
];

/// How long HTTP requests took to serve, from the first byte to the end of the response; streams are not in it.
pub const HTTP_SERVER_REQUEST_DURATION: Metric = Metric {
    name: "http.server.request.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long HTTP requests took to serve, from the first byte to the end of the response; streams are not in it.",
    buckets: LATENCY_BUCKETS,
    labels: SERVER_LABELS,
};

/// HTTP requests being served now, open streams apart.
pub const HTTP_SERVER_ACTIVE_REQUESTS: Metric = Metric {
    name: "http.server.active_requests",
    kind: Kind::Gauge,
    unit: "{request}",
    help: "HTTP requests being served now, open streams apart.",
    buckets: &[],
    labels: &["http.request.method", "url.scheme"],
};

/// Event streams that are open now.
pub const HTTP_SERVER_OPEN_STREAMS: Metric = Metric {
    name: "http.server.open_streams",
    kind: Kind::Gauge,
    unit: "{stream}",
    help: "Event streams that are open now.",
    buckets: &[],
    labels: &["http.route"],
};

/// How large the bodies of HTTP requests were, when their heads told it.
pub const HTTP_SERVER_REQUEST_BODY_SIZE: Metric = Metric {
    name: "http.server.request.body.size",
    kind: Kind::Histogram,
    unit: "By",
    help: "How large the bodies of HTTP requests were, when their heads told it.",
    buckets: SIZE_BUCKETS,
    labels: SERVER_LABELS,
};

/// How large the bodies of HTTP responses were, as far as they were sent.
pub const HTTP_SERVER_RESPONSE_BODY_SIZE: Metric = Metric {
    name: "http.server.response.body.size",
    kind: Kind::Histogram,
    unit: "By",
    help: "How large the bodies of HTTP responses were, as far as they were sent.",
    buckets: SIZE_BUCKETS,
    labels: SERVER_LABELS,
};

/// How long event streams took to their first event, from the first byte of the request.
pub const HTTP_SERVER_FIRST_EVENT: Metric = Metric {
    name: "http.server.stream.first_event.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long event streams took to their first event, from the first byte of the request.",
    buckets: LATENCY_BUCKETS,
    labels: &["http.route"],
};

/// How long outgoing HTTP requests took, to the end of the response.
pub const HTTP_CLIENT_REQUEST_DURATION: Metric = Metric {
    name: "http.client.request.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long outgoing HTTP requests took, to the end of the response.",
    buckets: LATENCY_BUCKETS,
    labels: &[
        "http.request.method",
        "server.address",
        "server.port",
        "http.response.status_code",
        "network.protocol.version",
        "error.type",
    ],
};

/// All of these.
pub(super) const ALL: &[&Metric] = &[
    &HTTP_SERVER_REQUEST_DURATION,
    &HTTP_SERVER_ACTIVE_REQUESTS,
    &HTTP_SERVER_OPEN_STREAMS,
    &HTTP_SERVER_REQUEST_BODY_SIZE,
    &HTTP_SERVER_RESPONSE_BODY_SIZE,
    &HTTP_SERVER_FIRST_EVENT,
    &HTTP_CLIENT_REQUEST_DURATION,
];
