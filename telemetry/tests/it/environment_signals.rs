//! What the variables bring about that say who a process is, what it records and where that goes.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::collector::Seen;
use crate::environment::{BIND, PARENT, Ran, TRACE, exported, ran, worked};

#[tokio::test]
async fn without_the_sdk_metrics_logs_and_propagation_stay() {
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let (ran, seen) = exported(&[("OTEL_SDK_DISABLED", "True"), (PARENT, &parent)]).await;
    assert!(!worked(&seen));
    assert!(ran.said("carried").contains(TRACE));
    assert!(ran.lines().iter().any(|line| line["message"] == "at work"));
    assert!(
        ran.metrics()
            .iter()
            .any(|line| line.starts_with("http_server_request_duration"))
    );
}

#[tokio::test]
async fn the_resource_is_what_the_environment_says_of_it() {
    let attributes = (
        "OTEL_RESOURCE_ATTRIBUTES",
        "service.name=other,team=soup%20kitchen",
    );
    let of = |seen: &[Seen], key: &str| {
        let resource = seen[0].resource.clone().into_iter();
        let found = resource
            .filter(|pair| pair.key == key)
            .filter_map(|pair| pair.value);
        format!("{:?}", found.map(|value| value.value).collect::<Vec<_>>())
    };
    let (_, seen) = exported(&[attributes]).await;
    assert!(of(&seen, "service.name").contains("\"other\""));
    assert!(of(&seen, "team").contains("\"soup kitchen\""));
    let (_, seen) = exported(&[attributes, ("OTEL_SERVICE_NAME", "named")]).await;
    assert!(of(&seen, "service.name").contains("\"named\""));
    let (ran, seen) = exported(&[("OTEL_RESOURCE_ATTRIBUTES", "team=soup,broken")]).await;
    assert_eq!(
        (of(&seen, "team").as_str(), ran.warnings().len()),
        ("[]", 1)
    );
    assert!(of(&seen, "service.name").contains("\"child\""));
}

#[tokio::test]
async fn spans_are_of_the_levels_that_are_named_whatever_is_logged() {
    for (levels, detailed) in [
        ("", false),
        ("info", false),
        ("debug", true),
        ("shop=debug", true),
        ("sho=debug", false),
        ("trace,shop::till=info", false),
    ] {
        let (ran, seen) =
            exported(&[("TELEMETRY_SPAN_LEVELS", levels), ("RUST_LOG", "trace")]).await;
        assert!(worked(&seen) && ran.warnings().is_empty(), "{levels}");
        let detail = seen.iter().any(|seen| {
            let mut spans = seen.spans.iter();
            spans.any(|span| span.name == "detail")
        });
        assert_eq!(detail, detailed, "{levels}");
    }
    let (ran, seen) = exported(&[("TELEMETRY_SPAN_LEVELS", "loud!")]).await;
    assert!(worked(&seen));
    assert_eq!(ran.warnings().len(), 1);
}

#[tokio::test]
async fn contexts_travel_in_the_forms_that_are_named() {
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    for (propagators, header) in [
        ("", "traceparent"),
        ("tracecontext", "traceparent"),
        ("b3", "b3"),
        ("b3multi", "x-b3-traceid"),
        ("jaeger", "uber-trace-id"),
        ("none", ""),
        ("baggage", ""),
    ] {
        let ran = ran(&[
            ("OTEL_PROPAGATORS", propagators),
            ("OTEL_TRACES_EXPORTER", "none"),
            (PARENT, &parent),
        ])
        .await;
        let carried: HashMap<String, String> = serde_json::from_str(ran.said("carried")).unwrap();
        let with_trace: Vec<_> = carried
            .iter()
            .filter(|(_, value)| value.contains(TRACE))
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect();
        assert_eq!(with_trace.join(","), header, "{propagators}: {carried:?}");
    }
}

