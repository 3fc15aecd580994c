//! gRPC over real sockets: all four kinds of calls, their statuses and their ends.

use std::convert::Infallible;
use std::sync::Arc;

use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use http::uri::PathAndQuery;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::TraceContextExt;
use telemetry::grpc::{ServerLayer, TrustPolicy};
use tonic::body::Body;
use tonic::{Code, Request, Status};
use tower::{Layer, ServiceExt, service_fn};

use crate::echo::{COLLECT, CONVERSE, Client, Codec, HEALTH, LIVE, REPEAT, UNARY, client};
use crate::harness::{eventually, has_line, named, run, sample, spans, spans_so_far, traced};
use crate::receiver::{Span, SpanKind};

async fn unary(client: &mut Client, path: &'static str, text: &str) -> Result<String, Status> {
    let path = PathAndQuery::from_static(path);
    client.ready().await.unwrap();
    client
        .unary(Request::new(text.to_owned()), path, Codec::new())
        .await
        .map(tonic::Response::into_inner)
}

pub async fn server_stream(
    client: &mut Client,
    path: &'static str,
    text: &str,
) -> tonic::Streaming<String> {
    let path = PathAndQuery::from_static(path);
    client.ready().await.unwrap();
    client
        .server_streaming(Request::new(text.to_owned()), path, Codec::new())
        .await
        .unwrap()
        .into_inner()
}

fn words(text: &str) -> Request<impl futures::Stream<Item = String> + Send + use<>> {
    let words: Vec<_> = text.split(' ').map(str::to_owned).collect();
    Request::new(stream::iter(words))
}

fn of_kind(spans: &[Span], kind: SpanKind) -> &Span {
    spans.iter().find(|span| span.kind() == kind).unwrap()
}

fn both_there(spans: &[Span]) -> bool {
    [SpanKind::Client, SpanKind::Server]
        .into_iter()
        .all(|kind| spans.iter().any(|span| span.kind() == kind))
}

#[test]
fn calls_of_all_four_kinds_go_on_in_the_trace_of_their_caller() {
    run(async {
        let mut client = client().await;
        for (kind, method) in [
            ("unary", "it.Echo/Unary"),
            ("client stream", "it.Echo/Collect"),
            ("server stream", "it.Echo/Repeat"),
            ("both", "it.Echo/Converse"),
        ] {
            let (trace, answer) = traced(async {
                client.ready().await.unwrap();
                match kind {
                    "unary" => unary(&mut client, UNARY, "a b").await.unwrap(),
                    "client stream" => {
                        let path = PathAndQuery::from_static(COLLECT);
                        let call = client.client_streaming(words("a b"), path, Codec::new());
                        call.await.unwrap().into_inner()
                    }
                    "server stream" => {
                        let words = server_stream(&mut client, REPEAT, "a b").await;
                        words.try_collect::<Vec<_>>().await.unwrap().join(" ")
                    }
                    _ => {
                        let path = PathAndQuery::from_static(CONVERSE);
                        let call = client.streaming(words("a b"), path, Codec::new());
                        let words = call.await.unwrap().into_inner();
                        words.try_collect::<Vec<_>>().await.unwrap().join(" ")
                    }
                }
            })
            .await;
            assert_eq!(answer, "A B", "{kind}");
            let echoes = if kind == "unary" { 1 } else { 2 };
            let spans = spans(&trace, |spans| spans.len() == 3 + echoes).await;
            let (client, server) = (
                of_kind(&spans, SpanKind::Client),
                of_kind(&spans, SpanKind::Server),
            );
            assert_eq!(client.parent(), named(&spans, "root").id());
            assert_eq!(server.parent(), client.id(), "{kind}");
            for span in [client, server] {
                assert_eq!(span.name(), method);
                assert_eq!(span.attribute("rpc.method"), method);
                assert_eq!(span.attribute("rpc.system.name"), "grpc");
                assert_eq!(span.attribute("rpc.response.status_code"), "OK");
                assert_eq!(span.attribute("error.type"), "");
                assert!(!span.is_error());
            }
            for echo in spans.iter().filter(|span| span.name() == "echo") {
                assert_eq!(echo.parent(), server.id(), "{kind}");
            }
        }
    });
}

