//! The overview of the platform: is it up, are the objectives met, how much traffic is there, and does the telemetry
//! pipeline work.

use alerts::backends::{
    ALERTS, BackendMetric, COLLECTOR_MEMORY, EXPORTER_FAILED_SPANS, RECEIVER_ACCEPTED_SPANS,
    RECEIVER_FAILED_SPANS, RECEIVER_REFUSED_SPANS, RULE_GROUP_DURATION, TAIL_SAMPLED_TRACES,
    TAIL_SAMPLING_UNDECIDED, UP,
};
use alerts::burn_rate::{BAD_SHARE_5M, BUDGET_REMAINING, STATE};
use chassis::platform::Service;
use registry::{
    AUCTION_BIDS, AUCTION_ENDED, AUCTION_OPEN, AUCTION_OPENED, NOTIFICATION_DELIVERIES,
    ORDER_SETTLED, ORDER_SETTLEMENT_DURATION, OUTBOX_OLDEST_AGE,
};
use telemetry::signals::{
    HTTP_SERVER_REQUEST_DURATION, OTEL_SDK_EXPORTER_SPAN_EXPORTED,
    OTEL_SDK_PROCESSOR_SPAN_PROCESSED, OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY,
    OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE, OTEL_SDK_SPAN_STARTED, PROCESS_CPU,
    PROCESS_RESIDENT_MEMORY, RPC_SERVER_CALL_DURATION,
};

use crate::model::{Content, Dashboard, Panel, Query, Row, Scale, Unit};
use crate::query::{INTERVAL, JOB, Series, or_zero, quantile_or_zero, series};
use crate::service;

/// The names and colours of the values of [`STATE`], in their order.
const STATES: &[(&str, &str)] = &[
    ("good", "green"),
    ("burning", "red"),
    ("no traffic", "blue"),
    ("no data", "purple"),
];

/// The address of the dashboard of the service whose line was clicked.
const TO_SERVICE: &str = "/d/bidtrace-${__field.labels.job}?${__url_time_range}";

pub(crate) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "bidtrace-overview".to_owned(),
        title: "bidtrace: platform overview".to_owned(),
        description: "Is the platform up, is it good enough, how much goes through it, and can its telemetry be believed?"
            .to_owned(),
        rows: vec![now(), objectives(), business(), services(), telemetry(), resources()],
    }
}

fn now() -> Row {
    let names: Vec<_> = Service::ALL.iter().map(|service| service.name()).collect();
    let names = names.join("|");
    let all = Service::ALL.len();
    #[allow(clippy::cast_precision_loss)] // Eight services.
    let all = all as f64;
    Row {
        title: "Now",
        panels: vec![
            Panel::stat(
                "Services up",
                Unit::Count,
                Scale::LowIsBad(all - 1.0, all),
                Query::new(
                    or_zero(format!("sum(max by (job) ({UP}{{job=~\"{names}\"}}))")),
                    "",
                ),
            )
            .describe("Of eight. The rest of the page says little about one that is down."),
            Panel::stat(
                "Alerts firing",
                Unit::Count,
                Scale::HighIsBad(1.0, 2.0),
                Query::new(
                    or_zero(format!("count({ALERTS}{{alertstate=\"firing\"}})")),
                    "",
                ),
            )
            .describe("Their names stand in the panels as red lines, their pages under alerts/runbooks."),
            Panel::stat(
                "Open auctions",
                Unit::Count,
                Scale::Neutral,
                Query::new(or_zero(series(&AUCTION_OPEN).sum(&[])), ""),
            )
            .describe("Auctions that take bids just now."),
            Panel::stat(
                "Requests",
                Unit::PerSecond,
                Scale::Neutral,
                Query::new(
                    or_zero(series(&HTTP_SERVER_REQUEST_DURATION).job(Service::Gateway).rate(&[])),
                    "",
                ),
            )
            .describe("Requests per second at the gateway; live streams are not in it."),
            Panel::stat(
                "Errors of ours",
                Unit::Share,
                Scale::HighIsBad(0.001, 0.01),
                Query::new(
                    error_share(&series(&HTTP_SERVER_REQUEST_DURATION).job(Service::Gateway)),
                    "",
                ),
            )
            .describe("Share of the gateway's requests that ended in a 5xx, a broken response, or with the client gone."),
            Panel::stat(
                "p99",
                Unit::Seconds,
                Scale::HighIsBad(0.25, 0.5),
                Query::new(
                    quantile_or_zero(
                        series(&HTTP_SERVER_REQUEST_DURATION).job(Service::Gateway).quantile(0.99, &[]),
                    ),
                    "",
                ),
            )
            .describe("99 of 100 requests at the gateway were quicker."),
        ],
    }
}

