//! The metrics of the platform beside those of the crate, as others read them.

#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

use std::process::Command;

use telemetry::signals::{self, Kind};

#[path = "../../../telemetry/tests/it/programs.rs"]
mod programs;

const PARSER: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../telemetry/tests/it/exposition.py"
);

#[tokio::test]
async fn promtool_and_the_reference_parser_take_every_metric_of_the_platform() {
    let telemetry = telemetry::builder("platform")
        .metrics(registry::ALL)
        .init()
        .unwrap();
    for metric in registry::ALL {
        let labels: Vec<(String, &str)> = metric
            .labels
            .iter()
            .map(|key| (signals::label_name(key).into_owned(), "any"))
            .collect();
        let name = metric.prometheus_name();
        match metric.kind {
            Kind::Counter => metrics::counter!(name, &labels).increment(1),
            Kind::Gauge | Kind::ObservableCounter => metrics::gauge!(name, &labels).set(1.0),
            Kind::Histogram => metrics::histogram!(name, &labels).record(1.0),
            Kind::Info => {}
        }
    }
    let (text, open) = (telemetry.render_metrics(), telemetry.render_open_metrics());
    for metric in registry::ALL {
        let name = metric.prometheus_name();
        assert!(text.contains(&format!("\n# HELP {name} ")), "{name}");
    }
    // One that is refused or new would be seen here.
    for doubt in [
        signals::TELEMETRY_METRIC_UNDECLARED,
        signals::TELEMETRY_METRIC_REJECTED,
    ] {
        let doubt = format!("\n{}{{", doubt.prometheus_name());
        assert!(!text.contains(&doubt), "{text}");
    }
    let promtool = programs::find("PROMTOOL", "bin/promtool");
    programs::fed(
        Command::new(promtool).args(["check", "metrics"]),
        text.as_bytes(),
    );
    let python = programs::find("BIDTRACE_TEST_PYTHON", "python/bin/python3");
    programs::fed(
        Command::new(&python).args([PARSER, "text"]),
        text.as_bytes(),
    );
    programs::fed(
        Command::new(&python).args([PARSER, "openmetrics"]),
        open.as_bytes(),
    );
}