#[test]
fn a_status_is_read_from_trailers_and_from_headers_alike() {
    run(async {
        let mut client = client().await;
        // What fails at once is answered with headers only; what fails after a message, with trailers.
        for (code, name, server_fails) in [
            (Code::NotFound, "NOT_FOUND", false),
            (Code::Internal, "INTERNAL", true),
            (Code::Unavailable, "UNAVAILABLE", true),
            (Code::OutOfRange, "OUT_OF_RANGE", false),
        ] {
            let failing = format!("status:{}", i32::from(code));
            let at_once = traced(async {
                let status = unary(&mut client, UNARY, &failing).await.unwrap_err();
                assert_eq!(status.code(), code);
            })
            .await;
            let in_trailers = traced(async {
                let mut words =
                    server_stream(&mut client, REPEAT, &format!("first {failing}")).await;
                assert_eq!(words.message().await.unwrap().unwrap(), "FIRST");
                assert_eq!(words.message().await.unwrap_err().code(), code);
            })
            .await;
            for (trace, ()) in [at_once, in_trailers] {
                let spans = spans(&trace, both_there).await;
                let server = of_kind(&spans, SpanKind::Server);
                assert_eq!(server.attribute("rpc.response.status_code"), name);
                let error = if server_fails { name } else { "" };
                assert_eq!(server.attribute("error.type"), error);
                assert_eq!(server.is_error(), server_fails, "{name}");
                let client = of_kind(&spans, SpanKind::Client);
                assert_eq!(client.attribute("rpc.response.status_code"), name);
                assert!(client.is_error(), "{name}");
            }
            for side in ["server", "client"] {
                // Of what the caller has done wrong the server has made no error.
                let error = if side == "client" || server_fails {
                    name
                } else {
                    ""
                };
                for method in ["Unary", "Repeat"] {
                    let counted = sample(
                        &format!("rpc_{side}_call_duration_seconds_count"),
                        &[
                            "rpc_system_name=\"grpc\"",
                            &format!("rpc_method=\"it.Echo/{method}\""),
                            &format!("rpc_response_status_code=\"{name}\""),
                            &format!("error_type=\"{error}\""),
                        ],
                    );
                    assert_eq!(counted, Some(1.0), "{side} {method} {name}");
                }
            }
        }
    });
}

#[test]
fn a_call_lasts_until_its_trailers() {
    run(async {
        let mut client = client().await;
        let (trace, ()) = traced(async {
            let mut words = server_stream(&mut client, REPEAT, "a hang").await;
            assert_eq!(words.message().await.unwrap().unwrap(), "A");
            let trace = telemetry::context::current_trace_id().unwrap();
            let ended = spans_so_far(&trace).await;
            assert!(ended.iter().all(|span| span.name() == "echo"), "{ended:#?}");
        })
        .await;
        let spans = spans(&trace, both_there).await;
        // The caller has left the call while it went on: that is no answer of the server.
        let server = of_kind(&spans, SpanKind::Server);
        assert_eq!(server.attribute("rpc.response.status_code"), "CANCELLED");
        assert_eq!(server.attribute("error.type"), "cancelled");
        assert!(!server.is_error());
    });
}

#[test]
fn a_unary_call_that_is_given_up_is_cancelled_on_both_sides() {
    run(async {
        let mut client = client().await;
        let (trace, ()) = traced(async {
            let call = unary(&mut client, UNARY, "hang");
            let patience = std::time::Duration::from_millis(500);
            assert!(tokio::time::timeout(patience, call).await.is_err());
        })
        .await;
        let spans = spans(&trace, both_there).await;
        for kind in [SpanKind::Client, SpanKind::Server] {
            let span = of_kind(&spans, kind);
            assert_eq!(span.attribute("error.type"), "cancelled", "{kind:?}");
            assert_eq!(span.attribute("rpc.response.status_code"), "CANCELLED");
        }
    });
}

