//! The running services emit what the registries declare: nothing else, and all of it.

use std::path::Path;
use std::time::Duration;

use chassis::platform::Service;
use http::Method;
use loadtest::admin::{Admin, MetricsFormat};
use loadtest::client::Role;
use loadtest::contract::{Contract, LiveCheck};
use loadtest::jaeger::ARRIVAL_LIMIT;
use loadtest::scenario::payment;

use crate::support::auctions::{self, new_account};
use crate::support::load::minute_of_auctions;
use crate::support::stack::{self, Stack};

/// How long ago the traces may have begun.
const SINCE: Duration = Duration::from_mins(5);

/// Maximum number of traces that are read for each service.
const MAX_TRACES: usize = 400;

/// The interval at which the services are checked again while something is missing.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The declared items that this load does not emit, with the reasons.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "metric http.server.request.body.size",
        "no service enables body sizes",
    ),
    (
        "metric http.server.response.body.size",
        "no service enables body sizes",
    ),
    (
        "metric db.client.operation.duration: db.query.summary",
        "every operation has a name in the code",
    ),
    (
        "metric db.client.operation.duration: server.address",
        "SQLite has no server",
    ),
    (
        "metric db.client.operation.duration: server.port",
        "SQLite has no server",
    ),
    (
        "metric db.client.operation.duration: db.response.status_code",
        "no statement fails",
    ),
    (
        "metric db.client.operation.duration: error.type",
        "no statement fails",
    ),
    (
        "metric db.client.connection.timeouts",
        "no pool is exhausted",
    ),
    (
        "metric rpc.server.call.duration: error.type",
        "no server fails",
    ),
    (
        "metric messaging.client.sent.messages: error.type",
        "the broker is up",
    ),
    (
        "metric messaging.client.sent.messages: messaging.destination.template",
        "subjects have no template",
    ),
    (
        "metric messaging.client.consumed.messages: error.type",
        "the broker is up",
    ),
    (
        "metric messaging.client.consumed.messages: messaging.destination.template",
        "subjects have no template",
    ),
    (
        "metric messaging.client.operation.duration: error.type",
        "the broker is up",
    ),
    (
        "metric messaging.client.operation.duration: messaging.destination.template",
        "subjects have no template",
    ),
    (
        "metric messaging.process.duration: error.type",
        "no handler fails",
    ),
    (
        "metric messaging.process.duration: messaging.destination.template",
        "subjects have no template",
    ),
    (
        "metric messaging.process.age: messaging.destination.template",
        "subjects have no template",
    ),
    (
        "metric messaging.consumer.lag: messaging.destination.template",
        "subjects have no template",
    ),
    (
        "metric messaging.consumer.unsettled: messaging.destination.template",
        "subjects have no template",
    ),
    (
        "metric messaging.consumer.redelivered: messaging.destination.template",
        "subjects have no template",
    ),
    (
        "metric otel.sdk.processor.span.processed: error.type",
        "the collector is up",
    ),
    (
        "metric otel.sdk.exporter.span.exported: error.type",
        "the collector is up",
    ),
    (
        "metric otel.sdk.exporter.operation.duration: error.type",
        "the collector is up",
    ),
    (
        "metric otel.sdk.exporter.operation.duration: http.response.status_code",
        "the collector is up",
    ),
    (
        "metric otel.sdk.exporter.operation.duration: rpc.response.status_code",
        "the collector is up",
    ),
    (
        "metric telemetry.sampling.fetches",
        "no service asks Jaeger for strategies",
    ),
    (
        "metric telemetry.configuration.rejected",
        "every variable is valid",
    ),
    (
        "metric telemetry.log.suppressed",
        "no log line is repeated often enough",
    ),
    ("metric telemetry.log.dropped", "standard output is read"),
    (
        "metric telemetry.span.excluded",
        "no OpenTelemetry crate makes spans of its own",
    ),
    (
        "metric telemetry.stream.events.untraced",
        "the streams deliver fewer events than may be traced",
    ),
    (
        "metric telemetry.metric.overflow",
        "no metric has too many series",
    ),
    (
        "metric telemetry.metric.undeclared",
        "every metric is declared",
    ),
    (
        "metric telemetry.metric.rejected",
        "every measurement is valid",
    ),
    (
        "metric bidtrace.gateway.rate_limited",
        "no client sends too many requests",
    ),
    (
        "span http.client: http.request.method_original",
        "no service sends such a method",
    ),
    (
        "span http.client: http.request.resend_count",
        "no HTTP request is sent again below its span",
    ),
    (
        "span rpc.server: rpc.method_original",
        "no client calls an unknown method",
    ),
    ("span rpc.server: error.type", "no server fails"),
    ("span links", "no auction has so many bids"),
    ("span messaging.producer: error.type", "the broker is up"),
    (
        "span messaging.producer: messaging.destination.template",
        "subjects have no template",
    ),
    (
        "span messaging.producer: messaging.destination.partition.id",
        "NATS has no partitions",
    ),
    (
        "span messaging.producer: messaging.message.conversation_id",
        "events have none",
    ),
    ("span messaging.consumer: error.type", "no handler fails"),
    (
        "span messaging.consumer: messaging.destination.template",
        "subjects have no template",
    ),
    (
        "span messaging.consumer: messaging.destination.partition.id",
        "NATS has no partitions",
    ),
    (
        "span messaging.consumer: messaging.message.conversation_id",
        "events have none",
    ),
    (
        "span messaging.consumer: messaging.batch.message_count",
        "events are processed one by one",
    ),
    ("span messaging.client: error.type", "the broker is up"),
    (
        "span messaging.client: messaging.destination.template",
        "subjects have no template",
    ),
    (
        "span messaging.client: messaging.destination.partition.id",
        "NATS has no partitions",
    ),
    (
        "span messaging.client: messaging.message.conversation_id",
        "events have none",
    ),
    (
        "span messaging.client: messaging.batch.message_count",
        "events are sent and received one by one",
    ),
    (
        "span db.client: db.response.status_code",
        "no statement fails",
    ),
    ("span db.client: error.type", "no statement fails"),
    ("span db.client: server.address", "SQLite has no server"),
    ("span db.client: server.port", "SQLite has no server"),
    (
        "span gateway.fetch_verifying_keys",
        "the keys were fetched at the start",
    ),
    (
        "span notification.webhook",
        "no restaurant of the seed has a webhook",
    ),
];

