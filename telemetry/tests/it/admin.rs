//! The admin port.

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use telemetry::admin::{Admin, Readiness};
use telemetry::context::current_trace_id;
use telemetry::signals;
use tokio::sync::oneshot;
use tower::Service;

use crate::harness::{LIMIT, has_line, http_client, run, spans, telemetry, traced};

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
            assert!(metrics.contains("target_info{service_name=\"it\",service_version=\"1.2.3\""));
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

#[test]
fn what_the_process_always_emits_is_there_under_its_declared_name() {
    run(async {
        for metric in signals::all().filter(|metric| {
            ["process.", "tokio.", "otel.sdk.", "target", "build"]
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
