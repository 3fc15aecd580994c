//! The metrics of `http.yaml`, and the series that each has.
//!
//! Generated from the registry by `telemetry-codegen`; do not edit. `make generate` writes it anew.

use super::values::{HttpRequestMethod, NetworkProtocolVersion, UrlScheme};
use crate::signals::{Gauge, Histogram, Kind, LabelWriter, Metric, Series};

/// How long HTTP requests took to serve, from the first byte to the end of the response; streams are not in it.
pub const HTTP_SERVER_REQUEST_DURATION: Metric = Metric {
    name: "http.server.request.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long HTTP requests took to serve, from the first byte to the end of the response; streams are not in it.",
    buckets: &[
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ],
    labels: &[
        "http.request.method",
        "url.scheme",
        "http.route",
        "http.response.status_code",
        "network.protocol.version",
        "error.type",
    ],
};

/// One series of [`HTTP_SERVER_REQUEST_DURATION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpServerRequestDuration<'a> {
    /// `http.request.method`: As the semantic conventions define it.
    pub http_request_method: HttpRequestMethod,
    /// `url.scheme`: As the semantic conventions define it.
    pub url_scheme: UrlScheme,
    /// `http.route`: As the semantic conventions define it.
    pub http_route: Option<&'a str>,
    /// `http.response.status_code`: As the semantic conventions define it.
    pub http_response_status_code: Option<i64>,
    /// `network.protocol.version`: As the semantic conventions define it.
    pub network_protocol_version: Option<NetworkProtocolVersion>,
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<&'a str>,
}

impl HttpServerRequestDuration<'_> {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for HttpServerRequestDuration<'_> {
    const METRIC: &'static Metric = &HTTP_SERVER_REQUEST_DURATION;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((
            self.http_request_method as u64,
            self.http_request_method.as_str(),
        )));
        labels.known(Some((self.url_scheme as u64, self.url_scheme.as_str())));
        labels.text(self.http_route.unwrap_or_default());
        labels.number(self.http_response_status_code);
        labels.known(
            self.network_protocol_version
                .map(|value| (value as u64, value.as_str())),
        );
        labels.text(self.error_type.unwrap_or_default());
    }
}

/// HTTP requests being served now, open streams apart.
pub const HTTP_SERVER_ACTIVE_REQUESTS: Metric = Metric {
    name: "http.server.active_requests",
    kind: Kind::Gauge,
    unit: "{request}",
    help: "HTTP requests being served now, open streams apart.",
    buckets: &[],
    labels: &["http.request.method", "url.scheme"],
};

/// One series of [`HTTP_SERVER_ACTIVE_REQUESTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpServerActiveRequests {
    /// `http.request.method`: As the semantic conventions define it.
    pub http_request_method: HttpRequestMethod,
    /// `url.scheme`: As the semantic conventions define it.
    pub url_scheme: UrlScheme,
}

impl HttpServerActiveRequests {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for HttpServerActiveRequests {
    const METRIC: &'static Metric = &HTTP_SERVER_ACTIVE_REQUESTS;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((
            self.http_request_method as u64,
            self.http_request_method.as_str(),
        )));
        labels.known(Some((self.url_scheme as u64, self.url_scheme.as_str())));
    }
}

/// Event streams that are open now.
pub const HTTP_SERVER_OPEN_STREAMS: Metric = Metric {
    name: "http.server.open_streams",
    kind: Kind::Gauge,
    unit: "{stream}",
    help: "Event streams that are open now.",
    buckets: &[],
    labels: &["http.route"],
};

/// One series of [`HTTP_SERVER_OPEN_STREAMS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpServerOpenStreams<'a> {
    /// `http.route`: As the semantic conventions define it.
    pub http_route: Option<&'a str>,
}

impl HttpServerOpenStreams<'_> {
    /// The gauge of this series, to be kept where it is used often.
    pub fn gauge(self) -> Gauge {
        Series::gauge(&self)
    }

    /// Sets it to this.
    pub fn set(self, value: f64) {
        Series::set(&self, value);
    }
}

impl Series for HttpServerOpenStreams<'_> {
    const METRIC: &'static Metric = &HTTP_SERVER_OPEN_STREAMS;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.http_route.unwrap_or_default());
    }
}

/// How large the bodies of HTTP requests were, when their heads told it.
pub const HTTP_SERVER_REQUEST_BODY_SIZE: Metric = Metric {
    name: "http.server.request.body.size",
    kind: Kind::Histogram,
    unit: "By",
    help: "How large the bodies of HTTP requests were, when their heads told it.",
    buckets: &[
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
    ],
    labels: &[
        "http.request.method",
        "url.scheme",
        "http.route",
        "http.response.status_code",
        "network.protocol.version",
        "error.type",
    ],
};

/// One series of [`HTTP_SERVER_REQUEST_BODY_SIZE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpServerRequestBodySize<'a> {
    /// `http.request.method`: As the semantic conventions define it.
    pub http_request_method: HttpRequestMethod,
    /// `url.scheme`: As the semantic conventions define it.
    pub url_scheme: UrlScheme,
    /// `http.route`: As the semantic conventions define it.
    pub http_route: Option<&'a str>,
    /// `http.response.status_code`: As the semantic conventions define it.
    pub http_response_status_code: Option<i64>,
    /// `network.protocol.version`: As the semantic conventions define it.
    pub network_protocol_version: Option<NetworkProtocolVersion>,
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<&'a str>,
}

