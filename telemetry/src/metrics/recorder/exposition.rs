//! The exposition formats: the Prometheus text format 0.0.4 and `OpenMetrics` 1.0.0.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;
use std::time::SystemTime;

use metrics::Key;

use super::exemplar::Exemplar;
use super::family::Family;
use super::histogram::Histogram;
use super::limited::LimitedRecorder;
use super::{names, overflow};
use crate::metrics::signals::Kind;

/// A format in which a scrape is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// The Prometheus text format 0.0.4.
    Text,
    /// `OpenMetrics` 1.0.0, the one with exemplars.
    OpenMetrics,
}

/// All metrics, as they are at `time`. Families come by name, their series by their labels.
///
/// No lock that a measurement needs is held while it is written.
pub(crate) fn render(recorder: &LimitedRecorder, format: Format, time: SystemTime) -> String {
    let exported = recorder.exporter().render();
    let mut samples = by_family(&exported);
    let mut out = String::with_capacity(2 * exported.len());
    for family in recorder.families() {
        let mut lines: Vec<Cow<'_, str>> = match family.kind {
            Kind::Histogram => histograms(&family, format, time),
            _ => samples.remove(family.name.as_str()).unwrap_or_default(),
        };
        if lines.is_empty() {
            continue;
        }
        lines.sort_unstable();
        head(&mut out, &family, format);
        for line in lines {
            out.push_str(&line);
            out.push('\n');
        }
    }
    if format == Format::OpenMetrics {
        out.push_str("# EOF\n");
    }
    out
}

// === impl Format ===

impl Format {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

fn head(out: &mut String, family: &Family, format: Format) {
    let (name, kind) = match (format, family.kind) {
        (Format::Text, Kind::Info | Kind::Gauge) => (family.name.as_str(), "gauge"),
        (Format::Text, Kind::Counter | Kind::ObservableCounter) => {
            (family.name.as_str(), "counter")
        }
        (_, Kind::Histogram) => (family.name.as_str(), "histogram"),
        (Format::OpenMetrics, kind) => (
            names::family(&family.name, kind),
            match kind {
                Kind::Counter | Kind::ObservableCounter => "counter",
                Kind::Info => "info",
                Kind::Gauge | Kind::Histogram => "gauge",
            },
        ),
    };
    let _ = writeln!(out, "# TYPE {name} {kind}");
    if format == Format::OpenMetrics
        && let Some(unit) = family.unit
        && name
            .strip_suffix(unit)
            .is_some_and(|name| name.ends_with('_'))
    {
        let _ = writeln!(out, "# UNIT {name} {unit}");
    }
    if let Some(help) = family.help.get() {
        let _ = write!(out, "# HELP {name} ");
        escape(out, help, format == Format::OpenMetrics);
        out.push('\n');
    }
}

/// The lines of the exporter's samples, by the name of their family.
fn by_family(exported: &str) -> HashMap<&str, Vec<Cow<'_, str>>> {
    let mut families: HashMap<&str, Vec<Cow<'_, str>>> = HashMap::new();
    let mut current = None;
    for line in exported.lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            let name = head.split_once(' ').map_or(head, |(name, _)| name);
            current = Some(families.entry(name).or_default());
        } else if !line.is_empty()
            && let Some(samples) = &mut current
        {
            samples.push(canonical(line));
        }
    }
    families
}

/// The same sample, with an infinite value as the formats write it.
fn canonical(line: &str) -> Cow<'_, str> {
    match line.rsplit_once(' ') {
        Some((series, "inf")) => format!("{series} +Inf").into(),
        Some((series, "-inf")) => format!("{series} -Inf").into(),
        _ => line.into(),
    }
}

/// Each histogram as one text of several lines, so that they stay together.
fn histograms(family: &Family, format: Format, time: SystemTime) -> Vec<Cow<'static, str>> {
    let bounds: Vec<String> = family
        .config
        .bounds
        .iter()
        .map(|bound| float(*bound))
        .chain(["+Inf".to_owned()])
        .collect();
    family
        .histograms
        .all()
        .into_iter()
        .map(|(key, histogram)| {
            let labels = labels(&key.unwrap_or_else(overflow::key));
            one_histogram(&family.name, &labels, &bounds, &histogram, format, time).into()
        })
        .collect()
}

fn one_histogram(
    name: &str,
    labels: &str,
    bounds: &[String],
    histogram: &Histogram,
    format: Format,
    time: SystemTime,
) -> String {
    let snapshot = histogram.snapshot(time);
    let comma = if labels.is_empty() { "" } else { "," };
    let mut out = String::with_capacity((name.len() + labels.len() + 32) * (bounds.len() + 2));
    let mut count = 0;
    for (bound, (cumulative, exemplar)) in bounds.iter().zip(snapshot.cumulative) {
        count = cumulative;
        let _ = write!(
            out,
            "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {cumulative}"
        );
        if format == Format::OpenMetrics
            && let Some(exemplar) = exemplar
        {
            write_exemplar(&mut out, &exemplar);
        }
        out.push('\n');
    }
    let braced = if labels.is_empty() {
        String::new()
    } else {
        format!("{{{labels}}}")
    };
    let _ = write!(
        out,
        "{name}_sum{braced} {}\n{name}_count{braced} {count}",
        snapshot.sum
    );
    out
}