fn objectives() -> Row {
    Row {
        title: "Objectives",
        panels: vec![
            Panel::stat(
                "State",
                Unit::Count,
                Scale::Names(STATES),
                Query::new(STATE, "{{slo}}"),
            )
            .wide(8)
            .describe("Burning: the last hour's bad share is above what the objective allows, and more than a few events were bad."),
            Panel::stat(
                "Error budget left",
                Unit::Share,
                Scale::LowIsBad(0.0, 0.25),
                Query::new(BUDGET_REMAINING, "{{slo}}"),
            )
            .wide(8)
            .describe("Of the objective's window. Below zero the objective is missed."),
            Panel::lines(
                "Bad share",
                Unit::Share,
                vec![Query::new(BAD_SHARE_5M, "{{slo}}")],
            )
            .describe("Share of bad events in the last five minutes, per objective; 0 without traffic, a gap without data."),
        ],
    }
}

fn business() -> Row {
    Row {
        title: "Auctions",
        panels: vec![
            Panel::lines(
                "Auctions",
                Unit::PerSecond,
                vec![
                    Query::new(or_zero(series(&AUCTION_OPENED).rate(&[])), "opened"),
                    Query::new(or_zero(series(&AUCTION_ENDED).rate(&["bidtrace.outcome"])), "{{bidtrace_outcome}}"),
                ],
            )
            .describe("Auctions opened and ended per second, by how they ended."),
            Panel::stacked(
                "Bids",
                Unit::PerSecond,
                vec![Query::new(or_zero(series(&AUCTION_BIDS).rate(&["bidtrace.outcome"])), "{{bidtrace_outcome}}")],
            )
            .describe("By outcome. A rejected bid is a good event: the rules at work."),
            Panel::lines(
                "Orders and notifications",
                Unit::PerSecond,
                vec![
                    Query::new(or_zero(series(&ORDER_SETTLED).rate(&["bidtrace.outcome"])), "order {{bidtrace_outcome}}"),
                    Query::new(
                        or_zero(series(&NOTIFICATION_DELIVERIES).rate(&["notification.channel", "bidtrace.outcome"])),
                        "{{notification_channel}} {{bidtrace_outcome}}",
                    ),
                ],
            )
            .describe("What follows from awards: settlements ended, people told."),
            Panel::latency(
                "Settlement",
                vec![
                    Query::new(quantile_or_zero(series(&ORDER_SETTLEMENT_DURATION).quantile(0.5, &[])), "p50"),
                    Query::new(quantile_or_zero(series(&ORDER_SETTLEMENT_DURATION).quantile(0.95, &[])), "p95"),
                ],
            )
            .describe("From the award to the end of its settlement."),
            Panel::lines(
                "Oldest unpublished event",
                Unit::Seconds,
                vec![Query::new(or_zero(series(&OUTBOX_OLDEST_AGE).max(&[JOB])), "{{job}}")],
            )
            .describe("Age of the oldest event in each outbox. Above half a minute nothing follows from what was decided.")
            .link("Open the service's dashboard", TO_SERVICE),
        ],
    }
}

fn services() -> Row {
    let http = series(&HTTP_SERVER_REQUEST_DURATION);
    let grpc = series(&RPC_SERVER_CALL_DURATION);
    let both = |title: &str, unit, http: String, grpc: String| {
        Panel::lines(
            title,
            unit,
            vec![Query::new(http, "{{job}}"), Query::new(grpc, "{{job}}")],
        )
        .link("Open the service's dashboard", TO_SERVICE)
    };
    let mut latency = both(
        "p95 by service",
        Unit::Seconds,
        quantile_or_zero(http.quantile(0.95, &[JOB])),
        quantile_or_zero(grpc.quantile(0.95, &[JOB])),
    )
    .describe("95 of 100 requests were quicker. Streams are not in it.");
    if let Content::Lines { exemplars, .. } = &mut latency.content {
        *exemplars = true;
    }
    Row {
        title: "Services",
        panels: vec![
            both(
                "Requests by service",
                Unit::PerSecond,
                http.rate(&[JOB]),
                grpc.rate(&[JOB]),
            )
            .describe("Served per second. A click leads to the service's own dashboard."),
            both(
                "Faults by service",
                Unit::PerSecond,
                or_zero(http.clone().failed().rate(&[JOB])),
                or_zero(service::grpc_faults(grpc.clone()).rate(&[JOB])),
            )
            .describe("Requests that the service itself is to blame for: 5xx, or a gRPC status that is a server's fault."),
            latency,
        ],
    }
}

