//! Names, limits and buckets, as a scrape shows them.

use std::time::SystemTime;

use metrics::with_local_recorder;

use super::*;
use crate::metrics::recorder::exposition::{self, Format};
use crate::metrics::recorder::family::SERIES_LIMIT;
use crate::metrics::signals::{
    TelemetryContextRejected, TelemetryContextRejectedReason, TokioRuntimeScheduleDelay,
};

const CALLS: Metric = Metric {
    name: "test.calls",
    kind: Kind::Counter,
    unit: "{call}",
    help: "Calls.",
    buckets: &[],
    labels: &["who"],
};
const OPEN: Metric = Metric {
    name: "test.open",
    kind: Kind::Gauge,
    ..CALLS
};
const TIME: Metric = Metric {
    name: "test.time",
    kind: Kind::Histogram,
    unit: "s",
    buckets: &[1.0],
    ..CALLS
};

const BYTES: Metric = Metric {
    name: "test.bytes",
    unit: "By",
    labels: &[],
    ..TIME
};
const DEPTH: Metric = Metric {
    name: "test.depth",
    unit: "1",
    labels: &[],
    ..TIME
};

fn measured(work: impl FnOnce()) -> String {
    let declared = crate::metrics::signals::all().chain([&CALLS, &OPEN, &TIME, &BYTES, &DEPTH]);
    let buckets = Buckets::of(&[
        ("surprise.size", &[7.0]),
        ("test.bytes", &[8.0]),
        ("test_depth", &[9.0]),
    ]);
    let recorder = LimitedRecorder::new(declared, buckets, Arc::new(Intervals::new(true)));
    with_local_recorder(&recorder, work);
    exposition::render(&recorder, Format::Text, SystemTime::now())
}

