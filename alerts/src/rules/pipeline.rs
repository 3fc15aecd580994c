//! Alerts about the telemetry pipeline: spans that are lost, rules that fail, alerts and notifications that are not
//! delivered.

use std::collections::BTreeMap;

use telemetry::signals::{
    Metric, OTEL_SDK_EXPORTER_SPAN_EXPORTED, OTEL_SDK_PROCESSOR_SPAN_PROCESSED,
    OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY, OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE, label_name,
};

use crate::backends::{
    ALERTMANAGER_FAILED, BackendMetric, EXPORTER_FAILED_SPANS, NOTIFICATION_ERRORS,
    NOTIFICATIONS_DROPPED, RECEIVER_FAILED_SPANS, RECEIVER_REFUSED_SPANS, RULE_FAILURES,
    TAIL_SAMPLING_UNDECIDED,
};
use crate::promql::{Matchers, Selector};
use crate::rule_file::{Alert, Condition, Group, RuleFile, Runbook, Severity};
use crate::scenario::{Firing, Scenario, Series};

const WINDOW: &str = "5m";
/// The attribute with the reason why a span was lost; empty for a span that was not.
const ERROR_TYPE: &str = "error.type";

pub(crate) fn file() -> RuleFile {
    RuleFile {
        name: "pipeline".to_owned(),
        groups: vec![
            Group {
                name: "span-export".to_owned(),
                interval: None,
                recordings: Vec::new(),
                alerts: vec![spans_dropped(), span_export_failing(), span_queue_filling()],
            },
            Group {
                name: "collector".to_owned(),
                interval: None,
                recordings: Vec::new(),
                alerts: vec![
                    collector_refuses_spans(),
                    collector_loses_spans(),
                    traces_dropped_undecided(),
                ],
            },
            Group {
                name: "alerting".to_owned(),
                interval: None,
                recordings: Vec::new(),
                alerts: vec![
                    rule_evaluation_failing(),
                    alerts_not_delivered(),
                    notifications_failing(),
                ],
            },
        ],
        scenarios: Vec::new(),
    }
}

fn spans_dropped() -> Alert {
    above_zero(
        "SpansDropped",
        lost_per_job(&OTEL_SDK_PROCESSOR_SPAN_PROCESSED),
        "{{ $labels.job }} drops spans",
        "{{ $value | humanize }} ended spans were dropped within five minutes, before any export was tried: traces \
         through this service have holes.",
        Runbook {
            meaning: "A service ends spans faster than it can export them, and its queue is full. Requests go on \
                      undisturbed; their traces have holes."
                .to_owned(),
            look: lines(&[
                "`BackendDown` for jaeger, `SpanExportFailing`: if one of them fires, that is the cause.",
                "The service's dashboard, telemetry pipeline: queue size against its capacity, export durations, the rate of spans.",
                "The label `error_type` of `otel_sdk_processor_span_processed_total`: `queue_full` is this; `already_shutdown` is a service that goes on working after its flush.",
            ]),
            act: lines(&[
                "The collector is slow or down: its page.",
                "The rate of spans is simply high: raise `OTEL_BSP_MAX_QUEUE_SIZE`, or sample (`OTEL_TRACES_SAMPLER`).",
                "A loop makes spans: the dashboard of the service shows which route or consumer.",
            ]),
        },
        counter_scenarios("SpansDropped", &|| {
            of_service(&OTEL_SDK_PROCESSOR_SPAN_PROCESSED).label("error_type", "queue_full")
        }, Some(("job", "auction"))),
    )
}