#[test]
fn a_call_that_is_given_up_for_its_deadline_says_so_on_both_sides() {
    run(async {
        let mut client = client().await;
        let (trace, ()) = traced(async {
            let mut request = Request::new("hang".to_owned());
            request.set_timeout(std::time::Duration::from_secs(1));
            client.ready().await.unwrap();
            let path = PathAndQuery::from_static(UNARY);
            let call = client.unary::<_, String, _>(request, path, Codec::new());
            assert!(call.await.is_err());
        })
        .await;
        let spans = spans(&trace, both_there).await;
        let server = of_kind(&spans, SpanKind::Server);
        let exceeded = "DEADLINE_EXCEEDED";
        assert_eq!(server.attribute("rpc.response.status_code"), exceeded);
        assert!(server.is_error());
        assert!(of_kind(&spans, SpanKind::Client).is_error());
    });
}

#[test]
fn a_declared_stream_counts_as_open_and_stays_out_of_the_durations() {
    run(async {
        let mut client = client().await;
        let open = |side| {
            let name = format!("rpc_{side}_open_streams");
            sample(&name, &["rpc_method=\"it.Echo/Live\""])
        };
        let (trace, ()) = traced(async {
            let mut words = server_stream(&mut client, LIVE, "a b hang").await;
            words.next().await.unwrap().unwrap();
            assert_eq!(open("server"), Some(1.0));
            assert_eq!(open("client"), Some(1.0));
        })
        .await;
        let spans = spans(&trace, both_there).await;
        for span in spans.iter().filter(|span| span.name() == "it.Echo/Live") {
            assert!(!span.is_error(), "leaving a stream is no error: {span:#?}");
            assert_eq!(span.attribute("rpc.response.status_code"), "CANCELLED");
            assert_eq!(span.attribute("telemetry.streaming"), "true");
            assert_eq!(span.attribute("error.type"), "");
        }
        eventually(async || open("server") == Some(0.0) && open("client") == Some(0.0))
            .await
            .unwrap();
        assert!(!has_line(&["call_duration_seconds_count", "it.Echo/Live"]));
    });
}

#[test]
fn a_health_check_makes_no_span_and_no_metric() {
    run(async {
        let mut client = client().await;
        let (trace, ()) = traced(async {
            unary(&mut client, HEALTH, "well?").await.unwrap();
        })
        .await;
        let spans = spans(&trace, |spans| {
            spans.iter().any(|span| span.name() == "root")
        })
        .await;
        assert_eq!(spans.len(), 1, "{spans:#?}");
        assert!(!has_line(&["grpc.health"]));
    });
}

#[test]
fn a_method_that_does_not_exist_is_no_label() {
    run(async {
        let mut client = client().await;
        let (trace, ()) = traced(async {
            let status = unary(&mut client, "/it.Echo/Nothing", "a")
                .await
                .unwrap_err();
            assert_eq!(status.code(), Code::Unimplemented);
        })
        .await;
        let spans = spans(&trace, both_there).await;
        let server = of_kind(&spans, SpanKind::Server);
        for (key, value) in [
            ("rpc.response.status_code", "UNIMPLEMENTED"),
            ("rpc.method", "_OTHER"),
            ("rpc.method_original", "it.Echo/Nothing"),
        ] {
            assert_eq!(server.attribute(key), value, "{key}");
        }
        assert_eq!(server.name(), "grpc");
        assert!(!has_line(&["rpc_server_call", "Nothing"]));
        assert!(has_line(&["rpc_server_call", "rpc_method=\"_OTHER\""]));
    });
}

