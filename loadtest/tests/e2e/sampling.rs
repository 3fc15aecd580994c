//! Which traces Jaeger keeps: those of exemplars, auctions up to their late end, failed, slow and marked ones, and a share
//! of the others.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chassis::platform::Service;
use futures::future::join_all;
use http::{HeaderMap, HeaderValue, Method, header};
use loadtest::admin::MetricsFormat;
use loadtest::client::{OpenAuction, Role};
use loadtest::endpoints;
use loadtest::jaeger::ARRIVAL_LIMIT;
use loadtest::scenario::payment;
use loadtest::traces::{SpanKind, Stage};
use loadtest::transport::Transport;
use serde_json::{Value, json};
use telemetry::sampling::{DECISION_WAIT, KEEP};
use uuid::Uuid;

use crate::support::auctions::{self, new_account};
use crate::support::restaurants::RestaurantGroup;
use crate::support::stack::{self, Stack};
use crate::support::traces::assert_complete;

/// An exemplar of a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Exemplar {
    service: &'static str,
    series: String,
    trace_id: String,
    span_id: String,
}

#[test]
fn the_span_of_every_exemplar_is_in_jaeger() {
    stack::run(async |stack| {
        use_every_service(&stack).await;
        let mut exemplars = BTreeSet::new();
        for service in Service::ALL {
            let of_service = exemplars_of(service).await;
            assert!(!of_service.is_empty(), "{} has none", service.name());
            exemplars.extend(of_service);
        }
        let mut by_trace: BTreeMap<&str, Vec<&Exemplar>> = BTreeMap::new();
        for exemplar in &exemplars {
            by_trace
                .entry(&exemplar.trace_id)
                .or_default()
                .push(exemplar);
        }
        let missing = join_all(by_trace.iter().map(async |(trace_id, exemplars)| {
            let (_, missing) = stack
                .jaeger
                .wait_for_trace(trace_id, ARRIVAL_LIMIT, |trace| {
                    let spans = trace.spans();
                    let is_missing = |exemplar: &&Exemplar| {
                        !spans.iter().any(|span| span.id == exemplar.span_id)
                    };
                    exemplars.iter().copied().filter(is_missing).collect()
                })
                .await
                .expect("Jaeger responds");
            missing
        }))
        .await
        .concat();
        let all = exemplars.len();
        assert!(
            missing.is_empty(),
            "{} of {all}: {missing:#?}",
            missing.len()
        );
        println!("{all} exemplars, each with its span in Jaeger");
    });
}

#[test]
fn an_auction_awarded_long_after_the_sampling_decision_has_a_complete_trace_and_links_to_its_bids()
{
    stack::run(async |stack| {
        let customer = new_account(&stack, Role::Customer).await;
        let restaurants = RestaurantGroup::create(&stack, 3).await;
        let duration = DECISION_WAIT + Duration::from_secs(15);
        let request = OpenAuction {
            duration_ms: u32::try_from(duration.as_millis()).expect("short"),
            ..restaurants.request(payment::AUTHORISED)
        };
        let opened = customer.open_auction(&request).await.expect("it opens");
        let bids = restaurants
            .bid_down(&opened.value.id, &[19_000, 18_000, 17_000])
            .await;
        auctions::notification(&customer, "order.confirmed").await;
        let trace = assert_complete(&stack, &opened.trace_id, &bids, 0).await;
        let award = trace
            .spans()
            .iter()
            .find(|span| Stage::Award.is_shown_by(span));
        let award = award.expect("the award");
        let opening = trace.roots().next().expect("the opening");
        let later = Duration::from_nanos(award.start_ns - opening.start_ns);
        assert!(later > DECISION_WAIT, "{later:?}");
        assert_eq!(award.links.len(), 3);
        for link in &award.links {
            let linked = stack.jaeger.trace(&link.trace_id).await;
            let linked = linked.expect("Jaeger responds");
            let bid = linked.spans().iter().find(|span| span.id == link.span_id);
            assert_eq!(bid.map(|span| span.name.as_str()), Some("auction.bid"));
        }
    });
}

#[test]
fn failed_slow_and_marked_traces_are_kept_and_of_the_others_a_share() {
    /// Traces of each kind. A quarter of them, 50, is expected; 13 and 87 are six standard deviations from it.
    const EACH: usize = 200;
    const SHARE: std::ops::RangeInclusive<usize> = 13..=87;
    let plain = TraceKind::default();
    let kinds = [
        (
            "a failed server",
            true,
            TraceKind {
                failed: true,
                ..plain
            },
        ),
        (
            "a failed consumer",
            true,
            TraceKind {
                failed: true,
                kind: SpanKind::Consumer,
                ..plain
            },
        ),
        (
            "a slow server",
            true,
            TraceKind {
                millis: 1_500,
                ..plain
            },
        ),
        (
            "a slow consumer",
            true,
            TraceKind {
                millis: 1_500,
                kind: SpanKind::Consumer,
                ..plain
            },
        ),
        (
            "a marked span",
            true,
            TraceKind {
                attribute: Some(KEEP),
                kind: SpanKind::Internal,
                ..plain
            },
        ),
        ("a quick server", false, plain),
        (
            "a client that saw a failure",
            false,
            TraceKind {
                failed: true,
                kind: SpanKind::Client,
                ..plain
            },
        ),
        (
            "long work",
            false,
            TraceKind {
                millis: 60_000,
                kind: SpanKind::Internal,
                ..plain
            },
        ),
        (
            "a long stream",
            false,
            TraceKind {
                millis: 60_000,
                attribute: Some("telemetry.streaming"),
                ..plain
            },
        ),
    ];
    stack::run(async |stack| {
        let ids: Vec<Vec<String>> = kinds.iter().map(|_| fresh_ids(EACH)).collect();
        let spans: Vec<Value> = kinds
            .iter()
            .zip(&ids)
            .flat_map(|((_, _, kind), ids)| ids.iter().map(|id| kind.span(id)))
            .collect();
        export(&spans).await;
        for ((what, are_all_kept, _), ids) in kinds.iter().zip(&ids) {
            let enough = if *are_all_kept { EACH } else { *SHARE.start() };
            let kept = stack::eventually(ARRIVAL_LIMIT, what, || async {
                let kept = kept(&stack, ids).await;
                (kept >= enough).then_some(kept)
            })
            .await;
            println!("{what}: {kept} of {EACH} kept");
            assert!(
                *are_all_kept || SHARE.contains(&kept),
                "{what}: {kept} of {EACH} kept"
            );
        }
    });
}

