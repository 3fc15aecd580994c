//! The targets of spans and events, which are paths of modules unless somebody names them otherwise.

/// The packages of OpenTelemetry, after what all their names begin with.
const OPENTELEMETRY: &str = "opentelemetry";
const PACKAGES: [&str; 6] = ["", "_sdk", "-http", "_http", "-otlp", "_otlp"];

/// Whether `target` is the module `path`, or in it. `h2` says nothing of `h2o`.
pub(crate) fn is_within(target: &str, path: &str) -> bool {
    target
        .strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Whether it is one of OpenTelemetry's own. Those packages log while they hold the current context, which nobody may look
/// at then: nothing of theirs belongs to a span.
pub(crate) fn is_opentelemetry(target: &str) -> bool {
    target
        .strip_prefix(OPENTELEMETRY)
        .is_some_and(|rest| PACKAGES.iter().any(|package| is_within(rest, package)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_opentelemetry_s_own_packages_are_opentelemetry() {
        for own in [
            "opentelemetry",
            "opentelemetry::trace",
            "opentelemetry_sdk",
            "opentelemetry-otlp",
            "opentelemetry_otlp::span",
        ] {
            assert!(is_opentelemetry(own), "{own}");
        }
        for other in [
            "opentelemetry_demo",
            "opentelemetryx::trace",
            "opentelemetry_sdks",
            "my_opentelemetry",
            "tracing_opentelemetry",
            "",
        ] {
            assert!(!is_opentelemetry(other), "{other}");
        }
    }
}
