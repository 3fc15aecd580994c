//! Which traces are recorded, and what of that travels.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::routing::get;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use telemetry::context::{current_trace_id, keep};
use telemetry::http::{ServerLayer, TrustPolicy};
use telemetry::sampling::KEEP;
use tower::Service;

use crate::harness::{
    KEPT, SKIPPED, http_client, named, plain_client, run, serve, spans, spans_so_far, traced,
};
use crate::receiver::Span;

const PARENT: &str = "00-91f2bffe19f12a0d2221575d0b77746d-00f067aa0ba902b7-01";

/// Serves operations that go on to another service, which answers with the `tracestate` that reached it.
async fn two_services(trust: TrustPolicy) -> SocketAddr {
    let second = Router::new()
        .route(
            "/second",
            get(async |headers: HeaderMap| {
                let state = headers.get("tracestate").cloned();
                state.map_or_else(String::new, |state| state.to_str().unwrap().to_owned())
            }),
        )
        .layer(ServerLayer::new());
    let second = serve(second).await;
    let first = get(async move || {
        let onward = Request::get(format!("http://{second}/second"));
        let response = http_client().call(onward.body(Full::default()).unwrap());
        let body = response.await.unwrap().into_body().collect().await;
        body.unwrap().to_bytes()
    });
    let router = Router::new()
        .route("/kept", first.clone())
        .route("/skipped", first.clone())
        .route("/other", first)
        .layer(ServerLayer::new().trust(trust));
    serve(router).await
}

async fn ask(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Response<Incoming> {
    let request = headers.iter().fold(
        Request::get(format!("http://{address}{path}")),
        |request, (name, value)| request.header(*name, *value),
    );
    let sent = plain_client().call(request.body(Full::default()).unwrap());
    sent.await.unwrap()
}

/// The trace of the answer, and what the second service answered.
async fn read(response: Response<Incoming>) -> (String, String) {
    let id = response.headers()["x-trace-id"].to_str().unwrap();
    let id = id.to_owned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (id, String::from_utf8(body.to_vec()).unwrap())
}

fn kept(span: &Span) -> bool {
    span.attribute(KEEP) == "true"
}

#[test]
fn an_operation_to_keep_is_marked_in_every_process_on_its_way() {
    assert_eq!(KEPT, "GET /kept");
    run(async {
        let address = two_services(TrustPolicy::Inherit).await;
        let (trace, state) = read(ask(address, "/kept", &[]).await).await;
        assert_eq!(state, "telemetry=k");
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        assert!(kept(named(&spans, "GET /kept")));
        assert!(
            kept(named(&spans, "GET /second")),
            "it enters a process here"
        );
    });
}

#[test]
fn an_operation_to_skip_leaves_no_span_here_or_further_on() {
    assert_eq!(SKIPPED, "GET /skipped");
    run(async {
        let address = two_services(TrustPolicy::Inherit).await;
        let (skipped, state) = read(ask(address, "/skipped", &[]).await).await;
        let (other, _) = read(ask(address, "/other", &[]).await).await;
        assert_eq!(state, "");
        assert_eq!(spans(&other, |spans| spans.len() == 3).await.len(), 3);
        assert_eq!(spans_so_far(&skipped).await, []);
    });
}

#[test]
fn a_trusted_callers_decision_goes_before_the_operations() {
    run(async {
        let address = two_services(TrustPolicy::Inherit).await;
        let sampled = [
            ("traceparent", PARENT),
            ("tracestate", "vendor=1,telemetry=k"),
        ];
        let (trace, state) = read(ask(address, "/skipped", &sampled).await).await;
        assert!(
            state.starts_with("telemetry=k;t") && state.ends_with(",vendor=1"),
            "{state}"
        );
        let spans = spans(&trace, |spans| spans.len() == 3).await;
        assert!(
            kept(named(&spans, "GET /skipped")),
            "the caller's word counts"
        );
    });
}

#[test]
fn a_strangers_word_counts_for_nothing() {
    run(async {
        let nobody = TrustPolicy::Boundary(Arc::new(|_: &HeaderMap| false));
        let address = two_services(nobody).await;
        let kept_by_stranger = [("traceparent", PARENT), ("tracestate", "telemetry=k")];
        let (_, state) = read(ask(address, "/other", &kept_by_stranger).await).await;
        assert_eq!(state, "");
        let (skipped, _) = read(ask(address, "/skipped", &kept_by_stranger).await).await;
        assert_eq!(spans_so_far(&skipped).await, []);
    });
}

#[test]
fn what_turns_out_to_be_worth_keeping_is_marked_where_that_is_known() {
    run(async {
        let (trace, ()) = traced(async {
            let found = tracing::info_span!("found");
            found.in_scope(keep);
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        assert!(kept(named(&spans, "found")));
        assert!(!kept(named(&spans, "root")));
    });
}

#[test]
fn a_trace_says_in_its_id_when_it_began() {
    run(async {
        let (_, id) = traced(async { current_trace_id().unwrap() }).await;
        let began = u64::from_str_radix(&id[..8], 16).unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(now.as_secs().abs_diff(began) <= 1, "{id}");
    });
}