fn write_exemplar(out: &mut String, exemplar: &Exemplar) {
    let Exemplar {
        value,
        trace,
        span,
        time,
    } = exemplar;
    let since_epoch = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let _ = write!(
        out,
        " # {{trace_id=\"{trace}\",span_id=\"{span}\"}} {value} {}.{:03}",
        since_epoch.as_secs(),
        since_epoch.subsec_millis()
    );
}

/// The labels of a series, as they stand between the braces.
fn labels(key: &Key) -> String {
    let mut out = String::new();
    for label in names::labels(key) {
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(label.key());
        out.push_str("=\"");
        escape(&mut out, label.value(), true);
        out.push('"');
    }
    out
}

fn escape(out: &mut String, text: &str, quotes: bool) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str(r"\\"),
            '\n' => out.push_str(r"\n"),
            '"' if quotes => out.push_str("\\\""),
            other => out.push(other),
        }
    }
}

/// A bound as `OpenMetrics` wants it in `le` (section "Canonical Numbers"): `1.0`, `0.005`, `1e-05`, `1e+06`.
fn float(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = match exponent.strip_prefix('-') {
            Some(digits) => ('-', digits),
            None => ('+', exponent),
        };
        format!("{mantissa}e{sign}{digits:0>2}")
    } else if value.fract() == 0.0 {
        format!("{value:.1}")
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use metrics::with_local_recorder;
    use opentelemetry::trace::{Tracer, TracerProvider};
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
    use proptest::prelude::*;

    use super::*;
    use crate::metrics::recorder::buckets::Buckets;
    use crate::metrics::recorder::exemplar::Intervals;
    use crate::metrics::signals::{self, Metric};
    use crate::trace::sampling::DatedIds;

    const SENT: Metric = Metric {
        name: "test.sent",
        kind: Kind::Counter,
        unit: "By",
        help: "What was \"sent\".",
        buckets: &[],
        labels: &["to"],
    };
    const CPU: Metric = Metric {
        name: "test.cpu",
        kind: Kind::ObservableCounter,
        unit: "s",
        help: "CPU time.",
        labels: &[],
        ..SENT
    };
    const LEVEL: Metric = Metric {
        name: "test.level",
        kind: Kind::Gauge,
        unit: "1",
        help: "A level.",
        ..SENT
    };
    const WAIT: Metric = Metric {
        name: "test.wait",
        kind: Kind::Histogram,
        unit: "s",
        help: "A wait.",
        buckets: &[0.5, 1.0],
        ..SENT
    };
    const KITCHEN: Metric = Metric {
        name: "test.kitchen.info",
        kind: Kind::Info,
        unit: "",
        help: "The kitchen.",
        ..SENT
    };

    fn recorder() -> LimitedRecorder {
        let declared = signals::all().chain([&SENT, &CPU, &LEVEL, &WAIT, &KITCHEN]);
        LimitedRecorder::new(declared, Buckets::default(), Arc::new(Intervals::new(true)))
    }

    /// What it says about the metrics of this test.
    fn rendered(recorder: &LimitedRecorder, format: Format) -> String {
        render(recorder, format, SystemTime::now())
            .lines()
            .filter(|line| line.contains("test_") && !line.starts_with("telemetry_"))
            .fold(String::new(), |text, line| text + line + "\n")
    }

    fn measure() {
        SENT.counter(&[("to", "b")]).increment(3);
        SENT.counter(&[("to", "a\\\"\n")]).increment(4);
        CPU.gauge(&[]).set(1.25);
        LEVEL.gauge(&[]).set(f64::INFINITY);
        for wait in [0.75, 3.0] {
            WAIT.histogram(&[("to", "a")]).record(wait);
        }
        KITCHEN.inform([("chef.name".to_owned(), "Ana".to_owned())].into_iter());
    }

    #[test]
    fn the_text_format_is_as_prometheus_wants_it() {
        let recorder = recorder();
        with_local_recorder(&recorder, measure);
        assert_eq!(
            rendered(&recorder, Format::Text),
            r#"# TYPE test_cpu_seconds_total counter
# HELP test_cpu_seconds_total CPU time.
test_cpu_seconds_total 1.25
# TYPE test_kitchen_info gauge
# HELP test_kitchen_info The kitchen.
test_kitchen_info{chef_name="Ana"} 1
# TYPE test_level gauge
# HELP test_level A level.
test_level +Inf
# TYPE test_sent_bytes_total counter
# HELP test_sent_bytes_total What was "sent".
test_sent_bytes_total{to="a\\\"\n"} 4
test_sent_bytes_total{to="b"} 3
# TYPE test_wait_seconds histogram
# HELP test_wait_seconds A wait.
test_wait_seconds_bucket{to="a",le="0.5"} 0
test_wait_seconds_bucket{to="a",le="1.0"} 1
test_wait_seconds_bucket{to="a",le="+Inf"} 2
test_wait_seconds_sum{to="a"} 3.75
test_wait_seconds_count{to="a"} 2
"#
        );
    }

    #[test]
    fn open_metrics_names_families_and_units_and_ends() {
        let recorder = recorder();
        with_local_recorder(&recorder, measure);
        assert_eq!(
            rendered(&recorder, Format::OpenMetrics),
            r#"# TYPE test_cpu_seconds counter
# UNIT test_cpu_seconds seconds
# HELP test_cpu_seconds CPU time.
test_cpu_seconds_total 1.25
# TYPE test_kitchen info
# HELP test_kitchen The kitchen.
test_kitchen_info{chef_name="Ana"} 1
# TYPE test_level gauge
# HELP test_level A level.
test_level +Inf
# TYPE test_sent_bytes counter
# UNIT test_sent_bytes bytes
# HELP test_sent_bytes What was \"sent\".
test_sent_bytes_total{to="a\\\"\n"} 4
test_sent_bytes_total{to="b"} 3
# TYPE test_wait_seconds histogram
# UNIT test_wait_seconds seconds
# HELP test_wait_seconds A wait.
test_wait_seconds_bucket{to="a",le="0.5"} 0
test_wait_seconds_bucket{to="a",le="1.0"} 1
test_wait_seconds_bucket{to="a",le="+Inf"} 2
test_wait_seconds_sum{to="a"} 3.75
test_wait_seconds_count{to="a"} 2
"#
        );
        assert!(render(&recorder, Format::OpenMetrics, SystemTime::now()).ends_with("\n# EOF\n"));
    }

    #[test]
    fn an_exemplar_is_told_in_its_bucket_in_open_metrics_only() {
        let recorder = recorder();
        let provider = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            .with_id_generator(DatedIds::default())
            .build();
        let ids = provider.tracer("t").in_span("a", |context| {
            use opentelemetry::trace::TraceContextExt;
            with_local_recorder(&recorder, || WAIT.histogram(&[]).record(0.75));
            let span = context.span().span_context().clone();
            format!(
                "# {{trace_id=\"{}\",span_id=\"{}\"}} 0.75 ",
                span.trace_id(),
                span.span_id()
            )
        });
        let text = rendered(&recorder, Format::OpenMetrics);
        let with: Vec<_> = text.lines().filter(|line| line.contains(&ids)).collect();
        assert_eq!(with.len(), 1, "{text}");
        assert!(with[0].starts_with("test_wait_seconds_bucket{le=\"1.0\"} 1 # "));
        assert!(!rendered(&recorder, Format::Text).contains("trace_id"));
    }

    #[test]
    fn bounds_are_canonical() {
        for (recorder, text) in [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (0.005, "0.005"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (2.5, "2.5"),
            (123_456.0, "123456.0"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (-2.0, "-2.0"),
        ] {
            assert_eq!(float(recorder), text);
        }
    }

    fn unescaped(text: &str) -> String {
        let mut out = String::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => match characters.next() {
                    Some('n') => out.push('\n'),
                    Some(other) => out.push(other),
                    None => panic!("a lone backslash ends {text:?}"),
                },
                other => out.push(other),
            }
        }
        out
    }

    proptest! {
        #[test]
        fn any_label_value_comes_out_as_it_went_in(value in r#"(\PC|[\\"\n{}=, ]){0,20}"#) {
            let recorder = recorder();
            with_local_recorder(&recorder, || {
                SENT.counter(&[("to", &value)]).increment(1);
                WAIT.histogram(&[("to", &value)]).record(0.75);
            });
            for format in [Format::Text, Format::OpenMetrics] {
                let text = render(&recorder, format, SystemTime::now());
                for (start, end) in [
                    ("test_sent_bytes_total{to=\"", "\"} 1"),
                    ("test_wait_seconds_count{to=\"", "\"} 1"),
                    ("test_wait_seconds_bucket{to=\"", "\",le=\"1.0\"} 1"),
                ] {
                    // Not `lines()`, for which a carriage return is part of the end.
                    let found = text
                        .split('\n')
                        .find_map(|line| line.strip_prefix(start)?.strip_suffix(end))
                        .map(unescaped);
                    prop_assert_eq!(found, Some(value.clone()), "{}", start);
                }
            }
        }

        #[test]
        fn any_help_comes_out_as_it_went_in(help in r#"(\PC|[\\"\n ]){1,40}"#) {
            let recorder = recorder();
            with_local_recorder(&recorder, || {
                metrics::describe_counter!("surprises", help.clone());
                metrics::counter!("surprises").increment(1);
            });
            for (format, start) in [
                (Format::Text, "# HELP surprises_total "),
                (Format::OpenMetrics, "# HELP surprises "),
            ] {
                let text = render(&recorder, format, SystemTime::now());
                let found = text
                    .split('\n')
                    .find_map(|line| line.strip_prefix(start))
                    .map(unescaped);
                prop_assert_eq!(found, Some(help.clone()));
            }
        }
    }
}