fn span_export_failing() -> Alert {
    above_zero(
        "SpanExportFailing",
        lost_per_job(&OTEL_SDK_EXPORTER_SPAN_EXPORTED),
        "{{ $labels.job }} cannot deliver its spans",
        "{{ $value | humanize }} spans were given up within five minutes, after all retries.",
        Runbook {
            meaning: "The collector refuses the spans of a service, or cannot be reached by it, and retries did not help. \
                      These spans are lost."
                .to_owned(),
            look: lines(&[
                "`BackendDown` for jaeger: it is down for everybody.",
                "`make logs SERVICE=<service> FOLLOW=0`: lines of the exporter name the address and the gRPC status.",
                "`CollectorRefusesSpans`: the collector is there and pushes back.",
            ]),
            act: lines(&[
                "Only one service: compare its `OTEL_EXPORTER_OTLP_*` variables with the others'.",
                "Status UNAVAILABLE: the collector, or the network to it. RESOURCE_EXHAUSTED: its memory limiter; see `CollectorRefusesSpans`.",
            ]),
        },
        counter_scenarios("SpanExportFailing", &|| {
            of_service(&OTEL_SDK_EXPORTER_SPAN_EXPORTED).label("error_type", "timeout")
        }, Some(("job", "auction"))),
    )
}

fn span_queue_filling() -> Alert {
    let name = "SpanQueueFilling";
    let size = || of_service(&OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE);
    let capacity = || of_service(&OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY).constant(2_048.0, 11);
    let mut alert = above_zero(
        name,
        format!(
            "max by (job) ({} / {})",
            OTEL_SDK_PROCESSOR_SPAN_QUEUE_SIZE.prometheus_name(),
            OTEL_SDK_PROCESSOR_SPAN_QUEUE_CAPACITY.prometheus_name()
        ),
        "{{ $labels.job }} will soon drop spans",
        "Its export queue is {{ $value | humanizePercentage }} full.",
        Runbook {
            meaning: "A service's queue of ended spans is more than 80% full for half a minute. When it is full, spans are \
                      dropped (`SpansDropped`)."
                .to_owned(),
            look: lines(&[
                "Is it one service (its load) or all of them (the collector)?",
                "The service's dashboard, telemetry pipeline: do exports take longer than before?",
            ]),
            act: lines(&[
                "All of them: look at the collector's memory and CPU first.",
                "One of them: its load has grown; raise `OTEL_BSP_MAX_QUEUE_SIZE`, or sample.",
            ]),
        },
        vec![
            Scenario::new(
                format!("{name}: the queue is nine tenths full"),
                vec![size().constant(10.0, 5).constant(1_843.2, 6), capacity()],
            )
            .silent(4, name)
            .fires(10, name, vec![Firing::value("90%").of_series("job", "auction")]),
            Scenario::new(
                format!("{name}: the queue is half full"),
                vec![size().constant(1_024.0, 11), capacity()],
            )
            .silent(10, name),
        ],
    );
    alert.conditions[0].threshold = 0.8;
    alert.pending = Some("30s");
    alert
}

fn collector_refuses_spans() -> Alert {
    let name = "CollectorRefusesSpans";
    above_zero(
        name,
        format!("({} + {})", increase_or_zero(&RECEIVER_REFUSED_SPANS), increase_or_zero(&RECEIVER_FAILED_SPANS)),
        "The collector refuses spans",
        "{{ $value | humanize }} spans were refused within five minutes; the services retry, then give them up.",
        Runbook {
            meaning: "Jaeger's receiver pushes spans back (its memory limiter, or the storage behind it) or fails on them. \
                      Services retry for some seconds, then the spans are lost."
                .to_owned(),
            look: lines(&[
                "`make logs SERVICE=jaeger FOLLOW=0`: the memory limiter says so when it refuses.",
                "The platform overview, telemetry pipeline: accepted and refused spans, the collector's memory.",
                "Which service sends so much? `sum by (job) (rate(otel_sdk_exporter_span_exported_total[1m]))`.",
            ]),
            act: lines(&[
                "Memory: lower `JAEGER_MAX_TRACES`, or raise `JAEGER_MEMORY_LIMIT_MIB` when the machine has more.",
                "Too much for one machine: sample (`deploy/jaeger/sampling-strategies.json`), or give it a storage that is not memory.",
            ]),
        },
        counter_scenarios(name, &|| of_backend(&RECEIVER_REFUSED_SPANS).label("transport", "grpc"), None),
    )
}

