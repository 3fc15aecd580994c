//! The dashboard of one service: rate, errors and duration of what it serves; then what it asks of others, its
//! database, its messages, its own business, and the process.

use alerts::backends;
use chassis::platform::{Protocol, Service};
use telemetry::signals::{
    DB_CLIENT_CONNECTION_COUNT, DB_CLIENT_CONNECTION_MAX, DB_CLIENT_CONNECTION_PENDING_REQUESTS,
    DB_CLIENT_CONNECTION_TIMEOUTS, DB_CLIENT_CONNECTION_WAIT_TIME, DB_CLIENT_OPERATION_DURATION,
    HTTP_CLIENT_REQUEST_DURATION, HTTP_SERVER_ACTIVE_REQUESTS, HTTP_SERVER_OPEN_STREAMS,
    HTTP_SERVER_REQUEST_DURATION, Metric, PROCESS_START_TIME, RPC_CLIENT_CALL_DURATION,
    RPC_CLIENT_OPEN_STREAMS, RPC_SERVER_CALL_DURATION, RPC_SERVER_OPEN_STREAMS,
};

use crate::facts::Facts;
use crate::model::{Dashboard, Panel, Query, Row, Scale, Unit};
use crate::query::{Series, of, or_zero, quantile_or_zero};
use crate::{business, messages, process};

/// The gRPC statuses that are a server's fault; the others are answers.
const GRPC_FAULTS: &str = "UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS";

/// What a service serves or asks for, of one protocol.
struct Traffic {
    duration: &'static Metric,
    /// Tells one kind of request from another.
    kinds: &'static [&'static str],
    kind_legend: &'static str,
    /// Tells how it ended.
    status: &'static str,
    faults: fn(Series) -> Series,
}

const HTTP_SERVED: Traffic = Traffic {
    duration: &HTTP_SERVER_REQUEST_DURATION,
    kinds: &["http.request.method", "http.route"],
    kind_legend: "{{http_request_method}} {{http_route}}",
    status: "http.response.status_code",
    faults: Series::failed,
};

const GRPC_SERVED: Traffic = Traffic {
    duration: &RPC_SERVER_CALL_DURATION,
    kinds: &["rpc.method"],
    kind_legend: "{{rpc_method}}",
    status: "rpc.response.status_code",
    faults: grpc_faults,
};

const HTTP_ASKED: Traffic = Traffic {
    duration: &HTTP_CLIENT_REQUEST_DURATION,
    kinds: &["http.request.method", "server.address", "server.port"],
    kind_legend: "{{http_request_method}} {{server_address}}:{{server_port}}",
    status: "http.response.status_code",
    faults: Series::failed,
};

const GRPC_ASKED: Traffic = Traffic {
    duration: &RPC_CLIENT_CALL_DURATION,
    kinds: &["rpc.method"],
    kind_legend: "{{rpc_method}}",
    status: "rpc.response.status_code",
    faults: grpc_faults,
};

pub(crate) fn dashboard(service: Service) -> Dashboard {
    let facts = Facts::of(service);
    let served = match service.protocol() {
        Protocol::Http => HTTP_SERVED,
        Protocol::Grpc => GRPC_SERVED,
    };
    let mut rows = vec![now(service, &served), requests(service, &served)];
    if facts.asks_grpc {
        rows.push(asked(service, "Calls to other services", &GRPC_ASKED));
    }
    if facts.asks_http {
        rows.push(asked(service, "HTTP requests to others", &HTTP_ASKED));
    }
    rows.push(business::row(service));
    if facts.database {
        rows.push(database(service));
    }
    if facts.publishes {
        rows.push(messages::sent(service));
    }
    if facts.consumes {
        rows.push(messages::processed(service));
    }
    rows.push(process::runtime(service));
    rows.push(process::telemetry(service));
    rows.push(Row {
        title: "Traces",
        panels: vec![Panel::traces(service.name())],
    });
    Dashboard {
        uid: format!("bidtrace-{}", service.name()),
        title: format!("bidtrace: {}", service.name()),
        description: facts.purpose.to_owned(),
        rows,
    }
}

/// Those of the gRPC calls that ended with a server's fault.
pub(crate) fn grpc_faults(calls: Series) -> Series {
    calls.matching("rpc.response.status_code", GRPC_FAULTS)
}

