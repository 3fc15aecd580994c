//! The buckets that a service gives to histograms in code.

use telemetry::{InitError, builder};

use crate::child;

#[test]
fn a_histogram_has_the_buckets_that_the_builder_was_given() {
    child::run(
        "buckets::child_gives_buckets",
        &[("OTEL_TRACES_EXPORTER", "none")],
    );
}

#[tokio::test]
#[ignore = "a child"]
async fn child_gives_buckets() {
    let telemetry = builder("kitchen")
        .buckets("oven.temperature", &[100.0, 200.0])
        .buckets("db.client.connection.wait_time", &[0.5])
        .init()
        .unwrap();
    metrics::histogram!("oven.temperature").record(150.0);
    telemetry::signals::DbClientConnectionWaitTime {
        db_client_connection_pool_name: "pool",
    }
    .record(0.0);
    let text = telemetry.render_metrics();
    let bounds = |name: &str| -> Vec<&str> {
        let bucket = format!("{name}_bucket{{");
        let of = text.lines().filter(|line| line.starts_with(&bucket));
        of.filter_map(|line| line.split("le=\"").nth(1)?.split('"').next())
            .collect()
    };
    assert_eq!(bounds("oven_temperature"), ["100.0", "200.0", "+Inf"]);
    let declared = bounds("db_client_connection_wait_time_seconds");
    assert_eq!(declared, ["0.5", "+Inf"]);
}

#[tokio::test]
async fn buckets_that_no_histogram_can_have_are_refused() {
    for bounds in [
        &[][..],
        &[2.0, 1.0],
        &[1.0, 1.0],
        &[1.0, f64::NAN],
        &[f64::INFINITY],
    ] {
        let refused = builder("kitchen")
            .buckets("oven.temperature", bounds)
            .init();
        let is_refused = matches!(refused, Err(InitError::Buckets("oven.temperature")));
        assert!(is_refused, "{bounds:?}");
    }
}
