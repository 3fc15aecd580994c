//! The variables for metrics and log lines.

use crate::logs::{self, Directives, LogFormat, RepeatLimit};

use super::value::{self, one_of};
use super::variable::{Environment, Parsed, Section, Unfit, Variable};
use super::{ExemplarFilter, Metrics};

pub(super) const METRICS: Section = Section {
    title: "Metrics",
    variables: &[
        &METRICS_EXPORTER,
        &PROMETHEUS_HOST,
        &PROMETHEUS_PORT,
        &EXEMPLAR_FILTER,
    ],
};

pub(super) const LOGS: Section = Section {
    title: "Logs",
    variables: &[&LOGS_EXPORTER, &LEVELS, &OWN_LEVEL, &FORMAT, &REPEATS],
};

/// Whether the Prometheus exporter is used: there is no other.
const METRICS_EXPORTER: Variable<bool> = Variable {
    name: "OTEL_METRICS_EXPORTER",
    default: "prometheus",
    expected: "prometheus or none",
    purpose: "How metrics are exported: scraped, or not at all, and then none are recorded.",
    parse: |value| one_of(value, &[("prometheus", true), ("none", false)]),
};

const PROMETHEUS_HOST: Variable<String> = Variable {
    name: "OTEL_EXPORTER_PROMETHEUS_HOST",
    default: "localhost",
    expected: "a host's name or address",
    purpose: "Where `Admin::bind_from_environment` listens.",
    parse: value::text,
};

const PROMETHEUS_PORT: Variable<u16> = Variable {
    name: "OTEL_EXPORTER_PROMETHEUS_PORT",
    default: "9464",
    expected: "a port, 0 for a free one",
    purpose: "The port of `Admin::bind_from_environment`.",
    parse: |value| value.parse().map_err(|_| Unfit::Form),
};

pub(super) const EXEMPLAR_FILTER: Variable<ExemplarFilter> = Variable {
    name: "OTEL_METRICS_EXEMPLAR_FILTER",
    default: "trace_based",
    expected: "trace_based, always_on or always_off",
    purpose: "Which measurements may become exemplars; `always_on` means those of recorded traces too, since an exemplar must lead to one.",
    parse: |value| {
        one_of(
            value,
            &[
                ("trace_based", ExemplarFilter::TraceBased),
                ("always_on", ExemplarFilter::AlwaysOn),
                ("always_off", ExemplarFilter::AlwaysOff),
            ],
        )
    },
};

const LOGS_EXPORTER: Variable<bool> = Variable {
    name: "OTEL_LOGS_EXPORTER",
    default: "console",
    expected: "console or none",
    purpose: "Where log lines go: to the standard error stream, or nowhere.",
    parse: |value| one_of(value, &[("console", true), ("none", false)]),
};

const LEVELS: Variable<String> = Variable {
    name: "RUST_LOG",
    default: "info,opentelemetry=warn",
    expected: "a level or TARGET=LEVEL, or a list of them, with the levels off, error, warn, info, debug, trace",
    purpose: "What is logged, also by module. It never cuts a trace.",
    parse: levels,
};

const OWN_LEVEL: Variable<&str> = Variable {
    name: "OTEL_LOG_LEVEL",
    default: "",
    expected: "none, error, warn, info, debug or trace",
    purpose: "What the telemetry logs about itself (targets `telemetry` and `opentelemetry`), unless `RUST_LOG` names them.",
    parse: |value| {
        one_of(
            value,
            &[
                ("none", "off"),
                ("error", "error"),
                ("warn", "warn"),
                ("info", "info"),
                ("debug", "debug"),
                ("trace", "trace"),
            ],
        )
    },
};

const FORMAT: Variable<LogFormat> = Variable {
    name: "TELEMETRY_LOG_FORMAT",
    default: "",
    expected: "json or text",
    purpose: "The form of a line; without it `text` on a terminal and `json` elsewhere.",
    parse: |value| {
        one_of(
            value,
            &[("json", LogFormat::Json), ("text", LogFormat::Text)],
        )
    },
};

const REPEATS: Variable<RepeatLimit> = Variable {
    name: "TELEMETRY_LOG_REPEATS",
    default: "100",
    expected: "a whole number, or off",
    purpose: "How many lines one place in the program may write in ten seconds; the rest is counted, and `off` writes all.",
    parse: repeats,
};

pub(super) fn read_metrics(environment: &mut Environment) -> Metrics {
    Metrics {
        recorded: environment.get_or_default(&METRICS_EXPORTER),
        host: environment.get_or_default(&PROMETHEUS_HOST),
        port: environment.get_or_default(&PROMETHEUS_PORT),
    }
}

