//! HTTP over a real socket.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use bytes::Bytes;
use conformance::Ending;
use futures::stream;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use telemetry::http::{ClientLayer, ServerLayer};
use tokio::net::TcpListener;
use tower::{Service as _, ServiceExt as _};

use super::MALFORMED;
use crate::cell::{Counted, Expected, Parent};
use crate::stage::{Stage, leave, work};

/// How long the client of the cell that times out waits: longer than it takes the work to begin.
const PATIENCE: Duration = Duration::from_millis(300);

pub async fn play(stage: &Stage, ending: Ending) {
    let address = serve(ending).await;
    let plain = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut request = Request::get(format!("http://{address}/{ending}"))
        .body(Full::default())
        .unwrap();
    if ending == Ending::Malformed {
        for (name, value) in MALFORMED {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let response = plain.oneshot(request).await.unwrap();
        response.into_body().collect().await.unwrap();
        return;
    }
    let mut client = ClientLayer::new().layer(plain);
    stage
        .caller(ending, async {
            let exchange = client.ready().await.unwrap().call(request);
            match ending {
                Ending::Cancel => {
                    let response = exchange.await.unwrap();
                    leave(response.into_body().collect()).await;
                }
                Ending::TimeOut => assert!(tokio::time::timeout(PATIENCE, exchange).await.is_err()),
                Ending::Panic => assert!(exchange.await.is_err()),
                _ => {
                    let response = exchange.await.unwrap();
                    response.into_body().collect().await.unwrap();
                }
            }
        })
        .await;
}

async fn serve(ending: Ending) -> SocketAddr {
    let router = Router::new()
        .route(&format!("/{ending}"), get(move || answer(ending)))
        .layer(ServerLayer::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// Does the work before the head or, in the cells that succeed and that are cancelled, while the body is made: the span
/// lasts until then.
async fn answer(ending: Ending) -> Response {
    if matches!(ending, Ending::Success | Ending::Cancel) {
        let body = async move { work(ending).await.map(|()| Bytes::from_static(b"done")) };
        return Body::from_stream(stream::once(body)).into_response();
    }
    let status = match work(ending).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    status.into_response()
}

pub fn expected(ending: Ending) -> Vec<Expected> {
    const STATUS: &str = "http.response.status_code";
    let server = format!("server GET /{ending}");
    let answered =
        |parent| Expected::new(server.clone(), parent).has("http.route", format!("/{ending}"));
    let work = Expected::child("internal work", &server);
    if ending == Ending::Malformed {
        return vec![answered(Parent::Nobody).has(STATUS, "200"), work];
    }
    let asked = Expected::child("client GET", "internal root");
    let answered = answered(Parent::Span("client GET".to_owned()));
    let (asked, answered) = match ending {
        Ending::Error => (
            asked.has(STATUS, "500").has("error.type", "500").fails(),
            answered.has(STATUS, "500").has("error.type", "500").fails(),
        ),
        Ending::Cancel => (
            asked.has(STATUS, "200").has("error.type", "cancelled"),
            answered.has(STATUS, "200").has("error.type", "cancelled"),
        ),
        // HTTP has no deadline that travels: who does not wait any longer has left.
        Ending::TimeOut => (
            asked.has(STATUS, "").has("error.type", "cancelled"),
            answered.has(STATUS, "").has("error.type", "cancelled"),
        ),
        Ending::Panic => (
            asked
                .has(STATUS, "")
                .has("error.type", "connection_error")
                .fails(),
            answered.has(STATUS, "").has("error.type", "panic").fails(),
        ),
        Ending::Success | Ending::Malformed | Ending::Unsampled => {
            (asked.has(STATUS, "200"), answered.has(STATUS, "200"))
        }
    };
    vec![
        Expected::new("internal root", Parent::Nobody),
        asked,
        answered,
        work,
    ]
}

pub fn counted(ending: Ending) -> Vec<Counted> {
    let error = |client: bool| match ending {
        Ending::Error => "500",
        Ending::Cancel | Ending::TimeOut => "cancelled",
        Ending::Panic if client => "connection_error",
        Ending::Panic => "panic",
        Ending::Success | Ending::Malformed | Ending::Unsampled => "",
    };
    let served = Counted::once("http_server_request_duration_seconds_count")
        .with("http_route", format!("/{ending}"))
        .with("error_type", error(false));
    let asked =
        Counted::once("http_client_request_duration_seconds_count").with("error_type", error(true));
    if ending == Ending::Malformed {
        vec![served]
    } else {
        vec![served, asked]
    }
}
