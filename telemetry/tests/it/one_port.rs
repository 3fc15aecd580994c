//! HTTP and gRPC on one port: each request is measured by the layer of its protocol, and by no other.

use axum::Router;
use axum::routing::{any, get};
use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Method, Request};
use http_body_util::Full;
use opentelemetry::trace::TraceId;
use tonic::client::Grpc;
use tonic::transport::Channel;

use crate::echo::{self, Codec};
use crate::harness::{plain_client, run, serve, spans, traced};
use crate::receiver::{Span, SpanKind};

/// Both layers around everything, in either order.
async fn served(grpc_outermost: bool) -> String {
    let http = telemetry::http::ServerLayer::new();
    let grpc = telemetry::grpc::ServerLayer::new().methods(echo::METHODS);
    let app = echo::routes().into_axum_router().merge(
        Router::new()
            .route("/dishes/{dish}", get(async || "bibimbap"))
            .route("/raw", any(async || "raw")),
    );
    let app = if grpc_outermost {
        app.layer(http).layer(grpc)
    } else {
        app.layer(grpc).layer(http)
    };
    format!("http://{}", serve(app).await)
}

async fn servers(trace: &str) -> Vec<Span> {
    let is_server = |span: &Span| span.kind() == SpanKind::Server;
    let mut spans = spans(trace, |spans| spans.iter().any(is_server)).await;
    spans.retain(is_server);
    spans
}

#[test]
fn each_request_has_one_server_span_by_the_layer_of_its_protocol() {
    run(async {
        for grpc_outermost in [true, false] {
            let url = served(grpc_outermost).await;
            let channel = Channel::from_shared(url.clone()).unwrap().connect_lazy();
            let channel = telemetry::grpc::ClientLayer::new().layer(channel);
            let mut client = Grpc::new(channel);
            let (trace, ()) = traced(async {
                client.ready().await.unwrap();
                let path = PathAndQuery::from_static(echo::UNARY);
                let message = tonic::Request::new("a".to_owned());
                let call = client.unary::<_, String, _>(message, path, Codec::new());
                assert_eq!(call.await.unwrap().into_inner(), "A");
            })
            .await;
            let spans = servers(&trace).await;
            assert_eq!(spans.len(), 1, "{spans:#?}");
            assert_eq!(spans[0].attribute("rpc.response.status_code"), "OK");
            for (method, path, kind, name) in [
                (Method::GET, "/dishes/42", None, "GET /dishes/{dish}"),
                (Method::POST, "/raw", Some("application/json"), "POST /raw"),
                (Method::OPTIONS, "/raw", None, "OPTIONS /raw"),
                // gRPC is spoken with POST only.
                (Method::PUT, "/raw", Some("application/grpc"), "PUT /raw"),
            ] {
                let trace = TraceId::from(rand::random::<u128>()).to_string();
                let mut request = Request::builder()
                    .method(method)
                    .uri(format!("{url}{path}"))
                    .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
                if let Some(kind) = kind {
                    request = request.header("content-type", kind);
                }
                let request = request.body(Full::<Bytes>::default()).unwrap();
                plain_client().request(request).await.unwrap();
                let spans = servers(&trace).await;
                assert_eq!(spans.len(), 1, "{spans:#?}");
                assert_eq!(spans[0].name(), name, "{grpc_outermost}");
            }
        }
    });
}
