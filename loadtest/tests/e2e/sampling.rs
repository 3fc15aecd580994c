//! What is kept: the traces that exemplars lead to, auctions to their late end, what failed and what was slow. And a
//! share of the rest.

use crate::{
    kitchen::Kitchen,
    play::{self, newcomer},
    stack::{self, Stack},
    whole_path::assert_whole,
};
use bytes::Bytes;
use chassis::platform::Service;
use futures::future::join_all;
use http::{HeaderMap, HeaderValue, Method, header};
use loadtest::{
    client::{OpenAuction, Role},
    jaeger::ARRIVAL,
    scenario::PAYS,
    traces::{Kind, Stage},
    transport::Transport,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use telemetry::sampling::{DECISION_WAIT, KEEP};
use uuid::Uuid;

/// Where Jaeger takes spans over HTTP.
const OTLP: &str = "http://127.0.0.1:4318";

/// An exemplar as a service exposes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Exemplar {
    service: &'static str,
    series: String,
    trace_id: String,
    span_id: String,
}

#[test]
fn every_exemplar_of_every_service_leads_to_its_span() {
    stack::run(async |stack| {
        busy(&stack).await;
        let mut exemplars = BTreeSet::new();
        for service in Service::ALL {
            let of_service = scrape(service).await;
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
                .settled(trace_id, ARRIVAL, |trace| {
                    let spans = trace.spans();
                    let is_missing = |exemplar: &&Exemplar| {
                        !spans.iter().any(|span| span.id == exemplar.span_id)
                    };
                    exemplars.iter().copied().filter(is_missing).collect()
                })
                .await
                .expect("Jaeger answers");
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
fn an_auction_awarded_long_after_the_decision_is_whole_and_each_of_its_links_leads_to_a_bid() {
    stack::run(async |stack| {
        let customer = newcomer(&stack, Role::Customer).await;
        let kitchen = Kitchen::open(&stack, 3).await;
        let duration = DECISION_WAIT + Duration::from_secs(15);
        let request = OpenAuction {
            duration_ms: u32::try_from(duration.as_millis()).expect("short"),
            ..kitchen.request(PAYS)
        };
        let opened = customer.open_auction(&request).await.expect("it opens");
        let bids = kitchen
            .bid_down(&opened.value.id, &[19_000, 18_000, 17_000])
            .await;
        stack::eventually(play::SETTLED, "the confirmation", || async {
            let told = customer.notifications().await.ok()?;
            told.into_iter().find(|told| told.kind == "order.confirmed")
        })
        .await;
        let trace = assert_whole(&stack, &opened.trace_id, &bids, 0).await;
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
            let linked = linked.expect("Jaeger answers");
            let bid = linked.spans().iter().find(|span| span.id == link.span_id);
            assert_eq!(bid.map(|span| span.name.as_str()), Some("auction.bid"));
        }
    });
}

#[test]
fn failed_slow_and_marked_traces_are_kept_and_of_the_others_a_share() {
    /// Of each sort. A quarter of them is 50, and no luck makes that 13 or 87: these are six standard deviations off.
    const EACH: usize = 200;
    const SHARE: std::ops::RangeInclusive<usize> = 13..=87;
    let plain = Sort::default();
    let sorts = [
        (
            "a failed server",
            true,
            Sort {
                failed: true,
                ..plain
            },
        ),
        (
            "a failed consumer",
            true,
            Sort {
                failed: true,
                kind: Kind::Consumer,
                ..plain
            },
        ),
        (
            "a slow server",
            true,
            Sort {
                millis: 1_500,
                ..plain
            },
        ),
        (
            "a slow consumer",
            true,
            Sort {
                millis: 1_500,
                kind: Kind::Consumer,
                ..plain
            },
        ),
        (
            "a marked span",
            true,
            Sort {
                attribute: Some(KEEP),
                kind: Kind::Internal,
                ..plain
            },
        ),
        ("a quick server", false, plain),
        (
            "a client that saw a failure",
            false,
            Sort {
                failed: true,
                kind: Kind::Client,
                ..plain
            },
        ),
        (
            "long work",
            false,
            Sort {
                millis: 60_000,
                kind: Kind::Internal,
                ..plain
            },
        ),
        (
            "a long stream",
            false,
            Sort {
                millis: 60_000,
                attribute: Some("telemetry.streaming"),
                ..plain
            },
        ),
    ];
    stack::run(async |stack| {
        let ids: Vec<Vec<String>> = sorts.iter().map(|_| fresh_ids(EACH)).collect();
        let spans: Vec<Value> = sorts
            .iter()
            .zip(&ids)
            .flat_map(|((_, _, sort), ids)| ids.iter().map(|id| sort.span(id)))
            .collect();
        export(&spans).await;
        for ((what, all, _), ids) in sorts.iter().zip(&ids) {
            let enough = if *all { EACH } else { *SHARE.start() };
            let kept = stack::eventually(ARRIVAL, what, || async {
                let kept = kept(&stack, ids).await;
                (kept >= enough).then_some(kept)
            })
            .await;
            println!("{what}: {kept} of {EACH} kept");
            assert!(
                *all || SHARE.contains(&kept),
                "{what}: {kept} of {EACH} kept"
            );
        }
    });
}

#[test]
fn looking_at_traces_makes_none() {
    stack::run(async |stack| {
        let looked = fresh_ids(1);
        kept(&stack, &looked).await;
        // Jaeger's own spans would be there by the time at which those that came after them are.
        let later = fresh_ids(1);
        let marked = Sort {
            attribute: Some(KEEP),
            ..Sort::default()
        };
        export(&[marked.span(&later[0])]).await;
        stack::eventually(ARRIVAL, "what came later", || async {
            (kept(&stack, &later).await == 1).then_some(())
        })
        .await;
        let jaeger = Transport::new(stack::JAEGER, Duration::from_secs(5)).expect("an address");
        let services = jaeger.send(
            Method::GET,
            "/api/v3/services",
            HeaderMap::new(),
            Bytes::new(),
        );
        let services = services.await.expect("Jaeger answers");
        let known = services.json::<Value>().expect("JSON").to_string();
        assert!(
            known.contains("gateway") && !known.contains("jaeger"),
            "{known}"
        );
    });
}

/// Something of everything, so that every service has measured something lately.
async fn busy(stack: &Stack) {
    let customer = newcomer(stack, Role::Customer).await;
    let kitchen = Kitchen::open(stack, 3).await;
    let request = kitchen.request(PAYS);
    let opened = customer.open_auction(&request).await.expect("it opens");
    kitchen
        .bid_down(&opened.value.id, &[19_000, 18_000, 17_000])
        .await;
    for _ in 0..30 {
        let me = customer.call(Method::GET, "/v1/me").send::<Value>().await;
        me.expect("an answer");
        customer.rewards().await.expect("an answer");
    }
    stack::eventually(play::SETTLED, "the confirmation", || async {
        let told = customer.notifications().await.ok()?;
        told.into_iter().find(|told| told.kind == "order.confirmed")
    })
    .await;
}

/// The exemplars of a service now.
async fn scrape(service: Service) -> Vec<Exemplar> {
    let accept = "application/openmetrics-text; version=1.0.0";
    let text = stack::metrics(service, accept).await;
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

/// What distinguishes one made-up trace of a single span from another.
#[derive(Clone, Copy)]
struct Sort {
    kind: Kind,
    failed: bool,
    millis: u64,
    /// One that is true.
    attribute: Option<&'static str>,
}

// === impl Sort ===

impl Default for Sort {
    fn default() -> Self {
        Self {
            kind: Kind::Server,
            failed: false,
            millis: 5,
            attribute: None,
        }
    }
}

impl Sort {
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
                Kind::Internal => 1,
                Kind::Server => 2,
                Kind::Client => 3,
                Kind::Producer => 4,
                Kind::Consumer => 5,
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

/// Sends spans to Jaeger as a service does.
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
    let answer = Transport::new(OTLP, Duration::from_secs(20))
        .expect("an address")
        .send(
            Method::POST,
            "/v1/traces",
            headers,
            request.to_string().into(),
        )
        .await
        .expect("Jaeger takes them");
    assert!(answer.status.is_success(), "{answer:?}");
}

/// How many of these traces Jaeger has.
async fn kept(stack: &Stack, ids: &[String]) -> usize {
    let mut kept = 0;
    for some in ids.chunks(20) {
        let found = join_all(some.iter().map(|id| stack.jaeger.trace(id))).await;
        kept += found
            .into_iter()
            .filter(|trace| !trace.as_ref().expect("Jaeger answers").spans().is_empty())
            .count();
    }
    kept
}