pub(super) fn read_logs(environment: &mut Environment) -> logs::Settings {
    let levels = environment.get(&LEVELS);
    // The later of two directives for one target wins.
    let directives = match (environment.get(&OWN_LEVEL), levels) {
        (None, levels) => levels.unwrap_or_else(|| LEVELS.default.to_owned()),
        (Some(own), levels) => format!(
            "telemetry={own},opentelemetry={own},{}",
            levels.as_deref().unwrap_or("info")
        ),
    };
    let directives = if environment.get_or_default(&LOGS_EXPORTER) {
        directives.parse()
    } else {
        "off".parse()
    };
    logs::Settings {
        directives: directives.unwrap_or_default(),
        format: environment.get(&FORMAT),
        repeats: environment.get(&REPEATS),
    }
}

/// The text of valid directives.
fn levels(value: &str) -> Parsed<String> {
    match value.parse::<Directives>() {
        Ok(_) => Ok(value.to_owned()),
        Err(error) => Err(Unfit::Because(error.to_string())),
    }
}

fn repeats(value: &str) -> Parsed<RepeatLimit> {
    one_of(value, &[("off", RepeatLimit::Unlimited)])
        .or_else(|_| value::count(value).map(RepeatLimit::Lines))
}

#[cfg(test)]
mod tests {
    use super::super::testing::settings;
    use super::*;

    fn directives(variables: &[(&str, &str)]) -> String {
        settings(variables).logs.directives.to_string()
    }

    #[test]
    fn the_telemetry_s_own_level_yields_to_one_that_is_named() {
        assert_eq!(directives(&[]), Directives::default().to_string());
        assert_eq!(directives(&[("RUST_LOG", "debug")]), "debug");
        assert_eq!(
            directives(&[("OTEL_LOG_LEVEL", "NONE")]),
            "info,opentelemetry=off,telemetry=off"
        );
        let levels = ("RUST_LOG", "warn,telemetry=trace");
        assert_eq!(
            directives(&[("OTEL_LOG_LEVEL", "error"), levels]),
            "warn,opentelemetry=error,telemetry=trace"
        );
    }

    #[test]
    fn what_logs_cannot_use_is_named_and_leaves_the_default() {
        for (name, bad) in [
            ("RUST_LOG", "info,auction=loud"),
            ("OTEL_LOG_LEVEL", "verbose"),
            ("OTEL_LOGS_EXPORTER", "otlp"),
            ("TELEMETRY_LOG_FORMAT", "xml"),
            ("TELEMETRY_LOG_REPEATS", "-1"),
        ] {
            let settings = settings(&[(name, bad)]);
            assert_eq!(settings.rejected.len(), 1, "{name}");
            let (given, default) = (settings.logs, super::super::testing::settings(&[]).logs);
            assert_eq!(format!("{given:?}"), format!("{default:?}"), "{name}");
        }
    }

    #[test]
    fn logs_go_to_the_console_or_nowhere_in_the_form_that_is_asked_for() {
        assert_eq!(directives(&[("OTEL_LOGS_EXPORTER", "none")]), "off");
        let text = settings(&[("TELEMETRY_LOG_FORMAT", "Text")]).logs;
        assert_eq!(text.format, Some(LogFormat::Text));
        assert_eq!(text.repeats.unwrap_or_default(), RepeatLimit::Lines(100));
        let all = settings(&[("TELEMETRY_LOG_REPEATS", "off")]).logs;
        assert_eq!(all.repeats, Some(RepeatLimit::Unlimited));
        assert_eq!(REPEATS.default_value(), RepeatLimit::default());
    }

    #[test]
    fn metrics_are_scraped_or_not_recorded() {
        let default = settings(&[]).metrics;
        assert!(default.recorded);
        assert_eq!((default.host.as_str(), default.port), ("localhost", 9464));
        let set = settings(&[
            ("OTEL_METRICS_EXPORTER", "none"),
            ("OTEL_EXPORTER_PROMETHEUS_HOST", "0.0.0.0"),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "9100"),
            ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off"),
        ]);
        assert!(!set.metrics.recorded && set.rejected.is_empty());
        assert_eq!(
            (set.metrics.host.as_str(), set.metrics.port),
            ("0.0.0.0", 9100)
        );
        assert_eq!(set.exemplars, ExemplarFilter::AlwaysOff);
        for bad in [
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "70000"),
            ("OTEL_METRICS_EXEMPLAR_FILTER", "sometimes"),
        ] {
            let settings = settings(&[bad]);
            assert_eq!(settings.metrics, default);
            assert_eq!(settings.exemplars, ExemplarFilter::TraceBased);
            assert_eq!(settings.rejected.len(), 1);
        }
    }
}
