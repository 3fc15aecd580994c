//! gRPC-Web, with our layer on either side of tonic's: the status is in the body.

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use opentelemetry::trace::TraceId;
use telemetry::grpc::ServerLayer;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_web::GrpcWebLayer;

use crate::echo;
use crate::harness::{plain_client, run, sample, spans, spans_so_far};
use crate::receiver::SpanKind;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Ours {
    Above,
    Below,
}

/// Serves the echo over both protocols, on a free port.
async fn serve(ours: Ours) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let layer = ServerLayer::new()
        .methods(echo::METHODS)
        .streams(echo::STREAMS);
    let server = Server::builder().accept_http1(true);
    // The first layer is the outermost.
    match ours {
        Ours::Above => drop(tokio::spawn(
            { server }
                .layer(layer)
                .layer(GrpcWebLayer::new())
                .serve_with_incoming(echo::routes(), incoming),
        )),
        Ours::Below => drop(tokio::spawn(
            { server }
                .layer(GrpcWebLayer::new())
                .layer(layer)
                .serve_with_incoming(echo::routes(), incoming),
        )),
    }
    format!("http://{address}")
}

/// A call as a browser makes it, over HTTP/1.1. Gives the trace and the answer's body.
async fn call(url: &str, kind: &str, message: &str) -> (String, Response<Bytes>) {
    let trace = TraceId::from(rand::random::<u128>()).to_string();
    let text = message.as_bytes();
    // The message is a string in the first field.
    let field = [&[10, u8::try_from(text.len()).unwrap()], text].concat();
    let length = u32::try_from(field.len()).unwrap();
    let mut body = [&[0][..], &length.to_be_bytes(), &field].concat();
    if kind.contains("text") {
        body = base64(&body).into_bytes();
    }
    let request = Request::post(url)
        .header("content-type", kind)
        .header("accept", kind)
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let (head, body) = plain_client().request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (trace, Response::from_parts(head, body))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let mut padded = [0; 4];
        padded[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(padded);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place > group.len() {
                '='
            } else {
                letter.into()
            });
        }
    }
    text
}

const KINDS: [&str; 4] = [
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web-text",
    "application/grpc-web-text+proto",
];

#[test]
fn the_status_of_a_call_from_a_browser_is_told_on_either_side_of_the_translation() {
    run(async {
        for ours in [Ours::Above, Ours::Below] {
            let server = serve(ours).await;
            for kind in KINDS {
                for (path, message, status, is_error) in [
                    (echo::UNARY, "a", "OK", false),
                    (echo::REPEAT, "a b", "OK", false),
                    (echo::UNARY, "status:5", "NOT_FOUND", false),
                    (echo::REPEAT, "a status:13", "INTERNAL", true),
                ] {
                    let (trace, response) = call(&format!("{server}{path}"), kind, message).await;
                    assert_eq!(response.status(), 200, "{ours:?} {kind} {message}");
                    let case = format!("{ours:?} {kind} {message}");
                    let spans = spans(&trace, |spans| {
                        spans.iter().any(|span| span.kind() == SpanKind::Server)
                    })
                    .await;
                    let span = spans
                        .iter()
                        .find(|span| span.kind() == SpanKind::Server)
                        .unwrap();
                    assert_eq!(span.name(), &path[1..], "{case}");
                    assert_eq!(span.attribute("rpc.response.status_code"), status, "{case}");
                    assert_eq!(span.is_error(), is_error, "{case}");
                    let error = if is_error { status } else { "" };
                    assert_eq!(span.attribute("error.type"), error, "{case}");
                }
            }
        }
    });
}

#[test]
fn the_messages_of_a_stream_to_a_browser_are_counted_without_its_trailers() {
    run(async {
        for ours in [Ours::Above, Ours::Below] {
            let server = serve(ours).await;
            for kind in KINDS {
                let (trace, _) = call(&format!("{server}{}", echo::LIVE), kind, "a b c").await;
                let spans = spans(&trace, |spans| {
                    spans.iter().any(|span| span.kind() == SpanKind::Server)
                })
                .await;
                let stream = spans
                    .iter()
                    .find(|span| span.kind() == SpanKind::Server)
                    .unwrap();
                let events = stream.attribute("telemetry.stream.events");
                assert_eq!(events, "3", "{ours:?} {kind}");
            }
        }
    });
}

#[test]
fn a_browsers_question_whether_it_may_call_is_no_call() {
    run(async {
        for ours in [Ours::Above, Ours::Below] {
            let server = serve(ours).await;
            let trace = TraceId::from(rand::random::<u128>()).to_string();
            let before = sample(
                "rpc_server_call_duration_seconds_count",
                &[
                    "rpc_method=\"_OTHER\"",
                    "rpc_response_status_code=\"INTERNAL\"",
                ],
            );
            let request = Request::builder()
                .method(Method::OPTIONS)
                .uri(format!("{server}{}", echo::UNARY))
                .header("origin", "http://shop.example")
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "content-type,x-grpc-web")
                .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
                .body(Full::default())
                .unwrap();
            plain_client().request(request).await.unwrap();
            assert_eq!(spans_so_far(&trace).await.len(), 0, "{ours:?}");
            let after = sample(
                "rpc_server_call_duration_seconds_count",
                &[
                    "rpc_method=\"_OTHER\"",
                    "rpc_response_status_code=\"INTERNAL\"",
                ],
            );
            assert_eq!(before, after);
        }
    });
}
