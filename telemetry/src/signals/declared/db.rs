//! Databases.

use crate::signals::{FAST_BUCKETS, Kind, Metric};

/// How long database operations took.
pub const DB_CLIENT_OPERATION_DURATION: Metric = Metric {
    name: "db.client.operation.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long database operations took.",
    buckets: FAST_BUCKETS,
    labels: &[
        "db.system.name",
        "db.namespace",
        "db.operation.name",
        "db.collection.name",
        "db.query.summary",
        "server.address",
        "server.port",
        "db.response.status_code",
        "error.type",
    ],
};

/// Connections of a pool, by what they do: `idle` or `used`.
pub const DB_CLIENT_CONNECTION_COUNT: Metric = Metric {
    name: "db.client.connection.count",
    kind: Kind::Gauge,
    unit: "{connection}",
    help: "Connections of a pool, by whether they are idle or used.",
    buckets: &[],
    labels: &[
        "db.client.connection.pool.name",
        "db.client.connection.state",
    ],
};

/// How many connections a pool may hold.
pub const DB_CLIENT_CONNECTION_MAX: Metric = Metric {
    name: "db.client.connection.max",
    kind: Kind::Gauge,
    unit: "{connection}",
    help: "How many connections a pool may hold.",
    buckets: &[],
    labels: POOL,
};

/// Requests that wait for a connection of a pool.
pub const DB_CLIENT_CONNECTION_PENDING_REQUESTS: Metric = Metric {
    name: "db.client.connection.pending_requests",
    kind: Kind::Gauge,
    unit: "{request}",
    help: "Requests that wait for a connection of a pool.",
    buckets: &[],
    labels: POOL,
};

/// Waits for a connection that were given up since they took too long.
pub const DB_CLIENT_CONNECTION_TIMEOUTS: Metric = Metric {
    name: "db.client.connection.timeouts",
    kind: Kind::Counter,
    unit: "{timeout}",
    help: "Waits for a connection that were given up since they took too long.",
    buckets: &[],
    labels: POOL,
};

/// How long it took to get a connection from a pool.
pub const DB_CLIENT_CONNECTION_WAIT_TIME: Metric = Metric {
    name: "db.client.connection.wait_time",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long it took to get a connection from a pool.",
    buckets: FAST_BUCKETS,
    labels: POOL,
};

/// How long a connection was borrowed from a pool.
pub const DB_CLIENT_CONNECTION_USE_TIME: Metric = Metric {
    name: "db.client.connection.use_time",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long a connection was borrowed from a pool.",
    buckets: FAST_BUCKETS,
    labels: POOL,
};

/// The labels of a pool.
const POOL: &[&str] = &["db.client.connection.pool.name"];

/// All of these.
pub(super) const ALL: &[&Metric] = &[
    &DB_CLIENT_OPERATION_DURATION,
    &DB_CLIENT_CONNECTION_COUNT,
    &DB_CLIENT_CONNECTION_MAX,
    &DB_CLIENT_CONNECTION_PENDING_REQUESTS,
    &DB_CLIENT_CONNECTION_TIMEOUTS,
    &DB_CLIENT_CONNECTION_WAIT_TIME,
    &DB_CLIENT_CONNECTION_USE_TIME,
];