fn collector_loses_spans() -> Alert {
    let name = "CollectorLosesSpans";
    above_zero(
        name,
        increase_or_zero(&EXPORTER_FAILED_SPANS),
        "The collector cannot store spans",
        "{{ $value | humanize }} spans that it had accepted were lost within five minutes.",
        Runbook {
            meaning: "Jaeger accepted spans and could not hand them on to its storage or to the span metrics. The services \
                      count them as exported; they are lost."
                .to_owned(),
            look: lines(&[
                "The label `exporter` of `otelcol_exporter_send_failed_spans_total`: the storage, or another?",
                "`make logs SERVICE=jaeger FOLLOW=0`: the exporter's errors.",
            ]),
            act: lines(&[
                "The storage is full, slow or away: bring it back; the services' queues bridge seconds, not minutes.",
                "After a change of `deploy/jaeger/config.yaml`: take it back.",
            ]),
        },
        counter_scenarios(name, &|| of_backend(&EXPORTER_FAILED_SPANS).label("exporter", "jaeger_storage_exporter"), None),
    )
}

fn traces_dropped_undecided() -> Alert {
    let name = "TracesDroppedUndecided";
    above_zero(
        name,
        increase_or_zero(&TAIL_SAMPLING_UNDECIDED),
        "The collector drops traces before it has decided about them",
        "{{ $value | humanize }} traces were dropped undecided within five minutes, among them such as must be kept.",
        Runbook {
            meaning: "More traces wait for the tail sampler's decision than it has places for, and the oldest go. Whatever \
                      they were, also failed and kept ones, they are lost, and exemplars may lead nowhere."
                .to_owned(),
            look: lines(&[
                "How many new traces come: `rate(otelcol_processor_tail_sampling_new_trace_id_received_total[1m])`, times the seconds of `decision_wait` in `deploy/jaeger/config.yaml`; that many places are needed.",
                "Which service begins them? `sum by (job) (rate(otel_sdk_exporter_span_exported_total[1m]))`.",
            ]),
            act: lines(&[
                "There is memory left: raise `JAEGER_TAIL_SAMPLING_UNDECIDED`.",
                "There is none: record less at the head (`OTEL_TRACES_SAMPLER`, `deploy/jaeger/sampling-strategies.json`); docs/sampling.md tells how.",
            ]),
        },
        counter_scenarios(name, &|| of_backend(&TAIL_SAMPLING_UNDECIDED), None),
    )
}

fn rule_evaluation_failing() -> Alert {
    let name = "RuleEvaluationFailing";
    above_zero(
        name,
        format!(
            "sum by (rule_group) ({})",
            RULE_FAILURES.selector().increase(WINDOW)
        ),
        "Rules cannot be evaluated",
        "{{ $value | humanize }} evaluations of the group {{ $labels.rule_group }} failed within five minutes: its alerts \
         cannot fire.",
        Runbook {
            meaning: "Prometheus cannot evaluate a rule. Alerts of the same group may be blind."
                .to_owned(),
            look: lines(&[
                "Prometheus, `/api/v1/rules`: `lastError` of the rules of that group.",
                "`make logs SERVICE=prometheus FOLLOW=0`: the evaluation's error.",
            ]),
            act: lines(&[
                "`many-to-many matching`, or `same labelset`: two targets expose what one should; look for a job that is scraped twice.",
                "After a change: `make check` runs the rules' tests; `make generate` writes them anew.",
            ]),
        },
        counter_scenarios(
            name,
            &|| of_backend(&RULE_FAILURES).label("rule_group", "slo"),
            Some(("rule_group", "slo")),
        ),
    )
}

fn alerts_not_delivered() -> Alert {
    let name = "AlertsNotDelivered";
    above_zero(
        name,
        format!("({} + {})", increase_or_zero(&NOTIFICATION_ERRORS), increase_or_zero(&NOTIFICATIONS_DROPPED)),
        "Prometheus cannot hand its alerts to Alertmanager",
        "{{ $value | humanize }} alerts did not reach Alertmanager within five minutes.",
        Runbook {
            meaning: "Alerts fire in Prometheus and do not arrive at Alertmanager, so nobody may hear of them. (This one too may \
                      come late: it travels the same way.)"
                .to_owned(),
            look: lines(&[
                "`BackendDown` for alertmanager; `make status`.",
                "`make logs SERVICE=prometheus FOLLOW=0`: the notifier's errors.",
            ]),
            act: lines(&[
                "Alertmanager is down: restart it; meanwhile read alerts in Prometheus, `/api/v1/alerts`.",
                "It is up: compare its address with `deploy/prometheus/targets`.",
            ]),
        },
        counter_scenarios(name, &|| of_backend(&NOTIFICATION_ERRORS).label("alertmanager", "a"), None),
    )
}

