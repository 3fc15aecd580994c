//! The dashboard of one service: rate, errors and duration of its requests, its calls to other services, its business
//! metrics, its database, its messages, and its process.

use alerts::backends;
use chassis::platform::{Protocol, Service};
use telemetry::signals::{
    DB_CLIENT_CONNECTION_COUNT, DB_CLIENT_CONNECTION_MAX, DB_CLIENT_CONNECTION_PENDING_REQUESTS,
    DB_CLIENT_CONNECTION_TIMEOUTS, DB_CLIENT_CONNECTION_WAIT_TIME, DB_CLIENT_OPERATION_DURATION,
    HTTP_CLIENT_REQUEST_DURATION, HTTP_SERVER_ACTIVE_REQUESTS, HTTP_SERVER_OPEN_STREAMS,
    HTTP_SERVER_REQUEST_DURATION, Metric, PROCESS_START_TIME, RPC_CLIENT_CALL_DURATION,
    RPC_CLIENT_OPEN_STREAMS, RPC_SERVER_CALL_DURATION, RPC_SERVER_OPEN_STREAMS,
};

use crate::model::{Dashboard, Panel, Query, Row, Scale, Unit};
use crate::query::{Series, or_zero, quantile_or_zero, series};
use crate::sections::Sections;
use crate::{business, messages, process};

/// The gRPC status codes that mean that the server failed.
const GRPC_FAULTS: &str = "UNKNOWN|DEADLINE_EXCEEDED|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS";

/// The metric of the requests that a service serves or makes over one protocol, and its labels.
struct Requests {
    duration: &'static Metric,
    /// The labels that tell one kind of request from another.
    kinds: &'static [&'static str],
    kind_legend: &'static str,
    /// The label with the status.
    status: &'static str,
    /// Selects the requests in which the server failed.
    faults: fn(Series) -> Series,
}

const HTTP_SERVER: Requests = Requests {
    duration: &HTTP_SERVER_REQUEST_DURATION,
    kinds: &["http.request.method", "http.route"],
    kind_legend: "{{http_request_method}} {{http_route}}",
    status: "http.response.status_code",
    faults: Series::failed,
};

const GRPC_SERVER: Requests = Requests {
    duration: &RPC_SERVER_CALL_DURATION,
    kinds: &["rpc.method"],
    kind_legend: "{{rpc_method}}",
    status: "rpc.response.status_code",
    faults: grpc_faults,
};

const HTTP_CLIENT: Requests = Requests {
    duration: &HTTP_CLIENT_REQUEST_DURATION,
    kinds: &["http.request.method", "server.address", "server.port"],
    kind_legend: "{{http_request_method}} {{server_address}}:{{server_port}}",
    status: "http.response.status_code",
    faults: Series::failed,
};

const GRPC_CLIENT: Requests = Requests {
    duration: &RPC_CLIENT_CALL_DURATION,
    kinds: &["rpc.method"],
    kind_legend: "{{rpc_method}}",
    status: "rpc.response.status_code",
    faults: grpc_faults,
};

pub(crate) fn dashboard(service: Service) -> Dashboard {
    let sections = Sections::of(service);
    let served = match service.protocol() {
        Protocol::Http => HTTP_SERVER,
        Protocol::Grpc => GRPC_SERVER,
    };
    let mut rows = vec![now(service, &served), requests(service, &served)];
    if sections.grpc_client {
        rows.push(client_calls(
            service,
            "Calls to other services",
            &GRPC_CLIENT,
        ));
    }
    if sections.http_client {
        rows.push(client_calls(
            service,
            "HTTP requests to others",
            &HTTP_CLIENT,
        ));
    }
    rows.push(business::row(service));
    if sections.database {
        rows.push(database(service));
    }
    if sections.producer {
        rows.push(messages::sent(service));
    }
    if sections.consumer {
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
        description: sections.purpose.to_owned(),
        rows,
    }
}

/// The gRPC calls in which the server failed.
pub(crate) fn grpc_faults(calls: Series) -> Series {
    calls.matching("rpc.response.status_code", GRPC_FAULTS)
}

fn now(service: Service, served: &Requests) -> Row {
    let requests = series(served.duration).job(service);
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
                    format!("time() - {}", series(&PROCESS_START_TIME).job(service).max(&[])),
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

fn requests(service: Service, served: &Requests) -> Row {
    let requests = series(served.duration).job(service);
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
                            series(&HTTP_SERVER_ACTIVE_REQUESTS)
                                .job(service)
                                .sum(&["http.request.method"]),
                        ),
                        "{{http_request_method}}",
                    ),
                    Query::new(
                        or_zero(
                            series(&HTTP_SERVER_OPEN_STREAMS)
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
                        series(&RPC_SERVER_OPEN_STREAMS)
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

fn client_calls(service: Service, title: &'static str, client: &Requests) -> Row {
    let calls = series(client.duration).job(service);
    let mut by_status = client.kinds.to_vec();
    by_status.push(client.status);
    let status = telemetry::signals::label_name(client.status);
    let mut panels = vec![
        Panel::lines(
            "Rate",
            Unit::PerSecond,
            vec![Query::new(
                or_zero(calls.rate(client.kinds)),
                client.kind_legend,
            )],
        )
        .describe("What this service asks of others, per second."),
        Panel::lines(
            "Errors",
            Unit::PerSecond,
            vec![Query::new(
                or_zero((client.faults)(calls.clone()).rate(&by_status)),
                format!("{} {{{{{status}}}}}", client.kind_legend),
            )],
        )
        .describe("Of these, the ones whose server or network failed."),
        Panel::latency(
            "Duration p95",
            vec![Query::new(
                quantile_or_zero(calls.quantile(0.95, client.kinds)),
                client.kind_legend,
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
                        series(&RPC_CLIENT_OPEN_STREAMS)
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
    let operations = series(&DB_CLIENT_OPERATION_DURATION).job(service);
    let waits = series(&DB_CLIENT_CONNECTION_WAIT_TIME).job(service);
    let pool = |metric| series(metric).job(service).sum(&[]);
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
                        series(&DB_CLIENT_CONNECTION_COUNT)
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
                    or_zero(
                        series(&DB_CLIENT_CONNECTION_TIMEOUTS)
                            .job(service)
                            .rate(&[]),
                    ),
                    "time-outs",
                )],
            )
            .describe("Requests that failed since no connection was free in time."),
        ],
    }
}

/// The median, and two high quantiles.
fn quantiles(of: &Series) -> Vec<Query> {
    [(0.5, "p50"), (0.95, "p95"), (0.99, "p99")]
        .map(|(quantile, legend)| Query::new(quantile_or_zero(of.quantile(quantile, &[])), legend))
        .to_vec()
}