#[test]
fn reading_traces_does_not_create_any() {
    stack::run(async |stack| {
        let read = fresh_ids(1);
        kept(&stack, &read).await;
        // Spans of Jaeger would be stored before a span that is sent later.
        let later = fresh_ids(1);
        let marked = TraceKind {
            attribute: Some(KEEP),
            ..TraceKind::default()
        };
        export(&[marked.span(&later[0])]).await;
        stack::eventually(ARRIVAL_LIMIT, "the later span", || async {
            (kept(&stack, &later).await == 1).then_some(())
        })
        .await;
        let jaeger = Transport::new(endpoints::JAEGER, Duration::from_secs(5)).expect("an address");
        let services = jaeger.get("/api/v3/services").await;
        let services = services.expect("Jaeger responds");
        let known = services.json::<Value>().expect("JSON").to_string();
        assert!(
            known.contains("gateway") && !known.contains("jaeger"),
            "{known}"
        );
    });
}

/// Runs an auction and other requests, so that every service has recent exemplars.
async fn use_every_service(stack: &Stack) {
    let customer = new_account(stack, Role::Customer).await;
    let restaurants = RestaurantGroup::create(stack, 3).await;
    let request = restaurants.request(payment::AUTHORISED);
    let opened = customer.open_auction(&request).await.expect("it opens");
    restaurants
        .bid_down(&opened.value.id, &[19_000, 18_000, 17_000])
        .await;
    for _ in 0..30 {
        let me = customer.call(Method::GET, "/v1/me").send::<Value>().await;
        me.expect("an answer");
        customer.rewards().await.expect("an answer");
    }
    auctions::notification(&customer, "order.confirmed").await;
}

/// The current exemplars of a service.
async fn exemplars_of(service: Service) -> Vec<Exemplar> {
    let text = stack::metrics(service, MetricsFormat::OpenMetrics).await;
    text.lines()
        .filter_map(|line| {
            let (series, exemplar) = line.split_once(" # {")?;
            let label = |name: &str| {
                let (_, rest) = exemplar.split_once(&format!("{name}=\""))?;
                Some(rest.split_once('"')?.0.to_owned())
            };
            Some(Exemplar {
                service: service.name(),
                series: series.to_owned(),
                trace_id: label("trace_id")?,
                span_id: label("span_id")?,
            })
        })
        .collect()
}

/// What tells one kind of made-up trace, with a single span, from another.
#[derive(Clone, Copy)]
struct TraceKind {
    kind: SpanKind,
    failed: bool,
    millis: u64,
    /// A boolean attribute with the value true.
    attribute: Option<&'static str>,
}

// === impl TraceKind ===

impl Default for TraceKind {
    fn default() -> Self {
        Self {
            kind: SpanKind::Server,
            failed: false,
            millis: 5,
            attribute: None,
        }
    }
}

impl TraceKind {
    fn span(self, trace_id: &str) -> Value {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let start = since.expect("after 1970");
        let end = start + Duration::from_millis(self.millis);
        let attributes: Vec<Value> = self
            .attribute
            .map(|key| json!({ "key": key, "value": { "boolValue": true } }))
            .into_iter()
            .collect();
        json!({
            "traceId": trace_id,
            "spanId": &trace_id[16..],
            "name": "made up",
            "kind": match self.kind {
                SpanKind::Internal => 1,
                SpanKind::Server => 2,
                SpanKind::Client => 3,
                SpanKind::Producer => 4,
                SpanKind::Consumer => 5,
            },
            "startTimeUnixNano": start.as_nanos().to_string(),
            "endTimeUnixNano": end.as_nanos().to_string(),
            "attributes": attributes,
            "status": { "code": if self.failed { 2 } else { 0 } },
        })
    }
}

fn fresh_ids(count: usize) -> Vec<String> {
    let fresh = || Uuid::now_v7().simple().to_string();
    std::iter::repeat_with(fresh).take(count).collect()
}

/// Sends spans to Jaeger over OTLP.
async fn export(spans: &[Value]) {
    let resource = json!({ "attributes": [
        { "key": "service.name", "value": { "stringValue": "made-up" } }
    ] });
    let request = json!({ "resourceSpans": [
        { "resource": resource, "scopeSpans": [{ "spans": spans }] }
    ] });
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    let response = Transport::new(endpoints::OTLP_HTTP, Duration::from_secs(20))
        .expect("an address")
        .send(Method::POST, "/v1/traces", headers, request.to_string())
        .await
        .expect("Jaeger responds");
    assert!(response.status.is_success(), "{response:?}");
}

/// How many of these traces are in Jaeger.
async fn kept(stack: &Stack, ids: &[String]) -> usize {
    let mut kept = 0;
    for some in ids.chunks(20) {
        let found = join_all(some.iter().map(|id| stack.jaeger.trace(id))).await;
        kept += found
            .into_iter()
            .filter(|trace| !trace.as_ref().expect("Jaeger responds").spans().is_empty())
            .count();
    }
    kept
}