fn notifications_failing() -> Alert {
    let name = "NotificationsFailing";
    above_zero(
        name,
        format!("sum by (integration) ({})", ALERTMANAGER_FAILED.selector().increase(WINDOW)),
        "Alertmanager cannot notify by {{ $labels.integration }}",
        "{{ $value | humanize }} notifications failed within five minutes.",
        Runbook {
            meaning: "Alertmanager has alerts to tell and its receiver (a pager, a chat, a webhook) does not take them."
                .to_owned(),
            look: lines(&[
                "`make logs SERVICE=alertmanager FOLLOW=0`: the integration's error, often a status of the receiver.",
                "The label `reason` of `alertmanager_notifications_failed_total`.",
            ]),
            act: lines(&[
                "`clientError`: address or credential in the receiver's settings (`deploy/alertmanager/alertmanager.yml`).",
                "`serverError`, deadlines: the receiver's own outage; watch Alertmanager's page until it is over.",
            ]),
        },
        counter_scenarios(
            name,
            &|| of_backend(&ALERTMANAGER_FAILED).label("integration", "webhook").label("reason", "other"),
            Some(("integration", "webhook")),
        ),
    )
}

/// An alert that fires as soon as the value is above 0.
fn above_zero(
    name: &str,
    value: String,
    summary: &str,
    description: &str,
    runbook: Runbook,
    scenarios: Vec<Scenario>,
) -> Alert {
    Alert {
        name: name.to_owned(),
        severity: Severity::Ticket,
        conditions: vec![Condition::above(value, 0.0)],
        pending: None,
        labels: BTreeMap::new(),
        summary: summary.to_owned(),
        description: description.to_owned(),
        runbook,
        scenarios,
    }
}

/// Per job, the spans that were counted as lost.
fn lost_per_job(metric: &Metric) -> String {
    let mut failed = Matchers::default();
    failed.unequal(&label_name(ERROR_TYPE), "");
    let series = Selector::new(metric.prometheus_name(), failed);
    format!("sum by (job) ({})", series.increase(WINDOW))
}

/// The increase of a counter; zero while its series does not exist yet.
fn increase_or_zero(metric: &BackendMetric) -> String {
    format!("(sum({}) or vector(0))", metric.selector().increase(WINDOW))
}

fn of_service(metric: &Metric) -> Series {
    Series::new(metric.prometheus_name())
        .label("job", "auction")
        .label("instance", "a")
}

fn of_backend(metric: &BackendMetric) -> Series {
    Series::new(metric.name)
        .label("job", metric.job)
        .label("instance", "a")
}

/// A counter that increases, one that does not, one that last increased ten minutes ago, and no counter.
fn counter_scenarios(
    name: &str,
    series: &dyn Fn() -> Series,
    label: Option<(&'static str, &str)>,
) -> Vec<Scenario> {
    let firing = |value| match label {
        Some((key, text)) => Firing::value(value).of_series(key, text),
        None => Firing::value(value),
    };
    vec![
        Scenario::new(
            format!("{name}: the counter rises by ten a minute"),
            vec![series().increasing(10.0, 21)],
        )
        .fires(20, name, vec![firing("50")]),
        Scenario::new(
            format!("{name}: the counter stands at zero"),
            vec![series().constant(0.0, 21)],
        )
        .silent(20, name),
        Scenario::new(
            format!("{name}: the counter rose ten minutes ago"),
            vec![series().increasing(10.0, 11).increasing(0.0, 11)],
        )
        .silent(21, name),
        Scenario::new(format!("{name}: there is no series yet"), Vec::new()).silent(20, name),
    ]
}

fn lines(text: &[&str]) -> Vec<String> {
    text.iter().map(|line| (*line).to_owned()).collect()
}
