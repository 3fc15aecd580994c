//! The forms of a context as the environment chooses them, and the baggage that becomes attributes.

use std::path::Path;

use axum::Router;
use axum::routing::get;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, Full};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::{Context, KeyValue};
use telemetry::context::{SavedContext, spawn};
use telemetry::http::ServerLayer;
use tower::Service;
use tracing::Instrument;

use crate::child;
use crate::harness::{eventually, http_client, plain_client, run, series, serve};
use crate::receiver::Receiver;

#[path = "../../fuzz/carried.rs"]
mod carried;

const ALL_FORMS: [(&str, &str); 2] = [
    ("OTEL_SDK_DISABLED", "true"),
    ("OTEL_PROPAGATORS", "b3,jaeger,b3multi,tracecontext,baggage"),
];

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let lines = lines.iter().map(|(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    });
    lines.collect()
}

#[test]
fn every_form_of_the_environment_is_written_and_what_fuzzing_starts_from_holds_in_all() {
    child::run("propagation::child_speaks_all_forms", &ALL_FORMS);
}

#[tokio::test]
#[ignore = "a child"]
async fn child_speaks_all_forms() {
    let telemetry = telemetry::init("child").unwrap();
    let ids = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
    let mut sent = HeaderMap::new();
    SavedContext::from_traceparent(&format!("00-{ids}-01")).to_headers(&mut sent);
    let mut names: Vec<_> = sent.keys().map(ToString::to_string).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "b3",
            "traceparent",
            "uber-trace-id",
            "x-b3-sampled",
            "x-b3-spanid",
            "x-b3-traceid"
        ]
    );
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut checked = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        carried::check(&std::fs::read(file.unwrap().path()).unwrap());
        checked += 1;
    }
    assert!(checked >= 19, "only {checked} were there");
    drop(telemetry);
}

#[test]
fn only_the_allowed_members_of_the_baggage_become_attributes_and_they_do_on_every_span() {
    let allowed = [("TELEMETRY_BAGGAGE_ATTRIBUTES", "city, dish")];
    child::run("propagation::child_tags_its_spans", &allowed);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a child"]
async fn child_tags_its_spans() {
    let (receiver, url) = Receiver::start().await;
    let telemetry = telemetry::builder("child")
        .collector(url)
        .baggage_attributes(&["tenant"])
        .init()
        .unwrap();
    let members = [("tenant", "mapo"), ("city", "Seoul"), ("secret", "1")];
    let members = members.map(|(key, value)| KeyValue::new(key, value));
    {
        let _attached = Context::new().with_baggage(members).attach();
        tracing::info_span!("outer").in_scope(|| tracing::info_span!("inner").in_scope(|| {}));
    }
    tracing::info_span!("without").in_scope(|| {});
    let all = async || {
        telemetry.flush().await.unwrap();
        receiver.all().len() == 3
    };
    eventually(all).await.unwrap();
    for span in receiver.all() {
        let tagged = span.name() != "without";
        assert_eq!(span.attribute("tenant"), if tagged { "mapo" } else { "" });
        assert_eq!(span.attribute("city"), if tagged { "Seoul" } else { "" });
        assert_eq!(span.attribute("dish"), "");
        assert_eq!(span.attribute("secret"), "");
    }
    telemetry.shutdown().await.unwrap();
}

#[test]
fn what_is_left_out_is_counted_by_its_reason() {
    run(async {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let long = "x".repeat(200);
        let long: &'static str = Box::leak(format!("a={long},b={long},c={long}").into_boxed_str());
        let duplicated = [("traceparent", parent), ("tracestate", "a=1,a=2")];
        let mut two = headers(&duplicated[..1]);
        two.append("traceparent", HeaderValue::from_static(parent));
        let spaces: &'static str = Box::leak(" ".repeat(9000).into_boxed_str());
        for (reason, headers) in [
            ("malformed", headers(&[("traceparent", "00-1-2-3")])),
            ("malformed", headers(&[("baggage", "a=1,novalue")])),
            ("duplicated", headers(&duplicated)),
            ("duplicated", two),
            ("oversized", headers(&[("traceparent", spaces)])),
            (
                "truncated",
                headers(&[("traceparent", parent), ("tracestate", long)]),
            ),
        ] {
            let counted = || {
                let name =
                    format!("telemetry_context_rejected_total{{telemetry_reason=\"{reason}\"}}");
                series(&name).expect("every reason has a series from the beginning")
            };
            let before = counted();
            let saved = SavedContext::from_headers(&headers);
            saved.to_headers(&mut HeaderMap::new());
            assert!(counted() > before, "{reason}: {headers:?}");
        }
    });
}

#[test]
fn the_flags_and_the_whole_list_of_a_caller_reach_the_next_service_sampled_or_not() {
    const TRACE: &str = "c2f2bffe19f12a0d2221575d0b77746d";
    run(async {
        let echo = async |headers: HeaderMap| {
            let all = headers.get_all("tracestate").iter();
            let state: Vec<_> = all.map(|line| line.to_str().unwrap()).collect();
            let parent = headers["traceparent"].to_str().unwrap();
            format!("{parent} {}", state.join(","))
        };
        let next = serve(Router::new().route("/", get(echo))).await;
        let onward = get(async move || {
            let request = Request::get(format!("http://{next}/"));
            // Below a span of its own, and in a task.
            let call = spawn(async move {
                let request = request.body(Full::default()).unwrap();
                let response = http_client().call(request).await.unwrap();
                response.into_body().collect().await.unwrap().to_bytes()
            });
            call.instrument(tracing::info_span!("inside"))
                .await
                .unwrap()
        });
        let router = Router::new().route("/", onward).layer(ServerLayer::new());
        let address = serve(router).await;
        let list = "foo@@bar=1,a@=2,b=3";
        for flags in ["00", "01", "02", "03"] {
            let request = Request::get(format!("http://{address}/"))
                .header(
                    "traceparent",
                    format!("00-{TRACE}-00f067aa0ba902b7-{flags}"),
                )
                .header("tracestate", "foo@@bar=1, a@=2")
                .header("tracestate", "b=3,a@=4")
                .body(Full::default())
                .unwrap();
            let response = plain_client().call(request).await.unwrap();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            let text = std::str::from_utf8(&body).unwrap();
            let (parent, state) = text.split_once(' ').unwrap();
            assert!(parent.starts_with(&format!("00-{TRACE}-")), "{parent}");
            assert!(parent.ends_with(&format!("-{flags}")), "{parent}: {flags}");
            // A sampled trace that began elsewhere gets a mark of when it was first seen here.
            assert!(state.ends_with(list), "{state}");
            let marks = state.strip_suffix(list).unwrap().matches(',').count();
            assert_eq!(marks, usize::from(flags.ends_with(['1', '3'])), "{state}");
        }
    });
}

#[test]
fn a_saved_context_keeps_the_whole_list_of_its_caller() {
    let headers = headers(&[
        (
            "traceparent",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03",
        ),
        ("tracestate", "foo@@bar=1,b=3"),
    ]);
    let text = SavedContext::from_headers(&headers).to_text();
    let mut sent = HeaderMap::new();
    SavedContext::from_text(&text).to_headers(&mut sent);
    assert_eq!(sent, headers);
}