fn telemetry() -> Row {
    let processed = series(&OTEL_SDK_PROCESSOR_SPAN_PROCESSED).failed();
    let exported = series(&OTEL_SDK_EXPORTER_SPAN_EXPORTED);
    let received =
        |metric: &BackendMetric| or_zero(format!("sum({})", metric.selector().rate(INTERVAL)));
    Row {
        title: "Telemetry",
        panels: vec![
            Panel::lines(
                "Spans",
                Unit::PerSecond,
                vec![
                    Query::new(series(&OTEL_SDK_SPAN_STARTED).rate(&[]), "started"),
                    Query::new(exported.rate(&[]), "exported"),
                    Query::new(received(&RECEIVER_ACCEPTED_SPANS), "accepted by Jaeger"),
                ],
            )
            .describe("The three should lie on each other, some seconds apart."),
            Panel::lines(
                "Spans lost",
                Unit::PerSecond,
                vec![
                    Query::new(or_zero(processed.rate(&[JOB])), "{{job}} dropped"),
                    Query::new(
                        or_zero(exported.failed().rate(&[JOB])),
                        "{{job}} not delivered",
                    ),
                    Query::new(received(&RECEIVER_REFUSED_SPANS), "refused by Jaeger"),
                    Query::new(received(&RECEIVER_FAILED_SPANS), "failed in Jaeger"),
                    Query::new(received(&EXPORTER_FAILED_SPANS), "not stored by Jaeger"),
                ],
            )
            .describe("Anything above zero is a hole in some trace."),
            Panel::lines(
                "Traces at the sampler",
                Unit::PerSecond,
                vec![
                    Query::new(
                        format!(
                            "sum by (decision) ({})",
                            TAIL_SAMPLED_TRACES.selector().rate(INTERVAL)
                        ),
                        "{{decision}}",
                    ),
                    Query::new(received(&TAIL_SAMPLING_UNDECIDED), "dropped undecided"),
                ],
            )
            .describe("What Jaeger's tail sampler keeps of the traces. A trace that is dropped undecided may have been worth keeping."),
            Panel::lines(
                "Export queues",
                Unit::Share,
                vec![Query::new(
                    format!(
                        "{} / {}",
                        series(&OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE).max(&[JOB]),
                        series(&OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY).max(&[JOB])
                    ),
                    "{{job}}",
                )],
            )
            .describe("How full each service's queue of ended spans is. A full one drops.")
            .link("Open the service's dashboard", TO_SERVICE),
        ],
    }
}

fn resources() -> Row {
    Row {
        title: "Resources",
        panels: vec![
            Panel::stacked(
                "CPU",
                Unit::Count,
                vec![Query::new(series(&PROCESS_CPU).rate(&[JOB]), "{{job}}")],
            )
            .describe("Cores in use by each service.")
            .link("Open the service's dashboard", TO_SERVICE),
            Panel::stacked(
                "Memory",
                Unit::Bytes,
                vec![
                    Query::new(series(&PROCESS_RESIDENT_MEMORY).sum(&[JOB]), "{{job}}"),
                    Query::new(format!("sum by (job) ({})", COLLECTOR_MEMORY.selector()), "{{job}}"),
                ],
            )
            .describe("Resident memory of each service and of Jaeger."),
            Panel::lines(
                "Rule evaluation",
                Unit::Seconds,
                vec![Query::new(
                    format!("max by (rule_group) ({})", RULE_GROUP_DURATION.selector()),
                    "{{rule_group}}",
                )],
            )
            .describe("How long Prometheus takes for each group of rules. It must stay well below the five seconds between evaluations."),
        ],
    }
}

/// The share of requests that failed, 0 without requests.
fn error_share(requests: &Series) -> String {
    let failed = or_zero(requests.clone().failed().rate(&[]));
    or_zero(format!("(({failed}) / ({} > 0))", requests.rate(&[])))
}
