//! The trace contexts that the gateway inherits.

use api::common::Role;
use chassis::clock::Clock;
use opentelemetry::trace::SpanId;

use crate::support::{Answer, Edge, bearer, signer};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

async fn ask(edge: &Edge, credential: &[(&str, &str)]) -> Answer {
    let authorization = bearer(&edge.token("c1", Role::Customer));
    let traceparent = format!("00-{TRACE}-{SPAN}-01");
    let mut headers = vec![
        ("authorization", authorization.as_str()),
        ("traceparent", traceparent.as_str()),
        ("baggage", "tenant=evil"),
    ];
    headers.extend_from_slice(credential);
    edge.get("/v1/rewards", &headers).await
}

fn upstream(edge: &Edge, name: &str) -> Option<String> {
    let call = edge.platform.calls("GetBalance").pop().expect("a call");
    Some(call.metadata.get(name)?.to_str().expect("text").to_owned())
}

#[tokio::test]
async fn a_strangers_trace_is_a_link_and_never_the_parent() {
    let captured = telemetry::test::capture();
    let edge = Edge::start().await;
    let answer = ask(&edge, &[]).await;
    let span = captured.span("GET /v1/rewards");
    assert_eq!(span.parent_span_id, SpanId::INVALID);
    let own = span.span_context.trace_id().to_string();
    assert_ne!(own, TRACE);
    assert_eq!(answer.header("x-trace-id"), Some(own.as_str()));
    let linked: Vec<String> = span
        .links
        .iter()
        .map(|link| link.span_context.trace_id().to_string())
        .collect();
    assert_eq!(linked, [TRACE]);
    let forwarded = upstream(&edge, "traceparent").expect("the context goes on");
    assert!(forwarded.contains(&own), "{forwarded}");
    assert_eq!(upstream(&edge, "baggage"), None);
}

#[tokio::test]
async fn a_credential_with_the_trace_claim_has_its_trace_inherited() {
    let captured = telemetry::test::capture();
    let edge = Edge::start().await;
    let until = Clock::System.now() + 60_000;
    let token = edge
        .signer
        .sign("load", Role::Customer, true, until)
        .expect("signed");
    let answer = ask(&edge, &[("trace-authorization", &bearer(&token))]).await;
    let span = captured.span("GET /v1/rewards");
    assert_eq!(span.parent_span_id.to_string(), SPAN);
    assert_eq!(answer.header("x-trace-id"), Some(TRACE));
    assert!(upstream(&edge, "traceparent").is_some_and(|parent| parent.contains(TRACE)));
}

#[tokio::test]
async fn no_other_credential_has_its_trace_inherited() {
    let edge = Edge::start().await;
    let _captured = telemetry::test::capture();
    let until = Clock::System.now() + 60_000;
    let past = Clock::System.now() - 60_000;
    let sign = |signer: &chassis::token::Signer, trace, until| {
        signer
            .sign("load", Role::Admin, trace, until)
            .expect("signed")
    };
    let without_the_claim = bearer(&sign(&edge.signer, false, until));
    let expired = bearer(&sign(&edge.signer, true, past));
    let forged = bearer(&sign(&signer("k1", 9), true, until));
    let not_a_bearer = sign(&edge.signer, true, until);
    for credential in [without_the_claim, expired, forged, not_a_bearer] {
        let answer = ask(&edge, &[("trace-authorization", &credential)]).await;
        let trace_id = answer.header("x-trace-id").expect("a trace id");
        assert_ne!(trace_id, TRACE, "{credential}");
    }
}

#[tokio::test]
async fn a_traceparent_that_is_none_harms_nobody() {
    let captured = telemetry::test::capture();
    let edge = Edge::start().await;
    for traceparent in [
        "",
        "00-zz-zz-01",
        "ff-0-0-0",
        "00-00000000000000000000000000000000-0000000000000000-01",
    ] {
        let answer = edge.get("/v1/me", &[("traceparent", traceparent)]).await;
        assert_eq!(answer.code(), "caller.missing");
    }
    assert!(captured.spans().iter().all(|span| span.links.is_empty()));
}