fn now(service: Service, served: &Traffic) -> Row {
    let requests = of(served.duration).job(service);
    let failed = or_zero((served.faults)(requests.clone()).rate(&[]));
    Row {
        title: "Now",
        panels: vec![
            Panel::stat(
                "Instances up",
                Unit::Count,
                Scale::LowIsBad(1.0, 1.0),
                Query::new(or_zero(format!("sum({})", backends::up(service.name()))), ""),
            )
            .describe("Instances that Prometheus reaches."),
            Panel::stat(
                "Running for",
                Unit::Seconds,
                Scale::Neutral,
                Query::new(
                    format!("time() - {}", of(&PROCESS_START_TIME).job(service).max(&[])),
                    "",
                ),
            )
            .describe("Since the last start of the youngest instance. A small number that stays small is a service that keeps dying."),
            Panel::stat(
                "Requests",
                Unit::PerSecond,
                Scale::Neutral,
                Query::new(or_zero(requests.rate(&[])), ""),
            )
            .describe("Served per second; streams are not in it."),
            Panel::stat(
                "Faults",
                Unit::Share,
                Scale::HighIsBad(0.001, 0.01),
                Query::new(
                    or_zero(format!("(({failed}) / ({} > 0))", requests.rate(&[]))),
                    "",
                ),
            )
            .describe("Share of requests that the service itself is to blame for."),
            Panel::stat(
                "p99",
                Unit::Seconds,
                Scale::HighIsBad(0.25, 0.5),
                Query::new(quantile_or_zero(requests.quantile(0.99, &[])), ""),
            )
            .describe("99 of 100 requests were quicker."),
        ],
    }
}

fn requests(service: Service, served: &Traffic) -> Row {
    let requests = of(served.duration).job(service);
    let mut by_status = served.kinds.to_vec();
    by_status.push(served.status);
    let status = telemetry::signals::label_name(served.status);
    let mut panels = vec![
        Panel::lines(
            "Rate",
            Unit::PerSecond,
            vec![Query::new(or_zero(requests.rate(served.kinds)), served.kind_legend)],
        )
        .describe("Requests served per second, by kind."),
        Panel::lines(
            "Errors",
            Unit::PerSecond,
            vec![Query::new(
                or_zero((served.faults)(requests.clone()).rate(&by_status)),
                format!("{} {{{{{status}}}}}", served.kind_legend),
            )],
        )
        .describe("Requests per second that the service itself is to blame for, by kind and status. An answer that the rules want is no error."),
        Panel::latency(
            "Duration p95 by kind",
            vec![Query::new(
                quantile_or_zero(requests.quantile(0.95, served.kinds)),
                served.kind_legend,
            )],
        )
        .describe("95 of 100 requests of the kind were quicker. A point is one request; click it to read its trace."),
        Panel::latency(
            "Duration",
            quantiles(&requests),
        )
        .describe("Over all kinds of requests."),
        Panel::stacked(
            "Answers",
            Unit::PerSecond,
            vec![Query::new(
                or_zero(requests.rate(&[served.status])),
                format!("{{{{{status}}}}}"),
            )],
        )
        .describe("By status."),
    ];
    panels.push(
        match service.protocol() {
            Protocol::Http => Panel::lines(
                "Active requests and streams",
                Unit::Count,
                vec![
                    Query::new(
                        or_zero(
                            of(&HTTP_SERVER_ACTIVE_REQUESTS)
                                .job(service)
                                .sum(&["http.request.method"]),
                        ),
                        "{{http_request_method}}",
                    ),
                    Query::new(
                        or_zero(
                            of(&HTTP_SERVER_OPEN_STREAMS)
                                .job(service)
                                .sum(&["http.route"]),
                        ),
                        "stream {{http_route}}",
                    ),
                ],
            ),
            Protocol::Grpc => Panel::lines(
                "Open streams",
                Unit::Count,
                vec![Query::new(
                    or_zero(
                        of(&RPC_SERVER_OPEN_STREAMS)
                            .job(service)
                            .sum(&["rpc.method"]),
                    ),
                    "{{rpc_method}}",
                )],
            ),
        }
        .describe("Being served just now. A line that only rises is a leak."),
    );
    Row {
        title: "Requests",
        panels,
    }
}

