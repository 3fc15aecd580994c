//! Alerts about background work: publishing events from the outboxes, and settling orders.

use std::collections::BTreeMap;

use registry::{ORDER_SETTLED, ORDER_SETTLING, OUTBOX_OLDEST_AGE};

use crate::promql::Selector;
use crate::rule_file::{Alert, Condition, Group, RuleFile, Runbook, Severity};
use crate::scenario::{Firing, Scenario, Series};

/// Maximum age of an outbox's oldest event. Usually an event is published within milliseconds, during a restart of the
/// broker within seconds.
const OUTBOX_SECONDS: f64 = 30.0;
/// A settlement takes at most some twenty seconds, even if the payment provider does not answer until the time-out.
const SETTLEMENT_WINDOW: &str = "2m";

pub(crate) fn file() -> RuleFile {
    RuleFile {
        name: "settlement".to_owned(),
        groups: vec![Group {
            name: "settlement".to_owned(),
            interval: None,
            recordings: Vec::new(),
            alerts: vec![outbox_stuck(), settlement_stuck()],
        }],
        scenarios: Vec::new(),
    }
}

fn outbox_stuck() -> Alert {
    let name = "OutboxStuck";
    let age = OUTBOX_OLDEST_AGE.prometheus_name();
    let series = || {
        Series::new(age.clone())
            .label("job", "auction")
            .label("instance", "a")
    };
    Alert {
        name: name.to_owned(),
        severity: Severity::Page,
        conditions: vec![Condition::above(
            format!("max by (job) ({age})"),
            OUTBOX_SECONDS,
        )],
        pending: Some("15s"),
        labels: BTreeMap::new(),
        summary: "Events do not leave {{ $labels.job }}".to_owned(),
        description: "The oldest event in its outbox has waited for {{ $value | humanizeDuration }}: what follows from \
                      it (settlement, notifications) stands still."
            .to_owned(),
        runbook: Runbook {
            meaning: "A service has committed changes whose events it cannot publish. Nothing is lost: they are in its \
                      database and leave in their order as soon as it can. But auctions that were awarded are not settled, \
                      and nobody is notified."
                .to_owned(),
            look: vec![
                "`curl -s 127.0.0.1:8222/healthz`: is NATS up, and JetStream with it?".to_owned(),
                "`make logs SERVICE=<job> FOLLOW=0`: \"the outbox cannot be published\", with the cause.".to_owned(),
                "Its dashboard, messages sent by error type; `/readyz` on its admin port, check `broker`.".to_owned(),
            ],
            act: vec![
                "NATS is down: `make status`, its log; the services reconnect by themselves.".to_owned(),
                "The stream is full or its disk is: free space under `.stack/data/nats`.".to_owned(),
                "The broker is well and the service's database refuses writes: free its disk, end the transaction that holds the lock.".to_owned(),
            ],
        },
        scenarios: vec![
            Scenario::new(
                format!("{name}: an event waits and waits"),
                vec![series().constant(0.0, 5).increasing(60.0, 6)],
            )
            .silent(4, name)
            .fires(
                7,
                name,
                vec![Firing::value("3m 0s").of_series("job", "auction")],
            ),
            Scenario::new(
                format!("{name}: events wait for some seconds"),
                vec![series().constant(12.0, 11)],
            )
            .silent(10, name),
        ],
    }
}

fn settlement_stuck() -> Alert {
    let name = "SettlementStuck";
    let settling = Selector::named(ORDER_SETTLING.prometheus_name());
    let settled = Selector::named(ORDER_SETTLED.prometheus_name());
    let under_way = |value: f64| {
        Series::new(settling.name())
            .label("job", "order")
            .label("instance", "a")
            .constant(value, 11)
    };
    let ended = |each: f64| {
        Series::new(settled.name())
            .label("job", "order")
            .label("instance", "a")
            .label("bidtrace_outcome", "confirmed")
            .increasing(each, 11)
    };
    Alert {
        name: name.to_owned(),
        severity: Severity::Page,
        conditions: vec![
            Condition::above(
                format!("sum(min_over_time({settling}[{SETTLEMENT_WINDOW}]))"),
                0.0,
            ),
            Condition::equal(
                format!("sum({})", settled.increase(SETTLEMENT_WINDOW)),
                0.0,
            ),
        ],
        pending: Some("1m"),
        labels: BTreeMap::from([("service", "order".to_owned())]),
        summary: "Orders do not settle".to_owned(),
        description: "{{ $value | humanize }} settlements have been under way for two minutes and none has ended."
            .to_owned(),
        runbook: Runbook {
            meaning: "Auctions are awarded and their orders neither confirmed nor failed. The saga's log is persisted and \
                      goes on where it stopped; until then customers wait, points stay reserved and payments stay authorised."
                .to_owned(),
            look: vec![
                "The dashboard of order: saga steps by outcome; the step that is `retried` is where it stands.".to_owned(),
                "In Jaeger, service order, operation `order.settle`: the last span of a trace that does not end.".to_owned(),
                "`ServiceDown` for payment, reward or auction: a saga waits for the one it needs.".to_owned(),
            ],
            act: vec![
                "A dependency is down: its page. Sagas go on by themselves when it is back; steps are idempotent.".to_owned(),
                "Payment stalls: after its retries an order fails and the next-lowest bid is awarded; nothing to do but to tell the provider.".to_owned(),
                "Nothing is retried and nothing ends: restart order; it resumes every saga from its log.".to_owned(),
            ],
        },
        scenarios: vec![
            Scenario::new(
                format!("{name}: three settlements, and none ends"),
                vec![under_way(3.0), ended(0.0)],
            )
            .fires(10, name, vec![Firing::value("3")]),
            Scenario::new(
                format!("{name}: settlements begin and end"),
                vec![under_way(3.0), ended(20.0)],
            )
            .silent(10, name),
            Scenario::new(
                format!("{name}: nothing to settle"),
                vec![under_way(0.0), ended(0.0)],
            )
            .silent(10, name),
        ],
    }
}
