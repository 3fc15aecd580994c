//! Alerts about scrape targets that Prometheus cannot reach.
//!
//! Each job has a rule of its own: a target that was removed has no series, so only a rule that names the job can notice.
//! The expression is 0 for a job that is down and for one that is absent.

use std::collections::BTreeMap;

use chassis::platform::Service;

use crate::backends;
use crate::rule_file::{Alert, Condition, Group, RuleFile, Runbook, Severity};
use crate::scenario::{Firing, Scenario, Series};

/// Longer than a restart by the supervisor takes.
const PENDING: Option<&str> = Some("15s");

pub(crate) fn file() -> RuleFile {
    let services = Service::ALL
        .iter()
        .map(|service| service_down(service.name()));
    let backends = backends::JOBS.iter().map(|job| backend_down(job));
    RuleFile {
        name: "targets".to_owned(),
        groups: vec![
            Group {
                name: "services".to_owned(),
                interval: None,
                recordings: Vec::new(),
                alerts: services.collect(),
            },
            Group {
                name: "backends".to_owned(),
                interval: None,
                recordings: Vec::new(),
                alerts: backends.collect(),
            },
        ],
        scenarios: Vec::new(),
    }
}

fn service_down(job: &'static str) -> Alert {
    down(
        "ServiceDown",
        job,
        Severity::Page,
        format!("{job} is down"),
        "Prometheus cannot scrape it, or does not know it. What it does for customers and restaurants stands still.",
        Runbook {
            meaning: "A service does not answer Prometheus on its admin port, or is not among its targets. It has \
                      most likely crashed, cannot start, or hangs. The supervisor restarts it; this alert says that \
                      a restart did not help within fifteen seconds."
                .to_owned(),
            look: vec![
                "`make status`: is the process running, since when, and is it ready?".to_owned(),
                "`make logs SERVICE=<service> FOLLOW=0`: the last lines before it went. An error at the start names the setting, address or database at fault.".to_owned(),
                "`curl -s 127.0.0.1:<admin port>/readyz`: which check fails?".to_owned(),
                "Prometheus, `/api/v1/targets`: with what error was it scraped last?".to_owned(),
            ],
            act: vec![
                "It cannot start: correct what the log names; the supervisor tries again by itself, `make up` at once.".to_owned(),
                "It runs and does not answer: take its stack (`gdb -p`, or `kill -QUIT` after enabling core files), then restart it.".to_owned(),
                "It runs out of memory or files: see its dashboard, memory and file descriptors, and what grew.".to_owned(),
                "Nothing is lost meanwhile: events wait in the outboxes and the broker, settlements go on where they stopped.".to_owned(),
            ],
        },
    )
}

fn backend_down(job: &'static str) -> Alert {
    let (severity, consequence) = match job {
        backends::JAEGER => (
            Severity::Page,
            "No trace arrives; what the services' queues cannot hold is dropped.",
        ),
        backends::SPAN_METRICS => (
            Severity::Ticket,
            "The Monitor tab of Jaeger has no current data.",
        ),
        backends::ALERTMANAGER => (Severity::Page, "Nobody is told of any alert."),
        _ => (
            Severity::Page,
            "It cannot scrape itself, so its own alerts cannot be trusted.",
        ),
    };
    down(
        "BackendDown",
        job,
        severity,
        format!("{job} is down"),
        consequence,
        Runbook {
            meaning: "A program of the observability stack does not answer Prometheus, or is not among its targets. \
                      The platform goes on; what watches it does not."
                .to_owned(),
            look: vec![
                "`make status`: is the process running, and since when?".to_owned(),
                "`make logs SERVICE=<backend> FOLLOW=0`: the last lines. `spanmetrics` is a port of Jaeger's, so its log is Jaeger's.".to_owned(),
                "Memory and disk of the machine: Jaeger keeps traces in memory, Prometheus writes to `.stack/data`.".to_owned(),
            ],
            act: vec![
                "Jaeger: services hold and then drop spans (`SpansDropped`), requests go on. Restart it; traces that were in memory are gone.".to_owned(),
                "Alertmanager: read alerts in Prometheus, `/api/v1/alerts`, until it is back.".to_owned(),
                "Prometheus: this alert comes only when it can still evaluate; when it is gone altogether nothing fires, so watch it from outside too.".to_owned(),
                "A bad configuration: `make check` names the file and the line.".to_owned(),
            ],
        },
    )
}

fn down(
    name: &str,
    job: &'static str,
    severity: Severity,
    summary: String,
    consequence: &str,
    runbook: Runbook,
) -> Alert {
    let fires = || Firing::value("0").of_rule("service", job);
    // An absent job fires, so every scenario includes all other jobs.
    let of_name: &[&'static str] = if name == "ServiceDown" {
        &Service::ALL.map(Service::name)
    } else {
        &backends::JOBS
    };
    let others = |except: Option<&str>| -> Vec<Series> {
        of_name
            .iter()
            .filter(|&&other| Some(other) != except)
            .map(|other| Series::up(other).constant(1.0, 11))
            .collect()
    };
    let mut refused = others(Some(job));
    refused.push(Series::up(job).constant(1.0, 5).constant(0.0, 6));
    let absent = others(Some(job));
    let mut one_of_two = others(None);
    one_of_two.push(
        Series::new(backends::UP)
            .label("job", job)
            .label("instance", "b")
            .constant(0.0, 11),
    );
    Alert {
        name: name.to_owned(),
        severity,
        conditions: vec![Condition::below(
            format!("(min({}) or vector(0))", backends::up(job)),
            1.0,
        )],
        pending: PENDING,
        labels: BTreeMap::from([("service", job.to_owned())]),
        summary,
        description: consequence.to_owned(),
        runbook,
        scenarios: vec![
            Scenario::new(format!("{job}: up, then down"), refused)
                .silent(4, name)
                .fires(10, name, vec![fires()]),
            Scenario::new(format!("{job}: not among the targets"), absent).fires(
                10,
                name,
                vec![fires()],
            ),
            Scenario::new(format!("{job}: one of two instances is down"), one_of_two).fires(
                10,
                name,
                vec![fires()],
            ),
        ],
    }
}
