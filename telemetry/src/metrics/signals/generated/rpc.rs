//! The metrics of `rpc.yaml`, and the series that each has.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use super::values::{RpcResponseStatusCode, RpcSystemName};
use crate::signals::{Gauge, Histogram, Kind, LabelWriter, Metric, Series};

/// How long gRPC calls took to serve, to their trailers; streaming methods are not in it.
pub const RPC_SERVER_CALL_DURATION: Metric = Metric {
    name: "rpc.server.call.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long gRPC calls took to serve, to their trailers; streaming methods are not in it.",
    buckets: &[
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ],
    labels: &[
        "rpc.system.name",
        "rpc.method",
        "rpc.response.status_code",
        "error.type",
    ],
};

/// One series of [`RPC_SERVER_CALL_DURATION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RpcServerCallDuration<'a> {
    /// `rpc.system.name`: As the semantic conventions define it.
    pub rpc_system_name: RpcSystemName,
    /// `rpc.method`: As the semantic conventions define it.
    pub rpc_method: &'a str,
    /// `rpc.response.status_code`: As the semantic conventions define it.
    pub rpc_response_status_code: RpcResponseStatusCode,
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<&'a str>,
}

impl RpcServerCallDuration<'_> {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for RpcServerCallDuration<'_> {
    const METRIC: &'static Metric = &RPC_SERVER_CALL_DURATION;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((
            self.rpc_system_name as u64,
            self.rpc_system_name.as_str(),
        )));
        labels.text(self.rpc_method);
        labels.known(Some((
            self.rpc_response_status_code as u64,
            self.rpc_response_status_code.as_str(),
        )));
        labels.text(self.error_type.unwrap_or_default());
    }
}

/// Streaming gRPC calls that are being served now.
pub const RPC_SERVER_OPEN_STREAMS: Metric = Metric {
    name: "rpc.server.open_streams",
    kind: Kind::Gauge,
    unit: "{stream}",
    help: "Streaming gRPC calls that are being served now.",
    buckets: &[],
    labels: &["rpc.method"],
};

/// One series of [`RPC_SERVER_OPEN_STREAMS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RpcServerOpenStreams<'a> {
    /// `rpc.method`: As the semantic conventions define it.
    pub rpc_method: &'a str,
}

impl RpcServerOpenStreams<'_> {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for RpcServerOpenStreams<'_> {
    const METRIC: &'static Metric = &RPC_SERVER_OPEN_STREAMS;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.rpc_method);
    }
}

/// How long streaming gRPC calls took to the first message that they answered with.
pub const RPC_SERVER_STREAM_FIRST_EVENT_DURATION: Metric = Metric {
    name: "rpc.server.stream.first_event.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long streaming gRPC calls took to the first message that they answered with.",
    buckets: &[
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ],
    labels: &["rpc.method"],
};

/// One series of [`RPC_SERVER_STREAM_FIRST_EVENT_DURATION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RpcServerStreamFirstEventDuration<'a> {
    /// `rpc.method`: As the semantic conventions define it.
    pub rpc_method: &'a str,
}

impl RpcServerStreamFirstEventDuration<'_> {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for RpcServerStreamFirstEventDuration<'_> {
    const METRIC: &'static Metric = &RPC_SERVER_STREAM_FIRST_EVENT_DURATION;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.rpc_method);
    }
}

/// How long outgoing gRPC calls took, to their trailers; streaming methods are not in it.
pub const RPC_CLIENT_CALL_DURATION: Metric = Metric {
    name: "rpc.client.call.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long outgoing gRPC calls took, to their trailers; streaming methods are not in it.",
    buckets: &[
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ],
    labels: &[
        "rpc.system.name",
        "rpc.method",
        "rpc.response.status_code",
        "error.type",
        "server.address",
        "server.port",
    ],
};

/// One series of [`RPC_CLIENT_CALL_DURATION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RpcClientCallDuration<'a> {
    /// `rpc.system.name`: As the semantic conventions define it.
    pub rpc_system_name: RpcSystemName,
    /// `rpc.method`: As the semantic conventions define it.
    pub rpc_method: &'a str,
    /// `rpc.response.status_code`: As the semantic conventions define it.
    pub rpc_response_status_code: RpcResponseStatusCode,
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<&'a str>,
    /// `server.address`: As the semantic conventions define it.
    pub server_address: Option<&'a str>,
    /// `server.port`: As the semantic conventions define it.
    pub server_port: Option<i64>,
}

impl RpcClientCallDuration<'_> {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for RpcClientCallDuration<'_> {
    const METRIC: &'static Metric = &RPC_CLIENT_CALL_DURATION;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((
            self.rpc_system_name as u64,
            self.rpc_system_name.as_str(),
        )));
        labels.text(self.rpc_method);
        labels.known(Some((
            self.rpc_response_status_code as u64,
            self.rpc_response_status_code.as_str(),
        )));
        labels.text(self.error_type.unwrap_or_default());
        labels.text(self.server_address.unwrap_or_default());
        labels.number(self.server_port);
    }
}

/// Outgoing streaming gRPC calls that are open now.
pub const RPC_CLIENT_OPEN_STREAMS: Metric = Metric {
    name: "rpc.client.open_streams",
    kind: Kind::Gauge,
    unit: "{stream}",
    help: "Outgoing streaming gRPC calls that are open now.",
    buckets: &[],
    labels: &["rpc.method"],
};

/// One series of [`RPC_CLIENT_OPEN_STREAMS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RpcClientOpenStreams<'a> {
    /// `rpc.method`: As the semantic conventions define it.
    pub rpc_method: &'a str,
}

impl RpcClientOpenStreams<'_> {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for RpcClientOpenStreams<'_> {
    const METRIC: &'static Metric = &RPC_CLIENT_OPEN_STREAMS;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.rpc_method);
    }
}
