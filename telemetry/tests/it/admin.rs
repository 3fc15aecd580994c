//! The admin port.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use telemetry::admin::{Admin, Readiness};
use telemetry::context::current_trace_id;
use telemetry::signals;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tower::Service;

use crate::harness::{LIMIT, has_line, http_client, plain_client, run, spans, telemetry, traced};
use crate::receiver::Receiver;

async fn get(address: std::net::SocketAddr, path: &str) -> (StatusCode, String) {
    let request = Request::get(format!("http://{address}{path}"))
        .body(Full::<Bytes>::default())
        .unwrap();
    let response = http_client().call(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn the_admin_port_tells_health_and_metrics_and_leaves_no_trace() {
    run(async {
        let readiness = Readiness::default();
        let database = readiness.check("database");
        let broker = readiness.check("broker");
        let admin = Admin::bind("127.0.0.1:0", telemetry(), readiness).unwrap();
        let address = admin.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(admin.serve(async {
            let _ = stopped.await;
        }));
        let (trace, ()) = traced(async {
            assert_eq!(get(address, "/livez").await.0, StatusCode::OK);
            let failing = (
                StatusCode::SERVICE_UNAVAILABLE,
                r#"["broker","database"]"#.to_owned(),
            );
            assert_eq!(get(address, "/readyz").await, failing);
            database.set(true);
            broker.set(true);
            assert_eq!(
                get(address, "/readyz").await,
                (StatusCode::OK, "[]".to_owned())
            );
            let (status, metrics) = get(address, "/metrics").await;
            assert_eq!(status, StatusCode::OK);
            let target = metrics
                .lines()
                .find(|line| line.starts_with("target_info{"))
                .unwrap();
            for attribute in ["service_name=\"it\"", "service_version=\"1.2.3\""] {
                assert!(target.contains(attribute), "{target}");
            }
            assert_eq!(current_trace_id().unwrap().len(), 32);
        })
        .await;
        // The root and four client spans: nothing came from the other side.
        let spans = spans(&trace, |spans| spans.len() >= 5).await;
        assert_eq!(spans.len(), 5, "{spans:#?}");
        assert!(!has_line(&["readyz"]) && !has_line(&["livez"]));
        stop.send(()).unwrap();
        tokio::time::timeout(LIMIT, serving)
            .await
            .expect("it stops when told to")
            .unwrap()
            .unwrap();
    });
}

/// An admin port of the shared process, with its address.
fn admin() -> std::net::SocketAddr {
    let admin = Admin::bind("127.0.0.1:0", telemetry(), Readiness::default()).unwrap();
    let address = admin.local_addr().unwrap();
    tokio::spawn(admin.serve(std::future::pending()));
    address
}

async fn log_level(
    address: std::net::SocketAddr,
    method: &str,
    query: &str,
    directives: &str,
) -> (StatusCode, String) {
    let request = Request::builder()
        .method(method)
        .uri(format!("http://{address}/log-level{query}"))
        .body(Full::new(Bytes::from(directives.to_owned())))
        .unwrap();
    let response = plain_client().call(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn the_log_level_changes_while_the_process_runs_also_by_module_and_for_a_time() {
    let output = crate::child::run("admin::child_changes_its_level", &[("RUST_LOG", "warn")]);
    let lines: Vec<_> = String::from_utf8(output.stderr)
        .unwrap()
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|line| line["target"] == module_path!() || line["target"] == "kitchen::soup")
        .map(|line| line["message"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        lines,
        [
            "configured: warn",
            "changed: warn",
            "changed: info",
            "changed: kitchen debug",
            "for a time: warn",
            "for a time: info",
            "for a time: debug",
            "over: warn",
            "restored: warn",
        ]
    );
}

fn log(when: &str) {
    tracing::warn!("{when}: warn");
    tracing::info!("{when}: info");
    tracing::debug!("{when}: debug");
    tracing::debug!(target: "kitchen::soup", "{when}: kitchen debug");
}

#[tokio::test]
#[ignore = "a child"]
async fn child_changes_its_level() {
    let (receiver, url) = Receiver::start().await;
    let telemetry = telemetry::builder("kitchen").collector(url).init().unwrap();
    let admin = Admin::bind("127.0.0.1:0", &telemetry, Readiness::default()).unwrap();
    let address = admin.local_addr().unwrap();
    tokio::spawn(admin.serve(std::future::pending()));
    log("configured");

    let (status, shown) = log_level(address, "PUT", "", "info,kitchen=debug\n").await;
    let changed = r#"{"directives":"info,kitchen=debug","configured":"warn"}"#;
    assert_eq!((status, shown.trim_end()), (StatusCode::OK, changed));
    assert_eq!(log_level(address, "GET", "", "").await, (status, shown));
    log("changed");

    let (status, shown) = log_level(address, "PUT", "?for=1s", "admin=off,it=debug").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        shown.contains("\"configured_again_in_seconds\":"),
        "{shown}"
    );
    log("for a time");
    crate::harness::eventually(async || {
        let (_, shown) = log_level(address, "GET", "", "").await;
        shown.trim_end() == r#"{"directives":"warn","configured":"warn"}"#
    })
    .await
    .expect("it is over after a while");
    log("over");

    assert_eq!(
        log_level(address, "PUT", "", "trace").await.0,
        StatusCode::OK
    );
    assert_eq!(log_level(address, "DELETE", "", "").await.0, StatusCode::OK);
    let trace = tracing::info_span!("cook").in_scope(|| {
        below_the_level_of_the_lines();
        telemetry::context::current_trace_id().unwrap()
    });
    log("restored");
    telemetry.shutdown().await.unwrap();
    assert_eq!(receiver.trace(&trace).len(), 2);
}

fn below_the_level_of_the_lines() {
    tracing::info_span!("fine").in_scope(|| {});
}

#[test]
fn a_bad_level_is_refused_and_named_and_changes_nothing() {
    run(async {
        let address = admin();
        let before = log_level(address, "GET", "", "").await;
        let long = "a=info,".repeat(1000);
        for (query, directives, status, named) in [
            ("", "info,it=loud", 400, "\"loud\" in \"it=loud\""),
            ("", "", 400, "no directive"),
            ("", "info,[x]=debug", 400, "\"[x]=debug\""),
            ("?for=soon", "info", 400, "\"soon\" is no duration"),
            ("?till=10m", "info", 400, "\"till=10m\" is not known"),
            ("", long.as_str(), 413, "longer than 4096 bytes"),
        ] {
            let (code, text) = log_level(address, "PUT", query, directives).await;
            assert_eq!(code.as_u16(), status, "{directives}: {text}");
            assert!(text.contains(named), "{text}");
        }
        assert_eq!(log_level(address, "POST", "", "info").await.0.as_u16(), 405);
        assert_eq!(log_level(address, "GET", "", "").await, before);
    });
}

#[test]
fn a_client_that_sends_too_much_or_nothing_holds_nobody_else_up() {
    run(async {
        let address = admin();
        let mut silent = Vec::new();
        for _ in 0..8 {
            silent.push(tokio::net::TcpStream::connect(address).await.unwrap());
        }
        assert_eq!(get(address, "/livez").await.0, StatusCode::OK);
        let mut greedy = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "GET /livez HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
            "x".repeat(64 * 1024)
        );
        let _ = greedy.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(LIMIT, greedy.read_to_end(&mut answer))
            .await
            .expect("it is turned away");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(!answer.contains(" 200 "), "{answer}");
        assert_eq!(get(address, "/nothing").await.0, StatusCode::NOT_FOUND);
        drop(silent);
    });
}

#[test]
fn what_the_process_always_emits_is_there_under_its_declared_name() {
    run(async {
        for metric in signals::all().filter(|metric| {
            [
                "process.",
                "tokio.",
                "otel.sdk.",
                "telemetry.log.",
                "target",
                "build",
            ]
            .iter()
            .any(|start| metric.name.starts_with(start))
        }) {
            let name = metric.prometheus_name();
            crate::harness::eventually(async || has_line(&[&name]) && has_line(&["# HELP", &name]))
                .await
                .unwrap_or_else(|()| panic!("{name} is not exposed, or without help"));
        }
    });
}

#[test]
fn every_span_is_accounted_for() {
    run(async {
        traced(async {}).await;
        telemetry().flush().await.unwrap();
        let now = telemetry().spans();
        assert!(now.is_balanced(), "{now:?}");
        assert!(now.exported > 0);
        assert_eq!(now.lost.total(), 0);
    });
}
