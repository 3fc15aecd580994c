//! Deadlines of gRPC: they travel, they are enforced on both sides, and they are called by their name.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use http::HeaderMap;
use http::uri::PathAndQuery;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioExecutor;
use prost::Message;
use telemetry::context::{TraceExt, spawn, spawn_blocking, spawn_blocking_in, spawn_in};
use telemetry::grpc::{ClientLayer, keep_deadline, remaining, within};
use tokio::task::JoinSet;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Response, Status};
use tower::{Layer, ServiceExt};
use tracing::Instrument;

use crate::echo::{Client, Codec, LIVE, REPEAT, UNARY, address, client, client_of_three};
use crate::harness::{has_line, run, spans, traced};
use crate::receiver::{Span, SpanKind};

const EXCEEDED: &str = "DEADLINE_EXCEEDED";
const AN_HOUR: Duration = Duration::from_hours(1);

async fn call(client: &mut Client, text: &str, budget: &str) -> Result<String, Status> {
    let mut request = Request::new(text.to_owned());
    if !budget.is_empty() {
        let budget = MetadataValue::try_from(budget).unwrap();
        request.metadata_mut().insert("grpc-timeout", budget);
    }
    client.ready().await.unwrap();
    let path = PathAndQuery::from_static(UNARY);
    let answer = client.unary(request, path, Codec::new()).await;
    answer.map(Response::into_inner)
}

fn codes(spans: &[Span], kind: SpanKind) -> Vec<String> {
    spans
        .iter()
        .filter(|span| span.kind() == kind)
        .map(|span| span.attribute("rpc.response.status_code"))
        .collect()
}

#[test]
fn the_last_of_three_servers_has_what_remains_of_the_first_callers_budget() {
    run(async {
        let mut client = client_of_three().await;
        let left = call(&mut client, "next:next:budget", "1H").await.unwrap();
        let left = Duration::from_millis(left.parse().unwrap());
        assert!(left < AN_HOUR, "what has passed is not in it: {left:?}");
        assert!(left > Duration::from_mins(59), "{left:?}");
        let none = call(&mut client, "next:next:budget", "").await.unwrap();
        assert_eq!(none, "0", "without a deadline there is none");
    });
}

#[test]
fn a_deadline_that_passes_three_servers_deep_is_exceeded_at_every_hop() {
    run(async {
        let mut client = client_of_three().await;
        let (trace, status) =
            traced(async { call(&mut client, "next:next:hang", "2S").await.unwrap_err() }).await;
        assert_eq!(status.code(), Code::DeadlineExceeded);
        let spans = spans(&trace, |spans| spans.len() == 7 + 1).await;
        for kind in [SpanKind::Client, SpanKind::Server] {
            assert_eq!(codes(&spans, kind), [EXCEEDED; 3], "{kind:?}");
        }
        for span in spans.iter().filter(|span| span.name() == "it.Echo/Unary") {
            assert!(span.is_error(), "{span:#?}");
            assert_eq!(span.attribute("error.type"), EXCEEDED);
        }
        for side in ["client", "server"] {
            let count = format!("rpc_{side}_call_duration_seconds_count");
            assert!(has_line(&[&count, "it.Echo/Unary", EXCEEDED]), "{side}");
        }
    });
}

/// A call without any client's help, so that only the server watches the deadline: the head and the trailers.
async fn raw_call(path: &str, text: &str, budget: &str) -> (HeaderMap, HeaderMap) {
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let message = text.to_owned().encode_to_vec();
    let mut body = vec![0];
    body.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    body.extend(message);
    let request = http::Request::post(format!("http://{}{path}", address().await))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", budget)
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let (head, body) = client.request(request).await.unwrap().into_parts();
    let trailers = body.collect().await.unwrap().trailers().cloned();
    (head.headers, trailers.unwrap_or_default())
}

#[test]
fn a_server_tells_its_caller_that_the_deadline_has_passed_before_and_after_the_head() {
    run(async {
        let (head, trailers) = raw_call(UNARY, "hang", "50m").await;
        assert_eq!(head.get("grpc-status").unwrap(), "4");
        assert_eq!(head.get("content-type").unwrap(), "application/grpc");
        assert!(trailers.is_empty());
        let (head, trailers) = raw_call(REPEAT, "a hang", "1S").await;
        assert_eq!(head.get("grpc-status"), None, "the call had begun well");
        assert_eq!(trailers.get("grpc-status").unwrap(), "4");
    });
}

#[test]
fn a_stream_that_outlives_its_deadline_ends_with_it_on_both_sides() {
    run(async {
        let mut client = client().await;
        let (trace, status) = traced(async {
            let mut request = Request::new("a hang".to_owned());
            request.set_timeout(Duration::from_secs(1));
            let path = PathAndQuery::from_static(LIVE);
            let answer = client.server_streaming(request, path, Codec::new());
            let mut words = answer.await.unwrap().into_inner();
            assert_eq!(words.try_next().await.unwrap().unwrap(), "A");
            words.try_next().await.unwrap_err()
        })
        .await;
        assert_eq!(status.code(), Code::DeadlineExceeded);
        let spans = spans(&trace, |spans| {
            codes(spans, SpanKind::Client).len() + codes(spans, SpanKind::Server).len() == 2
        })
        .await;
        assert_eq!(codes(&spans, SpanKind::Client), [EXCEEDED]);
        assert_eq!(codes(&spans, SpanKind::Server), [EXCEEDED]);
    });
}

