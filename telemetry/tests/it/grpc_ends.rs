//! How calls end that nobody ends properly: by a panic that somebody catches, by a reset, by a caller that leaves. And
//! which server a client has called.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt};
use h2::Reason;
use h2::server::SendResponse;
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, Response, Uri};
use http_body_util::BodyExt;
use opentelemetry::trace::TraceId;
use telemetry::grpc::{ClientLayer, ServerLayer};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::echo::{Codec, UNARY};
use crate::harness::{run, sample, spans, traced};
use crate::receiver::{Span, SpanKind};

/// A call of this path, in this trace.
fn request(path: &str, trace: &str) -> Request<Body> {
    Request::post(path)
        .header("content-type", "application/grpc")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .body(Body::empty())
        .unwrap()
}

async fn server_span(trace: &str) -> Span {
    spans(trace, |spans| spans.len() == 1).await.remove(0)
}

fn assert_panicked(span: &Span) {
    assert_eq!(span.attribute("error.type"), "panic");
    assert_eq!(span.attribute("rpc.response.status_code"), "UNKNOWN");
    assert!(span.is_error());
}

#[test]
fn a_panic_that_a_layer_above_catches_is_one_and_no_cancellation() {
    run(async {
        let layer = ServerLayer::new().methods(["/caught.Svc/Later", "/caught.Svc/AtOnce"]);
        // In the future of the response, in the call that makes it, and in the body.
        let in_future = layer.layer(service_fn(async |_: Request<Body>| {
            tokio::task::yield_now().await;
            panic!("provoked by a test");
            #[allow(unreachable_code)]
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
        let at_once = layer.layer(service_fn(
            |_: Request<Body>| -> std::future::Ready<Result<Response<Body>, Infallible>> {
                panic!("provoked by a test")
            },
        ));
        let trace = TraceId::from(rand::random::<u128>()).to_string();
        let mut call = Box::pin(in_future.oneshot(request("/caught.Svc/Later", &trace)));
        assert!(AssertUnwindSafe(&mut call).catch_unwind().await.is_err());
        // It is dropped when nothing panics any more.
        drop(call);
        assert_panicked(&server_span(&trace).await);
        let trace = TraceId::from(rand::random::<u128>()).to_string();
        let mut at_once = at_once;
        let caught = std::panic::catch_unwind(AssertUnwindSafe(|| {
            drop(at_once.call(request("/caught.Svc/AtOnce", &trace)));
        }));
        assert!(caught.is_err());
        assert_panicked(&server_span(&trace).await);
        for method in ["caught.Svc/Later", "caught.Svc/AtOnce"] {
            let labels = [
                format!("rpc_method=\"{method}\""),
                "error_type=\"panic\"".to_owned(),
            ];
            let labels = labels.each_ref().map(String::as_str);
            let counted = sample("rpc_server_call_duration_seconds_count", &labels);
            assert_eq!(counted, Some(1.0), "{method}");
        }
    });
}

#[test]
fn a_panic_in_a_body_that_a_layer_above_catches_is_one_and_no_cancellation() {
    run(async {
        let layer = ServerLayer::new().methods(["/caught.Svc/Body"]);
        let service = layer.layer(service_fn(async |_: Request<Body>| {
            let body = futures::stream::iter([0])
                .map(|_| -> Result<bytes::Bytes, Status> { panic!("provoked by a test") });
            let body = axum::body::Body::from_stream(body);
            Ok::<_, Infallible>(Response::new(body))
        }));
        let trace = TraceId::from(rand::random::<u128>()).to_string();
        let response = service
            .oneshot(request("/caught.Svc/Body", &trace))
            .await
            .unwrap();
        let mut body = response.into_body();
        let read = AssertUnwindSafe(body.frame()).catch_unwind().await;
        assert!(read.is_err());
        drop(body);
        assert_panicked(&server_span(&trace).await);
    });
}

#[test]
fn a_panic_that_a_layer_below_catches_is_one_when_it_answers_with_an_error() {
    run(async {
        let layer = ServerLayer::new().methods(["/caught.Svc/Below"]);
        for (answer, error_type, status) in [
            (Code::Internal, "panic", "INTERNAL"),
            // Whoever goes on well after a panic has not failed.
            (Code::Ok, "", "OK"),
        ] {
            let service = layer.layer(service_fn(move |_: Request<Body>| async move {
                let work = async { panic!("provoked by a test") };
                let caught = AssertUnwindSafe(work).catch_unwind().await;
                let () = caught.unwrap_or_default();
                Ok::<_, Infallible>(Status::new(answer, "caught").into_http::<Body>())
            }));
            let trace = TraceId::from(rand::random::<u128>()).to_string();
            let request = request("/caught.Svc/Below", &trace);
            drop(service.oneshot(request).await.unwrap());
            let span = server_span(&trace).await;
            assert_eq!(span.attribute("error.type"), error_type);
            assert_eq!(span.attribute("rpc.response.status_code"), status);
            assert_eq!(span.is_error(), !error_type.is_empty());
        }
    });
}

/// A server that resets each stream, before or after the head of its answer.
async fn resetting(reason: Reason, after_head: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(socket).await.unwrap();
        while let Some(Ok((_, mut answer))) = connection.accept().await {
            reset(&mut answer, reason, after_head);
        }
    });
    format!("http://{address}")
}

fn reset(answer: &mut SendResponse<bytes::Bytes>, reason: Reason, after_head: bool) {
    if !after_head {
        return answer.send_reset(reason);
    }
    let head = Response::builder().header("content-type", "application/grpc");
    let mut body = answer.send_response(head.body(()).unwrap(), false).unwrap();
    // The head must be on its way before.
    tokio::spawn(async move {
        tokio::task::yield_now().await;
        body.send_reset(reason);
    });
}

#[test]
fn a_reset_by_the_peer_is_told_as_the_caller_is_told_it() {
    run(async {
        for (reason, code, name) in [
            (Reason::CANCEL, Code::Cancelled, "CANCELLED"),
            (
                Reason::ENHANCE_YOUR_CALM,
                Code::ResourceExhausted,
                "RESOURCE_EXHAUSTED",
            ),
            (Reason::INTERNAL_ERROR, Code::Internal, "INTERNAL"),
            (Reason::REFUSED_STREAM, Code::Unavailable, "UNAVAILABLE"),
        ] {
            for after_head in [false, true] {
                let url = resetting(reason, after_head).await;
                let channel = Channel::from_shared(url).unwrap().connect_lazy();
                let mut client = Grpc::new(ClientLayer::new().layer(channel));
                let (trace, told) = traced(async {
                    client.ready().await.unwrap();
                    let path = PathAndQuery::from_static(UNARY);
                    let message = tonic::Request::new("a".to_owned());
                    let call = client.unary::<_, String, _>(message, path, Codec::new());
                    call.await.unwrap_err().code()
                })
                .await;
                let case = format!("{reason:?} {after_head}");
                assert_eq!(told, code, "{case}");
                let spans = spans(&trace, |spans| spans.len() == 2).await;
                let span = spans
                    .iter()
                    .find(|span| span.kind() == SpanKind::Client)
                    .unwrap();
                assert_eq!(span.attribute("rpc.response.status_code"), name, "{case}");
                assert!(span.is_error(), "{case}");
                assert_ne!(span.attribute("error.type"), "cancelled", "{case}");
            }
        }
    });
}

#[test]
fn a_caller_that_leaves_after_the_head_has_cancelled_its_call() {
    run(async {
        let service = ClientLayer::new().layer(service_fn(async |_: Request<Body>| {
            let body = axum::body::Body::from_stream(futures::stream::pending::<
                Result<bytes::Bytes, Infallible>,
            >());
            Ok::<_, Infallible>(Response::new(body))
        }));
        let (trace, ()) = traced(async {
            let request = Request::post("/left.Svc/Unread").body(Body::empty());
            drop(service.oneshot(request.unwrap()).await.unwrap());
        })
        .await;
        let spans = spans(&trace, |spans| spans.len() == 2).await;
        let span = spans
            .iter()
            .find(|span| span.kind() == SpanKind::Client)
            .unwrap();
        // Its status would have come in the trailers.
        assert_eq!(span.attribute("rpc.response.status_code"), "CANCELLED");
        assert!(!span.is_error());
    });
}

/// What the span of one call says of the server.
async fn called(layer: ClientLayer, origin: Option<&'static str>) -> (String, String) {
    let service = layer.layer(service_fn(async |_: Request<Body>| {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "5".parse().unwrap());
        let body = axum::body::Body::empty().with_trailers(async { Some(Ok(trailers)) });
        Ok::<_, tonic::transport::Error>(Response::new(body))
    }));
    let origin = origin.map_or_else(Uri::default, Uri::from_static);
    let mut client = Grpc::with_origin(service, origin);
    let (trace, ()) = traced(async {
        client.ready().await.unwrap();
        let path = PathAndQuery::from_static("/addressed.Svc/Call");
        let message = tonic::Request::new("a".to_owned());
        let call = client.unary::<_, String, _>(message, path, Codec::new());
        assert!(call.await.is_err());
    })
    .await;
    let spans = spans(&trace, |spans| spans.len() == 2).await;
    let span = spans
        .iter()
        .find(|span| span.kind() == SpanKind::Client)
        .unwrap();
    (
        span.attribute("server.address"),
        span.attribute("server.port"),
    )
}

#[test]
fn the_server_is_known_from_the_endpoint_or_the_origin_and_has_no_brackets() {
    run(async {
        for (url, address, port) in [
            ("http://pantry.internal:50052", "pantry.internal", "50052"),
            ("http://[::1]:50052", "::1", "50052"),
            ("https://pantry.internal", "pantry.internal", "443"),
            ("http://pantry.internal", "pantry.internal", "80"),
        ] {
            let expected = (address.to_owned(), port.to_owned());
            let endpoint = Endpoint::from_static(url);
            assert_eq!(called(ClientLayer::to(&endpoint), None).await, expected);
            assert_eq!(called(ClientLayer::new(), Some(url)).await, expected);
        }
        let named = ClientLayer::new().server("[::1]", 50052);
        let expected = ("::1".to_owned(), "50052".to_owned());
        assert_eq!(called(named, None).await, expected);
        let labels = [
            "rpc_method=\"addressed.Svc/Call\"",
            "server_address=\"::1\"",
        ];
        let count = sample("rpc_client_call_duration_seconds_count", &labels);
        assert_eq!(count, Some(3.0));
    });
}
