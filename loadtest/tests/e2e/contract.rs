//! What runs emits what the registries declare: nothing else, and all of it.

use crate::{
    play::{self, newcomer},
    signals::minute_of_auctions,
    stack::{self, Stack},
};
use chassis::platform::Service;
use http::{HeaderMap, HeaderValue, Method, header};
use loadtest::{
    client::Role,
    contract::{Contract, Emitted},
    jaeger::ARRIVAL,
    transport::Transport,
};
use std::{path::Path, time::Duration};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0";

/// How long ago the first of the traces may have begun.
const SINCE: Duration = Duration::from_mins(5);

/// How many traces of each service are looked at.
const TRACES: usize = 400;

/// How often what runs is looked at again while something is missing.
const AGAIN: Duration = Duration::from_secs(5);

/// What needs a fault or a setting that this load does not have.
const EXCUSED: &[(&str, &str)] = &[
    (
        "metric http.server.request.body.size",
        "no service asks for sizes",
    ),
    (
        "metric http.server.response.body.size",
        "no service asks for sizes",
    ),
    (
        "metric db.client.operation.duration: db.query.summary",
        "every operation is named by hand",
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
        "every variable is right",
    ),
    (
        "metric telemetry.log.suppressed",
        "nothing repeats itself often enough",
    ),
    ("metric telemetry.log.dropped", "standard output is read"),
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
        "every measurement is right",
    ),
    (
        "metric bidtrace.gateway.rate_limited",
        "nobody asks too often",
    ),
    (
        "span http.client: http.request.method_original",
        "no service sends such a method",
    ),
    (
        "span rpc.server: rpc.method_original",
        "nobody calls what is not served",
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
fn what_is_emitted_is_what_is_declared() {
    stack::run(async |stack| {
        minute_of_auctions(&stack).await;
        errors(&stack).await;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let contract = Contract::load(&root).expect("the registries hold");
        let mut emitted = Emitted::new(&contract);
        let until = tokio::time::Instant::now() + ARRIVAL;
        loop {
            look(&stack, &mut emitted).await;
            let is_over = tokio::time::Instant::now() >= until;
            if is_over || emitted.missing(EXCUSED).is_empty() {
                break;
            }
            tokio::time::sleep(AGAIN).await;
        }
        let (undeclared, missing) = (emitted.undeclared(), emitted.missing(EXCUSED));
        assert!(
            undeclared.is_empty() && missing.is_empty(),
            "{} things are not as they are declared:\n{}\n\n{} are declared and were not emitted:\n{}",
            undeclared.len(),
            undeclared.join("\n"),
            missing.len(),
            missing.join("\n"),
        );
    });
}

/// What the crowd of the load test does not do.
async fn errors(stack: &Stack) {
    let cast = stack.cast().await;
    for payment in ["tok_flaky", "tok_declined_once"] {
        let customer = play::customer_with_points(stack, cast).await;
        let script = play::script(1, Duration::from_millis(1500), payment);
        let played = play::play(customer, cast, &script).await;
        let declined = usize::from(payment == "tok_declined_once");
        played.ended(declined).await;
    }
    let customer = newcomer(stack, Role::Customer).await;
    let mut unwanted = play::script(2, Duration::from_millis(1500), "tok_ok");
    unwanted.bids.clear();
    unwanted.request.points_to_use = 0;
    let played = play::play(customer.clone(), cast, &unwanted).await;
    stack::eventually(play::SETTLED, "the expiry", || async {
        let auction = customer.auction(&played.auction.id).await.ok()?;
        (auction.value.state != played.auction.state).then_some(())
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

/// Takes in what all services expose and what Jaeger has of them.
async fn look(stack: &Stack, emitted: &mut Emitted<'_>) {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static(OPEN_METRICS));
    for service in Service::ALL {
        let admin = format!("http://127.0.0.1:{}", service.admin_port());
        let answer = Transport::new(&admin, Duration::from_secs(20))
            .expect("an address")
            .send(
                Method::GET,
                "/metrics",
                headers.clone(),
                bytes::Bytes::new(),
            )
            .await
            .expect("a scrape");
        let text = String::from_utf8(answer.body.to_vec()).expect("text");
        emitted.scrape(service.name(), &text);
        let spans = stack
            .jaeger
            .recent(service.name(), SINCE, TRACES)
            .await
            .expect("Jaeger answers");
        assert!(!spans.is_empty(), "{} has traces", service.name());
        for span in &spans {
            emitted.span(span);
        }
    }
}
