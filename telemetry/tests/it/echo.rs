//! A gRPC service of all four kinds, whose messages say how it shall behave.
//!
//! `status:N` fails with code N, `hang` never answers, anything else is echoed, in capitals.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use telemetry::grpc::{ClientLayer, ClientService, ServerLayer};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::{Layer, Service, service_fn};

pub const UNARY: &str = "/it.Echo/Unary";
pub const COLLECT: &str = "/it.Echo/Collect";
pub const REPEAT: &str = "/it.Echo/Repeat";
pub const CONVERSE: &str = "/it.Echo/Converse";
pub const LIVE: &str = "/it.Echo/Live";
pub const HEALTH: &str = "/grpc.health.v1.Health/Check";

const STREAMS: &[&str] = &[LIVE];

pub type Client = tonic::client::Grpc<ClientService<Channel>>;
pub type Codec = ProstCodec<String, String>;
type Echoes = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

#[derive(Clone)]
struct Echo;

/// Serves on a free port for as long as the runtime runs, and connects to it, both with their layers.
pub async fn client() -> Client {
    let address = serve().await;
    let channel = Channel::from_shared(format!("http://{address}"))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let layer = ClientLayer::new()
        .streams(STREAMS)
        .server("127.0.0.1", address.port());
    let mut client = tonic::client::Grpc::new(layer.layer(channel));
    client.ready().await.unwrap();
    client
}

async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(
        Server::builder()
            .layer(ServerLayer::new().streams(STREAMS))
            .serve_with_incoming(
                tonic::service::Routes::from(router()),
                TcpListenerStream::new(listener),
            ),
    );
    address
}

fn router() -> axum::Router {
    [UNARY, COLLECT, REPEAT, CONVERSE, LIVE, HEALTH]
        .into_iter()
        .fold(axum::Router::new(), |router, path| {
            router.route_service(path, Echo)
        })
}

async fn echo(message: &str) -> Result<String, Status> {
    tracing::info_span!("echo").in_scope(|| {});
    match message.strip_prefix("status:") {
        Some(code) => Err(Status::new(Code::from_bytes(code.as_bytes()), "as asked")),
        None if message == "hang" => std::future::pending().await,
        None => Ok(message.to_uppercase()),
    }
}

/// Echoes each message of a stream, up to the first that fails.
fn echoes(messages: impl Stream<Item = Result<String, Status>> + Send + 'static) -> Echoes {
    Box::pin(messages.and_then(async |message| echo(&message).await))
}

impl Service<axum::extract::Request> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: axum::extract::Request) -> Self::Future {
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Codec::new());
            let path = request.uri().path().to_owned();
            Ok(match path.as_str() {
                COLLECT => grpc.client_streaming(service_fn(collect), request).await,
                REPEAT | LIVE => grpc.server_streaming(service_fn(repeat), request).await,
                CONVERSE => grpc.streaming(service_fn(converse), request).await,
                _ => grpc.unary(service_fn(unary), request).await,
            })
        })
    }
}

async fn unary(request: Request<String>) -> Result<Response<String>, Status> {
    echo(request.get_ref()).await.map(Response::new)
}

async fn collect(request: Request<Streaming<String>>) -> Result<Response<String>, Status> {
    let all: Vec<_> = echoes(request.into_inner()).try_collect().await?;
    Ok(Response::new(all.join(" ")))
}

/// The words of the message, one by one.
async fn repeat(request: Request<String>) -> Result<Response<Echoes>, Status> {
    let words: Vec<_> = request
        .get_ref()
        .split(' ')
        .map(|word| Ok(word.to_owned()))
        .collect();
    Ok(Response::new(echoes(stream::iter(words).boxed())))
}

async fn converse(request: Request<Streaming<String>>) -> Result<Response<Echoes>, Status> {
    Ok(Response::new(echoes(request.into_inner())))
}