fn asked(service: Service, title: &'static str, asked: &Traffic) -> Row {
    let calls = of(asked.duration).job(service);
    let mut by_status = asked.kinds.to_vec();
    by_status.push(asked.status);
    let status = telemetry::signals::label_name(asked.status);
    let mut panels = vec![
        Panel::lines(
            "Rate",
            Unit::PerSecond,
            vec![Query::new(
                or_zero(calls.rate(asked.kinds)),
                asked.kind_legend,
            )],
        )
        .describe("What this service asks of others, per second."),
        Panel::lines(
            "Errors",
            Unit::PerSecond,
            vec![Query::new(
                or_zero((asked.faults)(calls.clone()).rate(&by_status)),
                format!("{} {{{{{status}}}}}", asked.kind_legend),
            )],
        )
        .describe("Of these, the ones whose server or network failed."),
        Panel::latency(
            "Duration p95",
            vec![Query::new(
                quantile_or_zero(calls.quantile(0.95, asked.kinds)),
                asked.kind_legend,
            )],
        )
        .describe("As this service sees it, network and queues included."),
    ];
    if service == Service::Gateway {
        panels.push(
            Panel::lines(
                "Open streams",
                Unit::Count,
                vec![Query::new(
                    or_zero(
                        of(&RPC_CLIENT_OPEN_STREAMS)
                            .job(service)
                            .sum(&["rpc.method"]),
                    ),
                    "{{rpc_method}}",
                )],
            )
            .describe("Streams that it holds open, for clients that follow live bids."),
        );
    }
    Row { title, panels }
}

fn database(service: Service) -> Row {
    let operations = of(&DB_CLIENT_OPERATION_DURATION).job(service);
    let waits = of(&DB_CLIENT_CONNECTION_WAIT_TIME).job(service);
    let pool = |metric| of(metric).job(service).sum(&[]);
    let by = &["db.operation.name", "db.collection.name"];
    let legend = "{{db_operation_name}} {{db_collection_name}}";
    Row {
        title: "Database",
        panels: vec![
            Panel::lines(
                "Rate",
                Unit::PerSecond,
                vec![Query::new(or_zero(operations.rate(by)), legend)],
            )
            .describe("Operations per second, by what they do to which table."),
            Panel::lines(
                "Errors",
                Unit::PerSecond,
                vec![Query::new(
                    or_zero(operations.clone().failed().rate(by)),
                    legend,
                )],
            )
            .describe("Operations that failed or were given up."),
            Panel::latency(
                "Duration p95",
                vec![Query::new(
                    quantile_or_zero(operations.quantile(0.95, by)),
                    legend,
                )],
            )
            .describe("BEGIN holds the wait for the writer; COMMIT holds the disk."),
            Panel::lines(
                "Connections",
                Unit::Count,
                vec![
                    Query::new(
                        of(&DB_CLIENT_CONNECTION_COUNT)
                            .job(service)
                            .sum(&["db.client.connection.state"]),
                        "{{db_client_connection_state}}",
                    ),
                    Query::new(pool(&DB_CLIENT_CONNECTION_MAX), "at most"),
                    Query::new(pool(&DB_CLIENT_CONNECTION_PENDING_REQUESTS), "waited for"),
                ],
            )
            .describe("Of the pool. When all are used, the next request waits."),
            Panel::latency("Wait for a connection", quantiles(&waits))
                .describe("Until the pool gave one; of a write, until its transaction had begun."),
            Panel::lines(
                "Waits given up",
                Unit::PerSecond,
                vec![Query::new(
                    or_zero(of(&DB_CLIENT_CONNECTION_TIMEOUTS).job(service).rate(&[])),
                    "time-outs",
                )],
            )
            .describe("Requests that failed since no connection was free in time."),
        ],
    }
}

/// The median, and the slow ends.
fn quantiles(series: &Series) -> Vec<Query> {
    [(0.5, "p50"), (0.95, "p95"), (0.99, "p99")]
        .map(|(quantile, legend)| {
            Query::new(quantile_or_zero(series.quantile(quantile, &[])), legend)
        })
        .to_vec()
}
