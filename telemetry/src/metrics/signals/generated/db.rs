//! The metrics of `db.yaml`, and the series that each has.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use super::values::DbClientConnectionState;
use crate::signals::{Counter, Gauge, Histogram, Kind, LabelWriter, Metric, Series};

/// How long database operations took.
pub const DB_CLIENT_OPERATION_DURATION: Metric = Metric {
    name: "db.client.operation.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long database operations took.",
    buckets: &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0],
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

/// One series of [`DB_CLIENT_OPERATION_DURATION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DbClientOperationDuration<'a> {
    /// `db.system.name`: As the semantic conventions define it.
    pub db_system_name: &'a str,
    /// `db.namespace`: As the semantic conventions define it.
    pub db_namespace: Option<&'a str>,
    /// `db.operation.name`: As the semantic conventions define it.
    pub db_operation_name: Option<&'a str>,
    /// `db.collection.name`: As the semantic conventions define it.
    pub db_collection_name: Option<&'a str>,
    /// `db.query.summary`: As the semantic conventions define it.
    pub db_query_summary: Option<&'a str>,
    /// `server.address`: As the semantic conventions define it.
    pub server_address: Option<&'a str>,
    /// `server.port`: As the semantic conventions define it.
    pub server_port: Option<i64>,
    /// `db.response.status_code`: As the semantic conventions define it.
    pub db_response_status_code: Option<&'a str>,
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<&'a str>,
}

impl DbClientOperationDuration<'_> {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for DbClientOperationDuration<'_> {
    const METRIC: &'static Metric = &DB_CLIENT_OPERATION_DURATION;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.db_system_name);
        labels.text(self.db_namespace.unwrap_or_default());
        labels.text(self.db_operation_name.unwrap_or_default());
        labels.text(self.db_collection_name.unwrap_or_default());
        labels.text(self.db_query_summary.unwrap_or_default());
        labels.text(self.server_address.unwrap_or_default());
        labels.number(self.server_port);
        labels.text(self.db_response_status_code.unwrap_or_default());
        labels.text(self.error_type.unwrap_or_default());
    }
}

/// Connections of a pool, by whether they are idle or used.
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

/// One series of [`DB_CLIENT_CONNECTION_COUNT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DbClientConnectionCount<'a> {
    /// `db.client.connection.pool.name`: As the semantic conventions define it.
    pub db_client_connection_pool_name: &'a str,
    /// `db.client.connection.state`: As the semantic conventions define it.
    pub db_client_connection_state: DbClientConnectionState,
}

impl DbClientConnectionCount<'_> {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for DbClientConnectionCount<'_> {
    const METRIC: &'static Metric = &DB_CLIENT_CONNECTION_COUNT;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.db_client_connection_pool_name);
        labels.known(Some((
            self.db_client_connection_state as u64,
            self.db_client_connection_state.as_str(),
        )));
    }
}

/// How many connections a pool may hold.
pub const DB_CLIENT_CONNECTION_MAX: Metric = Metric {
    name: "db.client.connection.max",
    kind: Kind::Gauge,
    unit: "{connection}",
    help: "How many connections a pool may hold.",
    buckets: &[],
    labels: &["db.client.connection.pool.name"],
};

/// One series of [`DB_CLIENT_CONNECTION_MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DbClientConnectionMax<'a> {
    /// `db.client.connection.pool.name`: As the semantic conventions define it.
    pub db_client_connection_pool_name: &'a str,
}

impl DbClientConnectionMax<'_> {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for DbClientConnectionMax<'_> {
    const METRIC: &'static Metric = &DB_CLIENT_CONNECTION_MAX;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.db_client_connection_pool_name);
    }
}

/// Requests that wait for a connection of a pool.
pub const DB_CLIENT_CONNECTION_PENDING_REQUESTS: Metric = Metric {
    name: "db.client.connection.pending_requests",
    kind: Kind::Gauge,
    unit: "{request}",
    help: "Requests that wait for a connection of a pool.",
    buckets: &[],
    labels: &["db.client.connection.pool.name"],
};

/// One series of [`DB_CLIENT_CONNECTION_PENDING_REQUESTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DbClientConnectionPendingRequests<'a> {
    /// `db.client.connection.pool.name`: As the semantic conventions define it.
    pub db_client_connection_pool_name: &'a str,
}

impl DbClientConnectionPendingRequests<'_> {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for DbClientConnectionPendingRequests<'_> {
    const METRIC: &'static Metric = &DB_CLIENT_CONNECTION_PENDING_REQUESTS;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.db_client_connection_pool_name);
    }
}

/// Waits for a connection that were given up since they took too long.
pub const DB_CLIENT_CONNECTION_TIMEOUTS: Metric = Metric {
    name: "db.client.connection.timeouts",
    kind: Kind::Counter,
    unit: "{timeout}",
    help: "Waits for a connection that were given up since they took too long.",
    buckets: &[],
    labels: &["db.client.connection.pool.name"],
};

/// One series of [`DB_CLIENT_CONNECTION_TIMEOUTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DbClientConnectionTimeouts<'a> {
    /// `db.client.connection.pool.name`: As the semantic conventions define it.
    pub db_client_connection_pool_name: &'a str,
}

impl DbClientConnectionTimeouts<'_> {
    /// The counter of this series, to be kept where it is used often.
    pub fn counter(self) -> Counter {
        Series::counter(&self)
    }

    /// Counts this many more.
    pub fn add(self, count: u64) {
        Series::add(&self, count);
    }
}

impl Series for DbClientConnectionTimeouts<'_> {
    const METRIC: &'static Metric = &DB_CLIENT_CONNECTION_TIMEOUTS;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.db_client_connection_pool_name);
    }
}

/// How long it took to get a connection from a pool.
pub const DB_CLIENT_CONNECTION_WAIT_TIME: Metric = Metric {
    name: "db.client.connection.wait_time",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long it took to get a connection from a pool.",
    buckets: &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0],
    labels: &["db.client.connection.pool.name"],
};

/// One series of [`DB_CLIENT_CONNECTION_WAIT_TIME`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DbClientConnectionWaitTime<'a> {
    /// `db.client.connection.pool.name`: As the semantic conventions define it.
    pub db_client_connection_pool_name: &'a str,
}

impl DbClientConnectionWaitTime<'_> {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for DbClientConnectionWaitTime<'_> {
    const METRIC: &'static Metric = &DB_CLIENT_CONNECTION_WAIT_TIME;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.db_client_connection_pool_name);
    }
}

/// How long a connection was borrowed from a pool.
pub const DB_CLIENT_CONNECTION_USE_TIME: Metric = Metric {
    name: "db.client.connection.use_time",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long a connection was borrowed from a pool.",
    buckets: &[0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0],
    labels: &["db.client.connection.pool.name"],
};

/// One series of [`DB_CLIENT_CONNECTION_USE_TIME`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DbClientConnectionUseTime<'a> {
    /// `db.client.connection.pool.name`: As the semantic conventions define it.
    pub db_client_connection_pool_name: &'a str,
}

impl DbClientConnectionUseTime<'_> {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for DbClientConnectionUseTime<'_> {
    const METRIC: &'static Metric = &DB_CLIENT_CONNECTION_USE_TIME;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.db_client_connection_pool_name);
    }
}
