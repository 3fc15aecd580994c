//! gRPC over a real socket, in all four kinds. The message says how the call shall end.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use conformance::{Ending, Transport};
use futures::future::BoxFuture;
use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use http::uri::PathAndQuery;
use telemetry::grpc::{ClientLayer, ServerLayer, within};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::service_fn;

use super::MALFORMED;
use crate::cell::{Counted, Expected, Parent};
use crate::stage::{Stage, leave, work};

/// The deadline of the cell that times out: longer than it takes the work to begin.
const DEADLINE: Duration = Duration::from_millis(300);

type Codec = ProstCodec<String, String>;
type Answers = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

#[derive(Clone)]
struct Kitchen;

pub async fn play(stage: &Stage, transport: Transport, ending: Ending) {
    let address = serve().await;
    let channel = Channel::from_shared(format!("http://{address}"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    if ending == Ending::Malformed {
        let mut client = tonic::client::Grpc::new(channel);
        client.ready().await.unwrap();
        call(&mut client, transport, ending).await.unwrap();
        return;
    }
    let mut client = tonic::client::Grpc::new(ClientLayer::new().layer(channel));
    client.ready().await.unwrap();
    stage
        .caller(ending, async {
            let exchange = call(&mut client, transport, ending);
            match ending {
                Ending::Cancel => leave(exchange).await,
                // The budget is that of the caller's own work; the call is told what remains of it.
                Ending::TimeOut => assert!(within(DEADLINE, exchange).await.is_err()),
                Ending::Error | Ending::Panic => assert!(exchange.await.is_err()),
                _ => exchange.await.unwrap(),
            }
        })
        .await;
}

/// Makes a call of the transport's kind and reads it to its end.
async fn call<S>(
    client: &mut tonic::client::Grpc<S>,
    transport: Transport,
    ending: Ending,
) -> Result<(), Status>
where
    S: tonic::client::GrpcService<Body>,
    S::ResponseBody: tonic::transport::Body<Data = bytes::Bytes> + Send + 'static,
    <S::ResponseBody as http_body::Body>::Error: Into<tower::BoxError>,
{
    let path = PathAndQuery::try_from(path(transport)).unwrap();
    let words = || stream::iter(["first".to_owned(), ending.to_string()]);
    match transport {
        Transport::ClientStreaming => {
            let request = request(words(), ending);
            client.client_streaming(request, path, Codec::new()).await?;
        }
        Transport::ServerStreaming => {
            let request = request(ending.to_string(), ending);
            let call = client.server_streaming(request, path, Codec::new());
            read(call.await?.into_inner()).await?;
        }
        Transport::BidiStreaming => {
            let request = request(words(), ending);
            let call = client.streaming(request, path, Codec::new());
            read(call.await?.into_inner()).await?;
        }
        _ => {
            let request = request(ending.to_string(), ending);
            client.unary(request, path, Codec::new()).await?;
        }
    }
    Ok(())
}

fn request<T>(message: T, ending: Ending) -> Request<T> {
    let mut request = Request::new(message);
    if ending == Ending::Malformed {
        for (name, value) in MALFORMED {
            request.metadata_mut().insert(name, value.parse().unwrap());
        }
    }
    request
}

async fn read(mut answers: Streaming<String>) -> Result<(), Status> {
    while answers.message().await?.is_some() {}
    Ok(())
}

async fn serve() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Transport::ALL
        .into_iter()
        .filter(|transport| !path(*transport).is_empty())
        .fold(axum::Router::new(), |router, transport| {
            router.route_service(&path(transport), Kitchen)
        });
    tokio::spawn(
        Server::builder()
            .layer(ServerLayer::new().methods(Transport::ALL.into_iter().filter_map(method)))
            .serve_with_incoming(
                tonic::service::Routes::from(router),
                TcpListenerStream::new(listener),
            ),
    );
    address
}

fn path(transport: Transport) -> String {
    method(transport).map_or_else(String::new, |method| format!("/{method}"))
}

fn method(transport: Transport) -> Option<&'static str> {
    Some(match transport {
        Transport::Unary => "conformance.Kitchen/Unary",
        Transport::ClientStreaming => "conformance.Kitchen/ClientStreaming",
        Transport::ServerStreaming => "conformance.Kitchen/ServerStreaming",
        Transport::BidiStreaming => "conformance.Kitchen/BidiStreaming",
        _ => return None,
    })
}

