//! Detects unknown variables, most of which are typing errors.

use super::variable::{Declared, OWN_PREFIX, all};

/// The prefix of the specification's variables.
const SPECIFIED: &str = "OTEL_";

/// Prefixes of variables of the specification, or of common tools, that this crate tolerates without reading them: an
/// environment may be shared with other services.
const NOT_OURS: &[&str] = &[
    // Other signals and exporters.
    "OTEL_BLRP_",
    "OTEL_LOGRECORD_",
    "OTEL_METRIC_EXPORT_",
    "OTEL_EXPORTER_OTLP_METRICS_",
    "OTEL_EXPORTER_OTLP_METRIC_INSECURE",
    "OTEL_EXPORTER_OTLP_LOGS_",
    "OTEL_EXPORTER_OTLP_PROFILES_",
    "OTEL_EXPORTER_ZIPKIN_",
    "OTEL_EXPORTER_JAEGER_",
    // In development, or choosing between versions that do not exist here.
    "OTEL_ENTITIES",
    "OTEL_EXPERIMENTAL_",
    "OTEL_SEMCONV_",
    "OTEL_INSTRUMENTATION_",
    // OTEL_{LANGUAGE}_{FEATURE}.
    "OTEL_CPP_",
    "OTEL_DOTNET_",
    "OTEL_ERLANG_",
    "OTEL_GO_",
    "OTEL_JAVA_",
    "OTEL_JAVAAGENT_",
    "OTEL_JS_",
    "OTEL_NODE_",
    "OTEL_PHP_",
    "OTEL_PYTHON_",
    "OTEL_RUBY_",
    "OTEL_RUST_",
    "OTEL_SWIFT_",
    // Set by the Kubernetes operator, for use in other variables.
    "OTEL_POD_IP",
    "OTEL_RESOURCE_ATTRIBUTES_",
    // The Rust SDK's own; exports are never concurrent here.
    "OTEL_BSP_MAX_CONCURRENT_EXPORTS",
];

/// Maximum edit distance for "did you mean" suggestions.
const NEAR: usize = 3;

/// A suggestion for `name` if it is an unknown variable. `prefix` is that of this crate's own variables; under a vendor's
/// prefix the product may have variables of its own, so unknown ones are tolerated.
pub(super) fn explain(name: &str, prefix: &str) -> Option<String> {
    let is_ours = name.starts_with(SPECIFIED) || (prefix == OWN_PREFIX && name.starts_with(prefix));
    let known = !is_ours
        || all().any(|declared| declared.name() == name)
        || NOT_OURS.iter().any(|start| name.starts_with(start));
    if known {
        return None;
    }
    let nearest = all()
        .map(Declared::name)
        .map(|declared| (distance(name, declared), declared))
        .min();
    Some(match nearest {
        Some((distance, nearest)) if distance <= NEAR => format!("{nearest}, perhaps"),
        _ => "a variable that is known".to_owned(),
    })
}

/// The Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, to) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_of_two_names_is_what_must_be_typed_anew() {
        assert_eq!(distance("OTEL", "OTEL"), 0);
        assert_eq!(distance("OTEL_SEVICE_NAME", "OTEL_SERVICE_NAME"), 1);
        assert_eq!(distance("OTEL_TRACE_EXPORTR", "OTEL_TRACES_EXPORTER"), 2);
        assert_eq!(distance("", "OTEL"), 4);
    }

    #[test]
    fn a_name_with_a_typing_error_is_told_from_one_for_others() {
        assert_eq!(
            explain("OTEL_SEVICE_NAME", OWN_PREFIX).as_deref(),
            Some("OTEL_SERVICE_NAME, perhaps")
        );
        assert_eq!(
            explain("OTEL_SOMETHING_ELSE", OWN_PREFIX).as_deref(),
            Some("a variable that is known")
        );
        assert_eq!(
            explain("TELEMETRY_LOG_REPEAT", OWN_PREFIX).as_deref(),
            Some("TELEMETRY_LOG_REPEATS, perhaps")
        );
        assert_eq!(explain("BIDTRACE_LOG_REPEAT", "BIDTRACE_"), None);
        assert_eq!(explain("TELEMETRY_LOG_REPEAT", "BIDTRACE_"), None);
        for others in [
            "PATH",
            "BIDTRACE_LISTEN",
            "OTEL_SERVICE_NAME",
            "OTEL_BLRP_SCHEDULE_DELAY",
            "OTEL_METRIC_EXPORT_INTERVAL",
            "OTEL_EXPORTER_ZIPKIN_ENDPOINT",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
            "OTEL_PYTHON_LOG_CORRELATION",
            "OTEL_RESOURCE_ATTRIBUTES_POD_NAME",
        ] {
            assert_eq!(explain(others, OWN_PREFIX), None, "{others}");
        }
    }
}