fn value(text: &str, series: &str) -> Option<f64> {
    text.lines()
        .find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

fn count(text: &str, start: &str) -> usize {
    text.lines().filter(|line| line.starts_with(start)).count()
}

#[test]
#[allow(clippy::cast_precision_loss)]
fn labels_with_ever_new_values_fill_one_series_and_are_counted() {
    const MORE: usize = 500;
    let text = measured(|| {
        for number in 0..SERIES_LIMIT + MORE {
            let who = number.to_string();
            let labels = &[("who", who.as_str())];
            CALLS.counter(labels).increment(2);
            OPEN.gauge(labels).increment(1.0);
            TIME.histogram(labels).record(0.5);
        }
        // A gauge goes back where it came from.
        let last = (SERIES_LIMIT + MORE - 1).to_string();
        OPEN.gauge(&[("who", &last)]).decrement(1.0);
        // A gauge set on the overflow series would overwrite other series' values, so only count it.
        OPEN.gauge(&[("who", "late")]).set(1e9);
        // The series that are there go on.
        CALLS.counter(&[("who", "0")]).increment(5);
    });
    assert_eq!(count(&text, "test_calls_total{"), SERIES_LIMIT + 1);
    assert_eq!(count(&text, "test_open{"), SERIES_LIMIT + 1);
    assert_eq!(count(&text, "test_time_seconds_count{"), SERIES_LIMIT + 1);
    let rest = |name| value(&text, &format!("{name}{{otel_metric_overflow=\"true\"}}"));
    assert_eq!(rest("test_calls_total"), Some(2.0 * MORE as f64));
    assert_eq!(rest("test_open"), Some(MORE as f64 - 1.0));
    assert_eq!(rest("test_time_seconds_count"), Some(MORE as f64));
    assert_eq!(value(&text, "test_calls_total{who=\"0\"}"), Some(7.0));
    for (metric, overflowed) in [
        ("test_calls_total", MORE),
        ("test_open", MORE + 2),
        ("test_time_seconds", MORE),
    ] {
        let series =
            format!("telemetry_metric_overflow_total{{telemetry_metric_name=\"{metric}\"}}");
        assert_eq!(value(&text, &series), Some(overflowed as f64), "{metric}");
    }
}

#[test]
fn every_value_of_a_closed_label_starts_at_zero() {
    let text = measured(|| {
        TelemetryContextRejected::zero();
        TelemetryContextRejected {
            telemetry_reason: TelemetryContextRejectedReason::Malformed,
        }
        .add(1);
        TokioRuntimeScheduleDelay::zero();
    });
    for reason in TelemetryContextRejectedReason::ALL {
        let is_counted = reason == TelemetryContextRejectedReason::Malformed;
        let reason = reason.as_str();
        let series = format!("telemetry_context_rejected_total{{telemetry_reason=\"{reason}\"}}");
        let expected = if is_counted { 1.0 } else { 0.0 };
        assert_eq!(value(&text, &series), Some(expected), "{series}");
    }
    let delays = "tokio_runtime_schedule_delay_seconds_count";
    assert_eq!(value(&text, delays), Some(0.0));
}

#[test]
fn what_could_overflow_is_counted_from_the_start() {
    let text = measured(|| {});
    let series =
        |name| format!("telemetry_metric_overflow_total{{telemetry_metric_name=\"{name}\"}}");
    assert_eq!(value(&text, &series("test_time_seconds")), Some(0.0));
    assert_eq!(value(&text, &series("otel_sdk_span_started_total")), None);
}

#[test]
fn a_metric_that_nobody_declared_is_taken_and_counted() {
    let text = measured(|| {
        metrics::describe_histogram!("surprise.time", "How long.");
        metrics::histogram!("surprise.time", "who" => "me").record(0.2);
        metrics::counter!("surprises").increment(1);
    });
    assert!(text.contains("# HELP surprise_time How long.\n"), "{text}");
    let bucket = "surprise_time_bucket{who=\"me\",le=\"0.25\"}";
    assert_eq!(value(&text, bucket), Some(1.0));
    assert_eq!(value(&text, "surprises_total"), Some(1.0));
    for metric in ["surprise_time", "surprises_total"] {
        let series =
            format!("telemetry_metric_undeclared_total{{telemetry_metric_name=\"{metric}\"}}");
        assert_eq!(value(&text, &series), Some(1.0));
    }
}

#[test]
fn a_name_that_belongs_to_another_family_is_refused_and_counted() {
    let text = measured(|| {
        TIME.histogram(&[]).record(0.5);
        metrics::gauge!("test_time_seconds").set(1.0);
        metrics::gauge!("test_time_seconds_count").set(2.0);
        metrics::gauge!("test.calls").set(3.0);
        metrics::counter!("test_calls").increment(4);
    });
    for refused in ["test_time_seconds", "test_time_seconds_count", "test_calls"] {
        let series = format!(
            "telemetry_metric_rejected_total{{telemetry_metric_name=\"{refused}\",telemetry_reason=\"kind_conflict\"}}"
        );
        assert_eq!(value(&text, &series), Some(1.0), "{refused} in {text}");
    }
    assert_eq!(value(&text, "test_time_seconds_count"), Some(1.0));
    // The undeclared spelling of a declared counter is that counter.
    assert_eq!(value(&text, "test_calls_total"), Some(4.0));
}

#[test]
fn names_that_never_end_find_no_room() {
    let text = measured(|| {
        for number in 0..UNDECLARED_LIMIT + 7 {
            metrics::counter!(format!("surprise_{number}")).increment(1);
        }
    });
    assert_eq!(count(&text, "surprise_"), UNDECLARED_LIMIT);
    let series = "telemetry_metric_rejected_total{telemetry_metric_name=\"\",telemetry_reason=\"too_many_metrics\"}";
    assert_eq!(value(&text, series), Some(7.0));
}

#[test]
fn buckets_that_are_given_in_code_are_those_of_the_histogram_declared_or_not() {
    let text = measured(|| {
        metrics::histogram!("surprise.size").record(7.5);
        metrics::histogram!("surprise.time").record(7.5);
        for metric in [&BYTES, &DEPTH, &TIME] {
            metric.histogram(&[]).record(0.5);
        }
    });
    for (series, count) in [
        ("surprise_size_bucket{le=\"7.0\"}", Some(0.0)),
        ("surprise_size_bucket{le=\"+Inf\"}", Some(1.0)),
        ("surprise_size_bucket{le=\"10.0\"}", None),
        ("surprise_time_bucket{le=\"10.0\"}", Some(1.0)),
        ("test_bytes_bucket{le=\"8.0\"}", Some(1.0)),
        ("test_bytes_bucket{le=\"1.0\"}", None),
        ("test_depth_bucket{le=\"9.0\"}", Some(1.0)),
        ("test_time_seconds_bucket{le=\"1.0\"}", Some(1.0)),
    ] {
        assert_eq!(value(&text, series), count, "{series} in {text}");
    }
}