#[test]
fn emitted_telemetry_is_as_declared_and_everything_declared_is_emitted() {
    stack::run(async |stack| {
        minute_of_auctions(&stack).await;
        errors(&stack).await;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let contract = Contract::load(&root).expect("the registries hold");
        let mut live = LiveCheck::new(&contract);
        let until = tokio::time::Instant::now() + ARRIVAL_LIMIT;
        loop {
            check(&stack, &mut live).await;
            let is_over = tokio::time::Instant::now() >= until;
            if is_over || live.missing(EXCEPTIONS).is_empty() {
                break;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        let mut violations = live.violations();
        violations.extend(live.naming_problems());
        let missing = live.missing(EXCEPTIONS);
        assert!(
            violations.is_empty() && missing.is_empty(),
            "{} things are not as they are declared:\n{}\n\n{} are declared and were not emitted:\n{}",
            violations.len(),
            violations.join("\n"),
            missing.len(),
            missing.join("\n"),
        );
    });
}

/// Errors and rare cases that the load run does not have.
async fn errors(stack: &Stack) {
    let accounts = stack.accounts().await;
    for payment in [payment::FAILS_ONCE, payment::DECLINED_ONCE] {
        let customer = auctions::customer_with_points(stack, accounts).await;
        let plan = auctions::plan(1, Duration::from_millis(1500), payment);
        let auction = auctions::run(customer, accounts, &plan).await;
        let declined = usize::from(payment == payment::DECLINED_ONCE);
        auction.settled(declined).await;
    }
    let customer = new_account(stack, Role::Customer).await;
    let mut without_bids = auctions::plan(2, Duration::from_millis(1500), payment::AUTHORISED);
    without_bids.bids.clear();
    without_bids.request.points_to_use = 0;
    let auction = auctions::run(customer.clone(), accounts, &without_bids).await;
    stack::eventually(auctions::SETTLE_LIMIT, "the expiry", || async {
        let current = customer.auction(&auction.auction.id).await.ok()?;
        (current.value.state != auction.auction.state).then_some(())
    })
    .await;
    let refused = stack
        .gateway
        .log_in(&customer.account.email, "not this one")
        .await;
    assert!(refused.is_err(), "a wrong password");
    let brew = Method::from_bytes(b"BREW").expect("a method");
    for (method, path) in [(brew, "/v1/auctions"), (Method::GET, "/nowhere")] {
        let answer = stack
            .gateway
            .call(method, path)
            .header("traceparent", "00-nonsense-01")
            .header("user-agent", "e2e")
            .raw()
            .await
            .expect("an answer");
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
    }
}

/// Checks the metrics of all services, and their recent spans in Jaeger.
async fn check(stack: &Stack, live: &mut LiveCheck<'_>) {
    for service in Service::ALL {
        let text = Admin::new(service)
            .expect("an address")
            .metrics(MetricsFormat::OpenMetrics)
            .await
            .expect("metrics");
        live.metrics(service.name(), &text);
        let spans = stack
            .jaeger
            .recent(service.name(), SINCE, MAX_TRACES)
            .await
            .expect("Jaeger responds");
        assert!(!spans.is_empty(), "{} has traces", service.name());
        for span in &spans {
            live.span(span);
        }
    }
}
