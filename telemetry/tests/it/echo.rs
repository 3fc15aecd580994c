//! A gRPC service of all four kinds, whose messages say how it shall behave.
//!
//! `status:N` fails with code N, `hang` never answers, `panic` does so, `budget` is answered with the milliseconds
//! that are left, `next:X` passes X on to the next server, anything else is echoed, in capitals.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use telemetry::grpc::{ClientLayer, ClientService, ServerLayer};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

pub const UNARY: &str = "/it.Echo/Unary";
pub const COLLECT: &str = "/it.Echo/Collect";
pub const REPEAT: &str = "/it.Echo/Repeat";
pub const CONVERSE: &str = "/it.Echo/Converse";
pub const LIVE: &str = "/it.Echo/Live";
pub const HEALTH: &str = "/grpc.health.v1.Health/Check";

pub const METHODS: [&str; 6] = [UNARY, COLLECT, REPEAT, CONVERSE, LIVE, HEALTH];
pub const STREAMS: &[&str] = &[LIVE];

pub type Client = tonic::client::Grpc<ClientService<Channel>>;
pub type Codec = ProstCodec<String, String>;
type Echoes = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

#[derive(Clone, Default)]
struct Echo {
    next: Option<Client>,
}

/// Serves on a free port for as long as the runtime runs, and connects to it, both with their layers.
pub async fn client() -> Client {
    connect(serve(None, ServerLayer::new()).await).await
}

/// The first of three servers, of which each passes on to the next.
pub async fn client_of_three() -> Client {
    let mut next = None;
    for _ in 0..3 {
        next = Some(connect(serve(next, ServerLayer::new()).await).await);
    }
    next.unwrap()
}

/// Serves on a free port, without connecting to it.
pub async fn address() -> SocketAddr {
    serve(None, ServerLayer::new()).await
}

async fn connect(address: SocketAddr) -> Client {
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

async fn serve(next: Option<Client>, layer: ServerLayer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(
        Server::builder()
            .layer(layer.methods(METHODS).streams(STREAMS))
            .serve_with_incoming(
                Routes::from(router(&Echo { next })),
                TcpIncoming::from(listener).with_nodelay(Some(true)),
            ),
    );
    address
}

/// The service without any layer.
pub fn routes() -> Routes {
    Routes::from(router(&Echo::default()))
}

fn router(echo: &Echo) -> axum::Router {
    METHODS
        .into_iter()
        .fold(axum::Router::new(), |router, path| {
            router.route_service(path, echo.clone())
        })
}

async fn echo(message: &str) -> Result<String, Status> {
    tracing::info_span!("echo").in_scope(|| {});
    match message.strip_prefix("status:") {
        Some(code) => Err(Status::new(Code::from_bytes(code.as_bytes()), "as asked")),
        None if message == "hang" => std::future::pending().await,
        None if message == "panic" => panic!("provoked by a test"),
        None if message == "budget" => {
            let left = telemetry::grpc::remaining().unwrap_or_default();
            Ok(left.as_millis().to_string())
        }
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
        let next = self.next.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(Codec::new());
            let path = request.uri().path().to_owned();
            Ok(match path.as_str() {
                COLLECT => grpc.client_streaming(service_fn(collect), request).await,
                REPEAT | LIVE => grpc.server_streaming(service_fn(repeat), request).await,
                CONVERSE => grpc.streaming(service_fn(converse), request).await,
                _ => {
                    let answer = service_fn(|request| unary(next.clone(), request));
                    grpc.unary(answer, request).await
                }
            })
        })
    }
}

async fn unary(next: Option<Client>, request: Request<String>) -> Result<Response<String>, Status> {
    let Some(passed_on) = request.get_ref().strip_prefix("next:") else {
        return echo(request.get_ref()).await.map(Response::new);
    };
    let mut next = next.ok_or_else(|| Status::internal("there is no next server"))?;
    next.ready()
        .await
        .map_err(|error| Status::from_error(Box::new(error)))?;
    let path = http::uri::PathAndQuery::from_static(UNARY);
    next.unary(Request::new(passed_on.to_owned()), path, Codec::new())
        .await
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
