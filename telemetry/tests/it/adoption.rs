//! The example of the adopters' page: three lines, and what they bring.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use axum::routing::post;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::{Response, Status};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

use crate::harness::{eventually, named, plain_client, run};
use crate::receiver::{Receiver, SpanKind};

const BEFORE: &str = include_str!("../../examples/kitchen_before/main.rs");
const AFTER: &str = include_str!("../../examples/kitchen/main.rs");

/// Ended when the test is over, however it ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where `cargo test` puts an example.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(
        path.exists(),
        "{} is not built: run `cargo test` without `--test`, or build it by `--example {name}`",
        path.display()
    );
    path
}

/// The pantry: a tonic service on a free port. It tells the trace context that it was called with.
async fn pantry() -> (String, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    let look = async move |request: axum::extract::Request| {
        let context = request.headers().get("traceparent").cloned();
        let context = context.map_or_else(String::new, |value| value.to_str().unwrap().to_owned());
        let _ = tell.send(context);
        let look = service_fn(async |_: tonic::Request<String>| Ok::<_, Status>(Response::new(3)));
        let mut grpc = tonic::server::Grpc::new(ProstCodec::<u32, String>::default());
        grpc.unary(look, request).await
    };
    let router = axum::Router::new().route("/kitchen.v1.Pantry/Look", post(look));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(
        Server::builder()
            .serve_with_incoming(Routes::from(router), TcpListenerStream::new(listener)),
    );
    (format!("http://{address}"), told)
}

/// How a service waits for its end before and after.
const STOPS: [&str; 2] = [
    "let stop = async { while tokio::signal::ctrl_c().await.is_err() {} };",
    "let stop = telemetry::shutdown_signal();",
];

#[test]
fn adoption_is_three_lines_and_the_signal_to_stop_is_the_crates() {
    let lines = |text: &'static str| text.lines().map(str::trim).collect::<Vec<_>>();
    let mut before = lines(BEFORE).into_iter().peekable();
    let mut added = Vec::new();
    for line in lines(AFTER) {
        let same = if line == STOPS[1] { STOPS[0] } else { line };
        if before.next_if_eq(&same).is_none() {
            added.push(line);
        }
    }
    assert_eq!(before.next(), None, "a line is gone or changed");
    assert_eq!(added.len(), 3, "{added:#?}");
    let page = include_str!("../../../docs/adopting-telemetry.md");
    for line in added.into_iter().chain(STOPS) {
        assert!(page.contains(line), "the page does not show {line}");
    }
}

#[test]
fn the_three_lines_bring_spans_measurements_and_log_lines_until_ctrl_c() {
    the_three_lines_bring_spans_measurements_and_log_lines("-INT");
}

#[test]
fn the_three_lines_bring_spans_measurements_and_log_lines_until_sigterm() {
    the_three_lines_bring_spans_measurements_and_log_lines("-TERM");
}

fn the_three_lines_bring_spans_measurements_and_log_lines(signal: &str) {
    run(async {
        let (receiver, collector) = Receiver::start().await;
        let (pantry, mut called) = pantry().await;
        let child = Command::new(example("kitchen"))
            .env("PANTRY", pantry)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut kitchen = Process(child);
        let mut first = String::new();
        let stdout = kitchen.0.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut first).unwrap();
        let address = first
            .trim()
            .strip_prefix("listening on ")
            .unwrap()
            .to_owned();

        let request = Request::get(format!("http://{address}/dishes/soup"))
            .body(Full::<Bytes>::default())
            .unwrap();
        let answer = plain_client().call(request).await.unwrap();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "soup, 3 left\n");
        let context = called.recv().await.unwrap();

        let interrupt = Command::new("kill")
            .args([signal, &kitchen.0.id().to_string()])
            .status();
        assert!(interrupt.unwrap().success());
        eventually(async || kitchen.0.try_wait().unwrap().is_some())
            .await
            .expect("it ends");
        let mut lines = String::new();
        let mut stderr = kitchen.0.stderr.take().unwrap();
        stderr.read_to_string(&mut lines).unwrap();

        let spans = receiver.all();
        assert_eq!(spans.len(), 2, "{spans:#?}");
        let server = named(&spans, "GET /dishes/{dish}");
        let client = named(&spans, "kitchen.v1.Pantry/Look");
        assert_eq!(
            (server.kind(), server.parent().as_str()),
            (SpanKind::Server, "")
        );
        assert_eq!(
            (client.kind(), client.parent()),
            (SpanKind::Client, server.id())
        );
        assert_eq!(
            context,
            format!("00-{}-{}-03", client.trace_id(), client.id())
        );
        let line: Value = lines
            .lines()
            .find_map(|line| serde_json::from_str(line).ok())
            .unwrap();
        assert_eq!(
            (&line["message"], &line["dish"], &line["left"]),
            (&"served".into(), &"soup".into(), &3.into())
        );
        assert_eq!(
            (&line["trace_id"], &line["span_id"]),
            (&server.trace_id().into(), &server.id().into())
        );
    });
}
