//! What becomes of a variable that cannot be used, and of one that no test knows.

use std::fmt::Write as _;

use crate::environment::{VENDOR, exported, ran, worked};

#[tokio::test]
async fn what_cannot_be_used_is_named_counted_and_ignored_and_no_secret_is_shown() {
    let (ran, seen) = exported(&[
        ("OTEL_BSP_MAX_QUEUE_SIZE", "-5"),
        ("OTEL_SEVICE_NAME", "mistyped"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "my-secret"),
        ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_CONFIG_FILE", "otel.yaml"),
        ("OTEL_EXPERIMENTAL_CONFIG_FILE", "sdk.yaml"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "not ours"),
    ])
    .await;
    assert!(worked(&seen), "everything goes on");
    let warnings = ran.warnings();
    let warned = |variable: &str| {
        let (_, value, expected) = warnings
            .iter()
            .find(|(named, ..)| named == variable)
            .unwrap_or_else(|| panic!("{variable}: {warnings:?}"));
        (value.as_str(), expected.as_str())
    };
    assert_eq!(warnings.len(), 6, "{warnings:?}");
    assert_eq!(
        warned("OTEL_BSP_MAX_QUEUE_SIZE"),
        ("-5", "a whole number from 1 to 2147483647")
    );
    assert_eq!(
        warned("OTEL_SEVICE_NAME"),
        ("mistyped", "OTEL_SERVICE_NAME, perhaps")
    );
    assert_eq!(warned("OTEL_SDK_DISABLED"), ("yes", "true or false"));
    assert_eq!(warned("OTEL_CONFIG_FILE").0, "otel.yaml");
    assert_eq!(warned("OTEL_EXPERIMENTAL_CONFIG_FILE").0, "sdk.yaml");
    assert_eq!(warned("OTEL_EXPORTER_OTLP_HEADERS").0, "(hidden)");
    assert!(!ran.stderr.contains("my-secret"), "{}", ran.stderr);
    let metrics = ran.metrics();
    for variable in [
        "OTEL_BSP_MAX_QUEUE_SIZE",
        "OTEL_EXPORTER_OTLP_HEADERS",
        "OTEL_SDK_DISABLED",
        "OTEL_CONFIG_FILE",
        "_OTHER",
    ] {
        let series =
            format!("telemetry_configuration_rejected_total{{telemetry_variable=\"{variable}\"}} ");
        let count = metrics.iter().find_map(|line| line.strip_prefix(&series));
        let count = count.map(|count| count.parse::<f64>().unwrap());
        assert_eq!(count, Some(1.0), "{series}: {metrics:#?}");
    }
    assert!(!metrics.iter().any(|line| line.contains("SEVICE")));
}

#[tokio::test]
async fn in_strict_mode_all_that_cannot_be_used_is_an_error() {
    let bad = [
        ("OTEL_TRACES_SAMPLER", "xray"),
        ("OTEL_PROPAGATORS", "w3c"),
        ("OTEL_TYPO", "1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "my-secret"),
    ];
    let strict = ran(&[&bad[..], &[("TELEMETRY_STRICT", "true")]].concat()).await;
    let refused: String = serde_json::from_str(strict.said("refused")).unwrap();
    let refused: Vec<_> = refused.lines().collect();
    assert_eq!(refused.len(), 1 + bad.len(), "{refused:?}");
    for (variable, _) in bad {
        assert!(
            refused.iter().any(|line| line.trim().starts_with(variable)),
            "{refused:?}"
        );
    }
    assert!(!refused.concat().contains("my-secret"));
    assert!(strict.said("refused").contains("xray is not supported"));
    let (strict, seen) = exported(&[("TELEMETRY_STRICT", "TRUE"), ("OTEL_BLRP_X", "1")]).await;
    assert!(
        worked(&seen) && strict.warnings().is_empty(),
        "nothing is wrong"
    );
}

#[tokio::test]
async fn the_crates_own_variables_have_the_prefix_of_the_vendor_and_no_other() {
    let bad = [
        ("SHOP_LOG_REPEATS", "many"),
        ("TELEMETRY_LOG_REPEATS", "more"),
        ("SHOP_LISTEN", "8080"),
    ];
    let ran = ran(&[&bad[..], &[(VENDOR, "shop")]].concat()).await;
    let warnings = ran.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0].0, "SHOP_LOG_REPEATS");
    let metrics = ran.metrics();
    let counted =
        r#"telemetry_configuration_rejected_total{telemetry_variable="TELEMETRY_LOG_REPEATS"} 1"#;
    assert!(
        metrics.iter().any(|line| line.starts_with(counted)),
        "{metrics:#?}"
    );
    let ran = self::ran(&[(VENDOR, "My Shop"), ("TELEMETRY_STRICT", "true")]).await;
    assert!(
        ran.said("refused")
            .contains("Builder::vendor=My Shop: expected a lower-case letter")
    );
}

/// The tests that hold each variable to its effect: a variable that none names has none.
#[test]
fn every_variable_is_in_a_test_of_its_effect() {
    let tests = [
        include_str!("environment_rules.rs"),
        include_str!("environment_signals.rs"),
        include_str!("environment_export.rs"),
        include_str!("environment_limits.rs"),
        include_str!("logs.rs"),
        include_str!("propagation.rs"),
        include_str!("stream_rate.rs"),
    ]
    .concat();
    let mut untested = String::new();
    for name in telemetry::environment_reference()
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| `")?
                .split('`')
                .next()
                .map(str::to_owned)
        })
    {
        if !tests.contains(&format!("\"{name}\"")) {
            let _ = writeln!(untested, "{name}");
        }
    }
    assert_eq!(untested, "", "no test names them");
}