impl HttpServerRequestBodySize<'_> {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for HttpServerRequestBodySize<'_> {
    const METRIC: &'static Metric = &HTTP_SERVER_REQUEST_BODY_SIZE;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((
            self.http_request_method as u64,
            self.http_request_method.as_str(),
        )));
        labels.known(Some((self.url_scheme as u64, self.url_scheme.as_str())));
        labels.text(self.http_route.unwrap_or_default());
        labels.number(self.http_response_status_code);
        labels.known(
            self.network_protocol_version
                .map(|value| (value as u64, value.as_str())),
        );
        labels.text(self.error_type.unwrap_or_default());
    }
}

/// How large the bodies of HTTP responses were, as far as they were sent.
pub const HTTP_SERVER_RESPONSE_BODY_SIZE: Metric = Metric {
    name: "http.server.response.body.size",
    kind: Kind::Histogram,
    unit: "By",
    help: "How large the bodies of HTTP responses were, as far as they were sent.",
    buckets: &[
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
    ],
    labels: &[
        "http.request.method",
        "url.scheme",
        "http.route",
        "http.response.status_code",
        "network.protocol.version",
        "error.type",
    ],
};

/// One series of [`HTTP_SERVER_RESPONSE_BODY_SIZE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpServerResponseBodySize<'a> {
    /// `http.request.method`: As the semantic conventions define it.
    pub http_request_method: HttpRequestMethod,
    /// `url.scheme`: As the semantic conventions define it.
    pub url_scheme: UrlScheme,
    /// `http.route`: As the semantic conventions define it.
    pub http_route: Option<&'a str>,
    /// `http.response.status_code`: As the semantic conventions define it.
    pub http_response_status_code: Option<i64>,
    /// `network.protocol.version`: As the semantic conventions define it.
    pub network_protocol_version: Option<NetworkProtocolVersion>,
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<&'a str>,
}

impl HttpServerResponseBodySize<'_> {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for HttpServerResponseBodySize<'_> {
    const METRIC: &'static Metric = &HTTP_SERVER_RESPONSE_BODY_SIZE;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((
            self.http_request_method as u64,
            self.http_request_method.as_str(),
        )));
        labels.known(Some((self.url_scheme as u64, self.url_scheme.as_str())));
        labels.text(self.http_route.unwrap_or_default());
        labels.number(self.http_response_status_code);
        labels.known(
            self.network_protocol_version
                .map(|value| (value as u64, value.as_str())),
        );
        labels.text(self.error_type.unwrap_or_default());
    }
}

/// How long event streams took to their first event, from the first byte of the request.
pub const HTTP_SERVER_STREAM_FIRST_EVENT_DURATION: Metric = Metric {
    name: "http.server.stream.first_event.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long event streams took to their first event, from the first byte of the request.",
    buckets: &[
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ],
    labels: &["http.route"],
};

/// One series of [`HTTP_SERVER_STREAM_FIRST_EVENT_DURATION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpServerStreamFirstEventDuration<'a> {
    /// `http.route`: As the semantic conventions define it.
    pub http_route: Option<&'a str>,
}

impl HttpServerStreamFirstEventDuration<'_> {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for HttpServerStreamFirstEventDuration<'_> {
    const METRIC: &'static Metric = &HTTP_SERVER_STREAM_FIRST_EVENT_DURATION;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.text(self.http_route.unwrap_or_default());
    }
}

/// How long outgoing HTTP requests took, to the end of the response.
pub const HTTP_CLIENT_REQUEST_DURATION: Metric = Metric {
    name: "http.client.request.duration",
    kind: Kind::Histogram,
    unit: "s",
    help: "How long outgoing HTTP requests took, to the end of the response.",
    buckets: &[
        0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
    ],
    labels: &[
        "http.request.method",
        "server.address",
        "server.port",
        "http.response.status_code",
        "network.protocol.version",
        "error.type",
    ],
};

/// One series of [`HTTP_CLIENT_REQUEST_DURATION`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpClientRequestDuration<'a> {
    /// `http.request.method`: As the semantic conventions define it.
    pub http_request_method: HttpRequestMethod,
    /// `server.address`: As the semantic conventions define it.
    pub server_address: Option<&'a str>,
    /// `server.port`: As the semantic conventions define it.
    pub server_port: Option<i64>,
    /// `http.response.status_code`: As the semantic conventions define it.
    pub http_response_status_code: Option<i64>,
    /// `network.protocol.version`: As the semantic conventions define it.
    pub network_protocol_version: Option<NetworkProtocolVersion>,
    /// `error.type`: As the semantic conventions define it.
    pub error_type: Option<&'a str>,
}

impl HttpClientRequestDuration<'_> {
    /// The histogram of this series, to be kept where it is used often.
    pub fn histogram(self) -> Histogram {
        Series::histogram(&self)
    }

    /// Records a measurement.
    pub fn record(self, value: f64) {
        Series::record(&self, value);
    }
}

impl Series for HttpClientRequestDuration<'_> {
    const METRIC: &'static Metric = &HTTP_CLIENT_REQUEST_DURATION;

    #[inline]
    fn write_labels(&self, labels: &mut impl LabelWriter) {
        labels.known(Some((
            self.http_request_method as u64,
            self.http_request_method.as_str(),
        )));
        labels.text(self.server_address.unwrap_or_default());
        labels.number(self.server_port);
        labels.number(self.http_response_status_code);
        labels.known(
            self.network_protocol_version
                .map(|value| (value as u64, value.as_str())),
        );
        labels.text(self.error_type.unwrap_or_default());
    }
}
