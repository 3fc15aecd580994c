//! Traces built in code, for the tests of the verifier.

use std::collections::BTreeMap;

use super::model::{AttributeValue, Link, Span, SpanKind, Trace};

pub(super) const BID_A: &str = "a1";
pub(super) const BID_B: &str = "b2";

fn span(id: &str, parent: Option<&str>, service: &str, kind: SpanKind, name: &str) -> Span {
    Span {
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        name: name.to_owned(),
        kind,
        service: service.to_owned(),
        instance: format!("{service}-1"),
        start_ns: 1,
        end_ns: 2,
        failed: false,
        attributes: BTreeMap::new(),
        links: vec![],
    }
}

fn with(mut span: Span, attributes: &[(&str, &str)]) -> Span {
    for (key, value) in attributes {
        span.attributes
            .insert((*key).to_owned(), AttributeValue::string(*value));
    }
    span
}

pub(super) fn link(trace_id: &str) -> Link {
    Link {
        trace_id: trace_id.to_owned(),
        span_id: "1".to_owned(),
    }
}

pub(super) fn internal(id: &str, parent: Option<&str>, service: &str, name: &str) -> Span {
    span(id, parent, service, SpanKind::Internal, name)
}

pub(super) fn http_server(id: &str, parent: Option<&str>, service: &str, name: &str) -> Span {
    let span = span(id, parent, service, SpanKind::Server, name);
    with(span, &[("http.request.method", "POST")])
}

fn http_client(id: &str, parent: Option<&str>, service: &str, status: &str) -> Span {
    let mut span = span(id, parent, service, SpanKind::Client, "POST");
    span.failed = status != "201";
    let attributes = [
        ("http.request.method", "POST"),
        ("http.response.status_code", status),
    ];
    with(span, &attributes)
}

pub(super) fn grpc_server(id: &str, parent: Option<&str>, service: &str, method: &str) -> Span {
    let span = span(id, parent, service, SpanKind::Server, method);
    with(span, &[("rpc.system.name", "grpc"), ("rpc.method", method)])
}

fn grpc_client(id: &str, parent: Option<&str>, service: &str, method: &str) -> Span {
    let span = span(id, parent, service, SpanKind::Client, method);
    with(span, &[("rpc.system.name", "grpc"), ("rpc.method", method)])
}

fn messaging(span: Span, subject: &str) -> Span {
    let attributes = [
        ("messaging.system", "nats"),
        ("messaging.destination.name", subject),
    ];
    with(span, &attributes)
}

fn producer(id: &str, parent: Option<&str>, service: &str, subject: &str) -> Span {
    let name = format!("send {subject}");
    messaging(
        span(id, parent, service, SpanKind::Producer, &name),
        subject,
    )
}

pub(super) fn consumer(id: &str, parent: Option<&str>, service: &str, subject: &str) -> Span {
    let name = format!("process {subject}");
    messaging(
        span(id, parent, service, SpanKind::Consumer, &name),
        subject,
    )
}

fn sql(id: &str, parent: Option<&str>, service: &str) -> Span {
    let span = span(id, parent, service, SpanKind::Client, "INSERT bids");
    with(span, &[("db.system.name", "sqlite")])
}

/// A gRPC call from one service to another: the CLIENT span `{id}.client` and the SERVER span `{id}`.
fn grpc(id: &str, parent: &str, from: &str, to: &str, method: &str) -> [Span; 2] {
    let client = format!("{id}.client");
    [
        grpc_client(&client, Some(parent), from, method),
        grpc_server(id, Some(&client), to, method),
    ]
}

/// The settlement of one award, from its span `award` to the response of the payment provider.
fn settlement(prefix: &str, award: &str, status: &str) -> Vec<Span> {
    let id = |name: &str| format!("{prefix}{name}");
    let mut spans = vec![
        sql(&id("award.sql"), Some(award), "auction"),
        producer(
            &id("awarded.send"),
            Some(award),
            "auction",
            "events.auction.awarded",
        ),
        consumer(
            &id("awarded"),
            Some(&id("awarded.send")),
            "order",
            "events.auction.awarded",
        ),
        internal(&id("settle"), Some(&id("awarded")), "order", "order.settle"),
        http_client(
            &id("authorise.client"),
            Some(&id("settle")),
            "order",
            status,
        ),
        http_server(
            &id("authorise"),
            Some(&id("authorise.client")),
            "payment",
            "POST /v1/authorisations",
        ),
    ];
    spans.extend(grpc(
        &id("reserve"),
        &id("settle"),
        "order",
        "reward",
        "bidtrace.reward.v1.Rewards/Reserve",
    ));
    spans
}

fn confirmation(prefix: &str) -> Vec<Span> {
    let settle = format!("{prefix}settle");
    let mut spans = vec![
        producer(
            "confirmed.send",
            Some(&settle),
            "order",
            "events.order.confirmed",
        ),
        consumer(
            "confirmed",
            Some("confirmed.send"),
            "notification",
            "events.order.confirmed",
        ),
    ];
    spans.extend(grpc(
        "commit",
        &settle,
        "order",
        "reward",
        "bidtrace.reward.v1.Rewards/Commit",
    ));
    spans
}

fn opening() -> Vec<Span> {
    let mut spans = vec![http_server("root", None, "gateway", "POST /v1/auctions")];
    spans.extend(grpc(
        "open",
        "root",
        "gateway",
        "auction",
        "bidtrace.auction.v1.Auctions/OpenAuction",
    ));
    spans.extend(grpc(
        "find",
        "open",
        "auction",
        "catalog",
        "bidtrace.catalog.v1.Catalog/FindEligible",
    ));
    let mut award = internal("award", Some("open"), "auction", "auction.award");
    award.links = vec![link(BID_A), link(BID_B)];
    spans.push(award);
    spans
}

/// The spans of an auction whose first payment is authorised.
pub(super) fn auction_spans() -> Vec<Span> {
    let mut spans = opening();
    spans.extend(settlement("", "award", "201"));
    spans.extend(confirmation(""));
    spans
}

pub(super) fn auction_trace() -> Trace {
    Trace::new("t", auction_spans())
}

/// An auction whose first payment was declined and whose second award was settled.
pub(super) fn declined_trace() -> Trace {
    let mut spans = opening();
    spans.extend(settlement("", "award", "402"));
    spans.extend(grpc(
        "revoke",
        "settle",
        "order",
        "auction",
        "bidtrace.auction.v1.Auctions/RevokeAward",
    ));
    let mut second = internal("award2", Some("revoke"), "auction", "auction.award");
    second.links = vec![link("t"), link(BID_A)];
    second.start_ns += 1;
    spans.push(second);
    spans.extend(settlement("second.", "award2", "201"));
    spans.extend(confirmation("second."));
    Trace::new("t", spans)
}

pub(super) fn bid_trace() -> Trace {
    let mut spans = vec![http_server(
        "root",
        None,
        "gateway",
        "POST /v1/auctions/{id}/bids",
    )];
    spans.extend(grpc(
        "bid",
        "root",
        "gateway",
        "auction",
        "bidtrace.auction.v1.Auctions/PlaceBid",
    ));
    spans.push(sql("sql", Some("bid"), "auction"));
    Trace::new(BID_A, spans)
}

/// The settled auction without one span.
pub(super) fn without(id: &str) -> Trace {
    let mut spans = auction_spans();
    spans.retain(|span| span.id != id);
    Trace::new("t", spans)
}
