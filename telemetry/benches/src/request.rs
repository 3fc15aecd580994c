//! The request that is measured, and the handlers that answer it.

use std::time::UNIX_EPOCH;

use axum::body::Body;
use axum::extract::Path;
use axum::routing::get;
use axum::{Json, Router};
use bytes::{BufMut, Bytes, BytesMut};
use http::Request;
use serde::Serialize;
use tower::service_fn;

use crate::measure::{Case, Protocol};

const METHOD: &str = "/bench.Kitchen/Dish";

/// Makes the requests of one case, all of one trace.
pub struct Requests {
    case: Case,
    parent: String,
    message: Bytes,
}

#[derive(Serialize)]
struct Dish {
    id: u32,
    name: &'static str,
    price_minor: u32,
    allergens: [&'static str; 3],
}

/// Opens the five spans of a case that nests; what it is made with differs between `tracing` and fastrace.
pub type Steps = fn(u32);

impl Requests {
    pub fn new(case: Case) -> Self {
        let mut message = BytesMut::new();
        message.put_u8(0);
        let name = b"\x0a\x08bibimbap";
        message.put_u32(u32::try_from(name.len()).expect("a short name"));
        message.put_slice(name);
        // The first digits of an id of this crate, and of X-Ray, are the second in which the trace began. To others
        // they are as good as any.
        let since = UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
        let flags = u8::from(case.sampled);
        Self {
            case,
            parent: format!("00-{since:08x}77b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags:02x}"),
            message: message.freeze(),
        }
    }

    pub fn next(&self) -> Request<Body> {
        let request = Request::builder().header("traceparent", &self.parent);
        match self.case.protocol {
            Protocol::Http => request
                .uri("/dishes/42")
                .header("host", "kitchen.example")
                .header("user-agent", "bench/1")
                .header("accept", "application/json")
                .body(Body::empty()),
            Protocol::Grpc => request
                .method("POST")
                .version(http::Version::HTTP_2)
                .uri(METHOD)
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .header("user-agent", "bench/1")
                .body(Body::from(self.message.clone())),
        }
        .expect("a sound request")
    }
}

/// The HTTP service.
pub fn http(steps: Option<Steps>) -> Router {
    Router::new().route(
        "/dishes/{id}",
        get(async move |Path(id): Path<u32>| {
            if let Some(steps) = steps {
                steps(id);
            }
            Json(Dish {
                id,
                name: "bibimbap",
                price_minor: 12_500,
                allergens: ["egg", "sesame", "soy"],
            })
        }),
    )
}

/// The gRPC service, unary, as a router so that it takes every contender's layer.
pub fn grpc(steps: Option<Steps>) -> Router {
    let dish = service_fn(move |request: axum::extract::Request| async move {
        let mut grpc = tonic::server::Grpc::new(tonic_prost::ProstCodec::<String, String>::new());
        let answer = service_fn(move |request: tonic::Request<String>| async move {
            if let Some(steps) = steps {
                steps(42);
            }
            Ok::<_, tonic::Status>(tonic::Response::new(request.into_inner()))
        });
        Ok::<_, std::convert::Infallible>(grpc.unary(answer, request).await)
    });
    Router::new().route_service(METHOD, dish)
}

/// Five spans with three fields each.
pub fn tracing_steps(id: u32) {
    for step in 0..5_u32 {
        tracing::info_span!("step", step, dish = id, kind = "cook").in_scope(|| {
            std::hint::black_box(step);
        });
    }
}

#[cfg(feature = "peers")]
/// The same for fastrace, which has spans of its own.
pub fn fastrace_steps(id: u32) {
    for step in 0..5_u32 {
        let _span =
            fastrace::local::LocalSpan::enter_with_local_parent("step").with_properties(|| {
                [
                    ("step", step.to_string()),
                    ("dish", id.to_string()),
                    ("kind", "cook".to_owned()),
                ]
            });
        std::hint::black_box(step);
    }
}
