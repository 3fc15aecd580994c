//! The fixture of the tests: a gateway on a free port with stand-ins for the services, and a client of its HTTP API.

pub(crate) mod samples;
pub(crate) mod services;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::atomic::Ordering;

use api::account::accounts_server::AccountsServer;
use api::auction::auctions_server::AuctionsServer;
use api::catalog::catalog_server::CatalogServer;
use api::common::Role;
use api::notification::notifications_server::NotificationsServer;
use api::order::orders_server::OrdersServer;
use api::reward::rewards_server::RewardsServer;
use bytes::Bytes;
use chassis::clock::Clock;
use chassis::token::Signer;
use gateway::{Gateway, RateLimit, Upstreams};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::support::services::Platform;

/// A running gateway and the stand-ins for its services.
pub(crate) struct Edge {
    pub(crate) platform: Platform,
    pub(crate) signer: Signer,
    pub(crate) shutdown: CancellationToken,
    clock: Clock,
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    _platform_down: DropGuard,
}

/// A response with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

pub(crate) fn signer(key_id: &str, secret: u8) -> Signer {
    Signer::new(key_id.to_owned(), &[secret; 32]).expect("a key")
}

// === impl Edge ===

impl Edge {
    /// A gateway that has the verifying keys and no rate limit.
    pub(crate) async fn start() -> Self {
        Self::with_limit(RateLimit::per_second(NonZeroU32::MAX)).await
    }

    pub(crate) async fn with_limit(limit: RateLimit) -> Self {
        let platform = Platform::default();
        let signer = signer("k1", 1);
        platform.add_key(signer.verifying_key());
        let platform_down = CancellationToken::new();
        let url = serve_platform(&platform, platform_down.clone()).await;

        let upstreams = Upstreams::connect(|_| url.clone()).expect("a URL");
        let clock = Clock::manual(1_000_000);
        let shutdown = CancellationToken::new();
        let gateway = Gateway::new(&upstreams, limit, clock.clone(), shutdown.clone());
        gateway.clone().fetch_keys().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let service = gateway
            .router()
            .into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(listener, service)
            .with_graceful_shutdown(shutdown.clone().cancelled_owned());
        tokio::spawn(server.into_future());
        Self {
            platform,
            signer,
            shutdown,
            clock,
            address,
            client: Client::builder(TokioExecutor::new()).build_http(),
            _platform_down: platform_down.drop_guard(),
        }
    }

    /// A valid token for the account.
    pub(crate) fn token(&self, account_id: &str, role: Role) -> String {
        let until = Clock::System.now() + 60_000;
        self.signer
            .sign(account_id, role, false, until)
            .expect("signed")
    }

    /// Advances the gateway's clock.
    pub(crate) fn pass(&self, milliseconds: i64) {
        if let Clock::Manual(now) = &self.clock {
            now.fetch_add(milliseconds, Ordering::SeqCst);
        }
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, "").await
    }

    pub(crate) async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut headers = headers.to_vec();
        headers.push(("content-type", "application/json"));
        self.send(Method::POST, path, &headers, body.to_string())
            .await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let (head, body) = self.open(method, path, headers, body).await.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(body.to_vec()).expect("text"),
        }
    }

    /// Sends a request, and returns the response before its body is read.
    pub(crate) async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response<Incoming> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).expect("a request");
        self.client.request(request).await.expect("a response")
    }
}

/// The value of `Authorization` for the token.
pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

async fn serve_platform(platform: &Platform, down: CancellationToken) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tonic::transport::Server::builder()
        .add_service(AccountsServer::new(platform.clone()))
        .add_service(CatalogServer::new(platform.clone()))
        .add_service(AuctionsServer::new(platform.clone()))
        .add_service(RewardsServer::new(platform.clone()))
        .add_service(OrdersServer::new(platform.clone()))
        .add_service(NotificationsServer::new(platform.clone()))
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), down.cancelled_owned());
    tokio::spawn(server);
    url
}

// === impl Answer ===

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The code of the problem document, whose other members are checked.
    pub(crate) fn code(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16(), "{self:?}");
        let code = problem["code"].as_str().expect("a code").to_owned();
        assert_eq!(problem["type"], format!("/problems/{code}"));
        code
    }
}