#[tokio::test]
async fn each_sampler_decides_as_its_name_says() {
    let caller = |flag: &str| format!("00-{TRACE}-00f067aa0ba902b7-{flag}");
    let (yes, no) = (caller("01"), caller("00"));
    for (sampler, argument, parent, recorded) in [
        ("", "", "", true),
        ("", "", &*no, false),
        ("always_on", "", &no, true),
        ("always_off", "", &yes, false),
        ("traceidratio", "", &no, true),
        ("traceidratio", "0", &yes, false),
        ("parentbased_always_on", "", &no, false),
        ("parentbased_always_off", "", &yes, true),
        ("parentbased_always_off", "", "", false),
        ("parentbased_traceidratio", "0", &yes, true),
        ("parentbased_traceidratio", "0", "", false),
        (
            "jaeger_remote",
            "endpoint=http://127.0.0.1:1,initialSamplingRate=1",
            &no,
            true,
        ),
        (
            "jaeger_remote",
            "endpoint=http://127.0.0.1:1,initialSamplingRate=0",
            &yes,
            false,
        ),
        (
            "parentbased_jaeger_remote",
            "endpoint=http://127.0.0.1:1,initialSamplingRate=0",
            &yes,
            true,
        ),
        (
            "parentbased_jaeger_remote",
            "endpoint=http://127.0.0.1:1,initialSamplingRate=0",
            "",
            false,
        ),
    ] {
        let mut environment = vec![
            ("OTEL_TRACES_SAMPLER", sampler),
            ("OTEL_TRACES_SAMPLER_ARG", argument),
            ("OTEL_TRACES_EXPORTER", "none"),
        ];
        if !parent.is_empty() {
            environment.push((PARENT, parent));
        }
        let ran = ran(&environment).await;
        assert_eq!(
            ran.said("recorded"),
            recorded.to_string(),
            "{sampler} {argument} {parent}"
        );
        assert!(ran.warnings().is_empty(), "{:?}", ran.warnings());
    }
}

#[tokio::test]
async fn metrics_are_scraped_where_it_is_said_or_not_recorded() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let here = [
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", port.as_str()),
        (BIND, ""),
    ];
    let host = |host| [&here[..], &[("OTEL_EXPORTER_PROMETHEUS_HOST", host)]].concat();
    assert_eq!(
        ran(&host("127.0.0.1")).await.said("bound"),
        "address in use"
    );
    let beside = ran(&host("127.0.0.2")).await;
    let bound: SocketAddr = beside.said("bound").parse().unwrap();
    assert_eq!(bound.to_string(), format!("127.0.0.2:{port}"));
    let duration = |ran: &Ran| {
        ran.metrics()
            .iter()
            .any(|line| line.starts_with("http_server_request_duration_seconds_count"))
    };
    assert!(duration(&beside));
    let none = ran(&[
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_TRACES_EXPORTER", "none"),
    ])
    .await;
    assert!(!duration(&none), "{:?}", none.metrics());
}

#[tokio::test]
async fn exemplars_are_there_unless_they_are_off() {
    for (filter, there) in [
        ("", true),
        ("trace_based", true),
        ("always_on", true),
        ("Always_Off", false),
    ] {
        let (ran, _) = exported(&[("OTEL_METRICS_EXEMPLAR_FILTER", filter)]).await;
        let exemplar = ran
            .metrics()
            .iter()
            .any(|line| line.contains("# {trace_id="));
        assert_eq!(exemplar, there, "{filter}");
    }
}

#[tokio::test]
async fn lines_go_to_the_console_or_nowhere_and_our_own_have_a_level_of_their_own() {
    let typo = ("OTEL_TYPO", "1");
    let no_export = ("OTEL_TRACES_EXPORTER", "none");
    for (variable, value, works, warns) in [
        ("OTEL_LOGS_EXPORTER", "console", true, true),
        ("OTEL_LOGS_EXPORTER", "none", false, false),
        ("OTEL_LOG_LEVEL", "", true, true),
        ("OTEL_LOG_LEVEL", "error", true, false),
        ("RUST_LOG", "warn", false, true),
        ("RUST_LOG", "off,it=info", true, false),
    ] {
        let ran = ran(&[typo, no_export, (variable, value)]).await;
        let works_here = ran.lines().iter().any(|line| line["message"] == "at work");
        let warns_here = !ran.warnings().is_empty();
        assert_eq!(
            (works_here, warns_here),
            (works, warns),
            "{variable}={value}"
        );
    }
    let text = ran(&[no_export, ("TELEMETRY_LOG_FORMAT", "text")]).await;
    assert!(text.lines().is_empty() && text.stderr.contains("at work"));
}