#[test]
fn what_has_no_budget_left_is_not_even_sent() {
    run(async {
        let mut client = client().await;
        let (trace, status) = traced(async {
            within(Duration::ZERO, call(&mut client, "a", ""))
                .await
                .unwrap_err()
        })
        .await;
        assert_eq!(status.code(), Code::DeadlineExceeded);
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        assert_eq!(codes(&spans, SpanKind::Client), [EXCEEDED]);
        assert_eq!(codes(&spans, SpanKind::Server), [""; 0], "nothing was sent");
    });
}

#[test]
fn a_client_gives_its_default_to_calls_that_do_not_stream_and_have_no_less() {
    run(async {
        let sent = async |budget: Option<Duration>, path: &'static str| {
            let seen = Arc::new(Mutex::new(None));
            let see = Arc::clone(&seen);
            let server = tower::service_fn(move |request: http::Request<tonic::body::Body>| {
                let header = request.headers().get("grpc-timeout").cloned();
                *see.lock().unwrap() = header;
                let status = Status::data_loss("enough seen");
                async move { Ok::<_, Infallible>(status.into_http::<tonic::body::Body>()) }
            });
            let layer = ClientLayer::new().streams(&[LIVE]).deadline(AN_HOUR);
            let client = layer.layer(server);
            let request = http::Request::post(path)
                .body(tonic::body::Body::empty())
                .unwrap();
            let call = client.oneshot(request);
            match budget {
                Some(budget) => within(budget, call).await.unwrap(),
                None => call.await.unwrap(),
            };
            let header = seen.lock().unwrap().take();
            header.map(|header| header.to_str().unwrap().to_owned())
        };
        let unit = |sent: Option<String>| sent.unwrap().chars().last().unwrap();
        // An hour has no room in microseconds, a minute has.
        assert_eq!(unit(sent(None, UNARY).await), 'm');
        let minute = Some(Duration::from_mins(1));
        assert_eq!(unit(sent(minute, UNARY).await), 'u');
        assert_eq!(unit(sent(minute, LIVE).await), 'u');
        let day = Some(Duration::from_hours(24));
        assert_eq!(unit(sent(day, UNARY).await), 'm');
        assert_eq!(sent(None, LIVE).await, None, "a stream lives as it likes");
    });
}

#[test]
fn a_detached_task_is_bound_by_no_deadline_of_the_call_that_spawned_it() {
    run(async {
        let (_, ()) = traced(within(AN_HOUR, async {
            assert!(remaining().is_some());
            let span = || tracing::info_span!("detached");
            // Also below a span of its own, which was made where the deadline held.
            let outer = span();
            let below = async move { async { remaining() }.instrument(outer).await };
            assert_eq!(spawn(below).await.unwrap(), None);
            assert_eq!(spawn(async { remaining() }).await.unwrap(), None);
            let inner = async {
                async { remaining() }
                    .instrument(tracing::info_span!("in"))
                    .await
            };
            assert_eq!(spawn_in(span(), inner).await.unwrap(), None);
            assert_eq!(spawn_blocking(remaining).await.unwrap(), None);
            let blocking = spawn_blocking_in(span(), remaining);
            assert_eq!(blocking.await.unwrap(), None);
            let spawned = tokio::spawn(async { remaining() }.in_current_trace());
            assert_eq!(spawned.await.unwrap(), None);
            let mut set = JoinSet::new();
            set.spawn(async { remaining() }.in_span(span()));
            assert_eq!(set.join_next().await.unwrap().unwrap(), None);
        }))
        .await;
    });
}

#[test]
fn what_the_caller_awaits_itself_or_asks_for_keeps_its_deadline() {
    run(async {
        traced(within(AN_HOUR, async {
            let span = || tracing::info_span!("kept");
            assert!(async { remaining() }.in_current_trace().await.is_some());
            assert!(async { remaining() }.in_span(span()).await.is_some());
            let kept = spawn(keep_deadline(async { remaining() }));
            assert!(kept.await.unwrap() <= Some(AN_HOUR));
            let kept = spawn(keep_deadline(async { remaining() }));
            assert!(kept.await.unwrap().is_some());
            let nested = async {
                async { remaining() }
                    .instrument(tracing::info_span!("in"))
                    .await
            };
            let kept = spawn_in(span(), keep_deadline(nested));
            assert!(kept.await.unwrap().is_some());
            // A budget of the task's own holds in it, and not in what it spawns.
            let own = spawn(within(AN_HOUR, async {
                (remaining(), spawn(async { remaining() }).await.unwrap())
            }));
            let (own, spawned) = own.await.unwrap();
            assert!(own.is_some());
            assert_eq!(spawned, None);
        }))
        .await;
    });
}

#[test]
fn a_call_that_is_made_after_the_answer_is_sent_though_the_deadline_has_passed() {
    run(async {
        let client = client().await;
        let (told, later) = tokio::sync::oneshot::channel();
        let told = Arc::new(Mutex::new(Some(told)));
        let handler = tower::service_fn(move |_: http::Request<tonic::body::Body>| {
            let (told, mut client) = (told.lock().unwrap().take(), client.clone());
            async move {
                spawn(async move {
                    // The call before has long been answered, and its time is up.
                    while remaining().is_some_and(|left| !left.is_zero()) {
                        tokio::task::yield_now().await;
                    }
                    told.unwrap().send(call(&mut client, "a", "").await)
                });
                Ok::<_, Infallible>(Status::ok("").into_http::<tonic::body::Body>())
            }
        });
        let server = telemetry::grpc::ServerLayer::new().layer(handler);
        let request = http::Request::post("/detached.Svc/Call")
            .header("grpc-timeout", "1S")
            .body(tonic::body::Body::empty())
            .unwrap();
        server.oneshot(request).await.unwrap();
        assert_eq!(later.await.unwrap().unwrap(), "A");
    });
}
