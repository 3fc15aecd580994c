//! Which methods have a name: those that a service has, whoever calls what.

use std::convert::Infallible;

use http::Request;
use opentelemetry::trace::TraceId;
use prost::Message;
use prost_types::{
    FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto,
};
use telemetry::grpc::ServerLayer;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, ServiceExt, service_fn};

use crate::harness::{has_line, metrics_text, run, sample, spans};
use crate::receiver::Span;

/// Calls `path` below `layer`, where each call is answered with `code`, in a trace of its own.
async fn call(layer: &ServerLayer, path: &str, code: Code, budget: Option<&str>) -> String {
    let trace = TraceId::from(rand::random::<u128>()).to_string();
    let service = layer.layer(service_fn(move |_: Request<Body>| async move {
        let status = Status::new(code, "as asked");
        Ok::<_, Infallible>(status.into_http::<Body>())
    }));
    let mut request = Request::post(path)
        .header("content-type", "application/grpc")
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    if let Some(budget) = budget {
        request = request.header("grpc-timeout", budget);
    }
    let response = service
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    drop(response);
    trace
}

async fn span(trace: &str) -> Span {
    spans(trace, |spans| spans.len() == 1).await.remove(0)
}

fn count(method: &str, code: &str) -> Option<f64> {
    sample(
        "rpc_server_call_duration_seconds_count",
        &[
            &format!("rpc_method=\"{method}\""),
            &format!("rpc_response_status_code=\"{code}\""),
        ],
    )
}

#[test]
fn guesses_without_end_are_one_series_and_a_true_call_afterwards_has_its_own() {
    run(async {
        let layer = ServerLayer::new();
        let mut trace = String::new();
        for guess in 0..2000 {
            let path = format!("/guess{guess}.Svc/M");
            trace = call(&layer, &path, Code::Ok, Some("1n")).await;
        }
        let guessed = span(&trace).await;
        assert_eq!(guessed.name(), "grpc");
        assert_eq!(guessed.attribute("rpc.method"), "_OTHER");
        assert_eq!(guessed.attribute("rpc.method_original"), "guess1999.Svc/M");
        assert_eq!(
            guessed.attribute("rpc.response.status_code"),
            "DEADLINE_EXCEEDED"
        );
        assert!(!metrics_text().contains("guess"));
        assert!(count("_OTHER", "DEADLINE_EXCEEDED") >= Some(2000.0));
        let trace = call(&layer, "/guessed.Right/Call", Code::Ok, None).await;
        assert_eq!(span(&trace).await.name(), "guessed.Right/Call");
        assert_eq!(count("guessed.Right/Call", "OK"), Some(1.0));
    });
}

#[test]
fn what_no_service_has_declared_has_no_name_whatever_its_status() {
    run(async {
        let declared = ServerLayer::new().methods(["/shop.v1.Stock/Talk"]);
        for layer in [declared, ServerLayer::new()] {
            for number in 0..17 {
                let code = Code::from(number);
                // Nobody has declared it, so that even success is not believed.
                let path = format!("/unserved{number}.Svc/M");
                let trace = call(&layer, &path, code, None).await;
                let span = span(&trace).await;
                let is_learned = code == Code::Ok && span.name() != "grpc";
                if !is_learned {
                    assert_eq!(span.name(), "grpc", "{code:?}");
                    assert_eq!(span.attribute("rpc.method"), "_OTHER", "{code:?}");
                }
            }
        }
        assert!(!(1..17).any(|number| has_line(&[&format!("unserved{number}.")])));
    });
}

#[test]
fn with_declared_methods_success_makes_no_name() {
    run(async {
        let layer = ServerLayer::new().methods(["/shop.v1.Stock/Talk"]);
        let trace = call(&layer, "/undeclared.Svc/M", Code::Ok, None).await;
        assert_eq!(span(&trace).await.name(), "grpc");
        assert!(!has_line(&["undeclared.Svc"]));
    });
}

#[test]
fn a_declared_method_that_answers_unimplemented_keeps_its_name() {
    run(async {
        let layer = ServerLayer::new().methods(["/unready.v1.Stock/Talk"]);
        let trace = call(&layer, "/unready.v1.Stock/Talk", Code::Unimplemented, None).await;
        let span = span(&trace).await;
        assert_eq!(span.name(), "unready.v1.Stock/Talk");
        assert_eq!(span.attribute("rpc.method"), "unready.v1.Stock/Talk");
        assert_eq!(span.attribute("rpc.method_original"), "");
        assert!(span.is_error());
        assert_eq!(count("unready.v1.Stock/Talk", "UNIMPLEMENTED"), Some(1.0));
    });
}

#[test]
fn without_declarations_a_name_counts_from_its_first_success_on() {
    run(async {
        let layer = ServerLayer::new();
        let name = "learned.v1.Stock/Talk";
        let path = "/learned.v1.Stock/Talk";
        for (code, expected) in [
            (Code::NotFound, "grpc"),
            (Code::Ok, name),
            (Code::NotFound, name),
            (Code::Unimplemented, name),
        ] {
            let trace = call(&layer, path, code, None).await;
            assert_eq!(span(&trace).await.name(), expected, "{code:?}");
        }
        assert_eq!(count(name, "OK"), Some(1.0));
        assert_eq!(count(name, "NOT_FOUND"), Some(1.0));
    });
}

#[test]
fn a_descriptor_set_declares_the_methods_of_its_services() {
    run(async {
        let method = MethodDescriptorProto {
            name: Some("Talk".to_owned()),
            ..MethodDescriptorProto::default()
        };
        let service = ServiceDescriptorProto {
            name: Some("Stock".to_owned()),
            method: vec![method],
            ..ServiceDescriptorProto::default()
        };
        let file = FileDescriptorProto {
            package: Some("described.v1".to_owned()),
            service: vec![service],
            ..FileDescriptorProto::default()
        };
        let set = FileDescriptorSet { file: vec![file] }.encode_to_vec();
        let layer = ServerLayer::new().descriptors(&set).unwrap();
        let denied = Code::PermissionDenied;
        let trace = call(&layer, "/described.v1.Stock/Talk", denied, None).await;
        assert_eq!(span(&trace).await.name(), "described.v1.Stock/Talk");
        let trace = call(&layer, "/described.v1.Stock/Shout", denied, None).await;
        assert_eq!(span(&trace).await.name(), "grpc");
        assert!(ServerLayer::new().descriptors(b"no set").is_err());
    });
}