#[test]
fn a_server_that_cannot_be_reached_is_an_error_of_the_client() {
    run(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let channel = tonic::transport::Channel::from_shared(format!("http://{address}"))
            .unwrap()
            .connect_lazy();
        let layer = telemetry::grpc::ClientLayer::new();
        let mut client = tonic::client::Grpc::new(tower::Layer::layer(&layer, channel));
        let (trace, ()) = traced(async {
            assert!(unary(&mut client, UNARY, "anybody?").await.is_err());
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let span = of_kind(&spans, SpanKind::Client);
        assert_eq!(span.attribute("error.type"), "connection_refused");
        assert!(span.is_error());
    });
}

#[test]
fn a_panic_in_a_handler_is_an_error_of_its_call_and_of_no_other_on_the_connection() {
    run(async {
        let mut client = client().await;
        let mut other = server_stream(&mut client, REPEAT, "first hang").await;
        assert_eq!(other.message().await.unwrap().unwrap(), "FIRST");
        let (trace, ()) = traced(async {
            assert!(unary(&mut client, UNARY, "panic").await.is_err());
        })
        .await;
        let spans = spans(&trace, both_there).await;
        let server = of_kind(&spans, SpanKind::Server);
        assert_eq!(server.attribute("error.type"), "panic");
        assert_eq!(server.attribute("rpc.response.status_code"), "UNKNOWN");
        assert!(server.is_error());
        assert!(of_kind(&spans, SpanKind::Client).is_error());
        let labels = ["rpc_method=\"it.Echo/Unary\"", "error_type=\"panic\""];
        let counted = sample("rpc_server_call_duration_seconds_count", &labels);
        assert_eq!(counted, Some(1.0));
        // The connection goes on, with what was open on it.
        assert_eq!(unary(&mut client, UNARY, "a").await.unwrap(), "A");
        assert!(other.next().now_or_never().is_none());
    });
}

#[test]
fn at_a_boundary_a_strangers_context_is_a_link_and_a_trusted_one_the_parent() {
    run(async {
        let trusted =
            TrustPolicy::Boundary(Arc::new(|headers| headers.contains_key("x-credential")));
        let service =
            ServerLayer::new()
                .trust(trusted)
                .layer(service_fn(async |_: http::Request<Body>| {
                    let context = opentelemetry::Context::current();
                    let id = context.span().span_context().trace_id();
                    let mut response = Status::ok("").into_http::<Body>();
                    let told = format!("{id} {}", context.baggage().len());
                    response.headers_mut().insert("told", told.parse().unwrap());
                    Ok::<_, Infallible>(response)
                }));
        let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4755", "00f067aa0ba902b7");
        let call = async |flags: &str, credential: bool| {
            let mut request = http::Request::post(UNARY)
                .header("traceparent", format!("00-{trace}-{parent}-{flags}"))
                .header("baggage", "tenant=mapo")
                .body(Body::empty())
                .unwrap();
            if credential {
                let headers = request.headers_mut();
                headers.insert("x-credential", "1".parse().unwrap());
            }
            let response = service.clone().oneshot(request).await.unwrap();
            let told = response.headers()["told"].to_str().unwrap().to_owned();
            let (id, baggage) = told.split_once(' ').unwrap();
            (id.to_owned(), baggage.to_owned())
        };

        let (id, baggage) = call("01", false).await;
        assert_ne!(id, trace);
        assert_eq!(baggage, "0");
        let stranger = spans(&id, |spans| spans.len() == 1).await;
        assert_eq!(stranger[0].parent(), "");
        assert_eq!(stranger[0].links(), [(trace.to_owned(), parent.to_owned())]);

        // Nor can a stranger keep a call out of the traces.
        let (id, _) = call("00", false).await;
        spans(&id, |spans| spans.len() == 1).await;

        let (id, baggage) = call("01", true).await;
        assert_eq!((id.as_str(), baggage.as_str()), (trace, "1"));
        let trusted = spans(&id, |spans| spans.len() == 1).await;
        assert_eq!(trusted[0].parent(), parent);
        assert_eq!(trusted[0].links(), []);

        let (id, _) = call("00", true).await;
        assert_eq!(id, trace);
        let more = spans_so_far(trace).await.len();
        assert_eq!(more, 1, "a trusted caller's decision not to sample holds");
    });
}