/// Does the work of a message; the first of several is only answered.
async fn answer(message: String) -> Result<String, Status> {
    if let Some(ending) = Ending::ALL
        .into_iter()
        .find(|one| one.to_string() == message)
    {
        work(ending)
            .await
            .map_err(|error| Status::internal(error.to_string()))?;
    }
    Ok(message)
}

fn answers(messages: impl Stream<Item = Result<String, Status>> + Send + 'static) -> Answers {
    Box::pin(messages.and_then(answer))
}

impl Service<axum::extract::Request> for Kitchen {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: axum::extract::Request) -> Self::Future {
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Codec::new());
            let called = request.uri().path().to_owned();
            let is = |transport| called == path(transport);
            Ok(if is(Transport::ClientStreaming) {
                grpc.client_streaming(service_fn(collect), request).await
            } else if is(Transport::ServerStreaming) {
                grpc.server_streaming(service_fn(repeat), request).await
            } else if is(Transport::BidiStreaming) {
                grpc.streaming(service_fn(converse), request).await
            } else {
                grpc.unary(service_fn(unary), request).await
            })
        })
    }
}

async fn unary(request: Request<String>) -> Result<Response<String>, Status> {
    answer(request.into_inner()).await.map(Response::new)
}

async fn collect(request: Request<Streaming<String>>) -> Result<Response<String>, Status> {
    let all: Vec<_> = answers(request.into_inner()).try_collect().await?;
    Ok(Response::new(all.join(" ")))
}

async fn repeat(request: Request<String>) -> Result<Response<Answers>, Status> {
    let messages = ["first".to_owned(), request.into_inner()];
    let messages = stream::iter(messages).map(Ok);
    Ok(Response::new(answers(messages)))
}

async fn converse(request: Request<Streaming<String>>) -> Result<Response<Answers>, Status> {
    Ok(Response::new(answers(request.into_inner())))
}

/// What a side says: the status, the `error.type`, and whether the span fails.
fn verdict(ending: Ending, client: bool) -> (&'static str, &'static str, bool) {
    match ending {
        Ending::Error => ("INTERNAL", "INTERNAL", true),
        Ending::Cancel => ("CANCELLED", "cancelled", false),
        Ending::TimeOut => ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED", true),
        // What is left of a call whose server went down without a word depends on how far it had come.
        Ending::Panic if client => ("*", "*", true),
        Ending::Panic => ("UNKNOWN", "panic", true),
        Ending::Success | Ending::Malformed | Ending::Unsampled => ("OK", "", false),
    }
}

pub fn expected(transport: Transport, ending: Ending) -> Vec<Expected> {
    let method = method(transport).unwrap_or_default();
    let (client, server) = (format!("client {method}"), format!("server {method}"));
    let side = |expected: Expected, is_client: bool| {
        let (status, error, fails) = verdict(ending, is_client);
        let expected = expected
            .has("rpc.system.name", "grpc")
            .has("rpc.method", method)
            .has("rpc.response.status_code", status)
            .has("error.type", error);
        if fails { expected.fails() } else { expected }
    };
    let work = Expected::child("internal work", &server);
    if ending == Ending::Malformed {
        return vec![side(Expected::new(&server, Parent::Nobody), false), work];
    }
    vec![
        Expected::new("internal root", Parent::Nobody),
        side(Expected::child(&client, "internal root"), true),
        side(Expected::child(&server, &client), false),
        work,
    ]
}

pub fn counted(transport: Transport, ending: Ending) -> Vec<Counted> {
    let counted = |name, client| {
        let (status, error, _) = verdict(ending, client);
        let mut counted =
            Counted::once(name).with("rpc_method", method(transport).unwrap_or_default());
        if error != "*" {
            counted = counted
                .with("rpc_response_status_code", status)
                .with("error_type", error);
        }
        counted
    };
    let served = counted("rpc_server_call_duration_seconds_count", false);
    if ending == Ending::Malformed {
        return vec![served];
    }
    vec![
        served,
        counted("rpc_client_call_duration_seconds_count", true),
    ]
}
