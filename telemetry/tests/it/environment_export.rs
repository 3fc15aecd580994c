//! What the variables of the OTLP exporter bring about, at a collector that sees how it is spoken to.

use std::path::Path;

use crate::collector::{Answer, Authority, Collector, Security, Seen};
use crate::environment::{ran, worked};

/// For exports that cannot succeed: they are given up soon.
const SHORT: (&str, &str) = ("OTEL_BSP_EXPORT_TIMEOUT", "500");

/// Runs the child against this collector.
async fn against(collector: &Collector, environment: &[(&str, &str)]) -> Vec<Seen> {
    ran(environment).await;
    collector.seen()
}

fn header<'a>(seen: &'a [Seen], name: &str) -> Option<&'a str> {
    seen[0]
        .headers
        .get(name)
        .map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn otlp_is_spoken_as_it_is_said_and_where() {
    let collector = Collector::start().await;
    let at = |path: &str| format!("http://{}{path}", collector.address);
    let (root, below, exact) = (at(""), at("/otlp/"), at("/as/it/is"));
    let nowhere = "http://127.0.0.1:1";
    let all = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let traces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    let http = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    let grpc = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "GRPC");
    let of_grpc = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    for (environment, path) in [
        (vec![(all, &*root)], of_grpc),
        (vec![(all, nowhere), (traces, &*root)], of_grpc),
        (vec![http, (all, &root)], "/v1/traces"),
        (vec![http, (all, &below)], "/otlp/v1/traces"),
        (vec![http, (all, &below), (traces, &exact)], "/as/it/is"),
        (vec![http, grpc, (all, &root)], of_grpc),
    ] {
        let before = collector.seen().len();
        let seen = against(&collector, &environment).await;
        assert_eq!(seen.len(), before + 1, "{environment:?}");
        assert_eq!(seen[before].path, path, "{environment:?}");
    }
}

#[tokio::test]
async fn headers_go_with_every_export() {
    let collector = Collector::start().await;
    let endpoint = format!("http://{}", collector.address);
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str());
    let all = (
        "OTEL_EXPORTER_OTLP_HEADERS",
        "authorization=Bearer%20me,x-all=1",
    );
    for protocol in ["grpc", "http/protobuf"] {
        let protocol = ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        let before = collector.seen().len();
        let seen = against(&collector, &[endpoint, protocol, all]).await;
        let seen = &seen[before..];
        assert_eq!(header(seen, "authorization"), Some("Bearer me"));
        assert_eq!(header(seen, "x-all"), Some("1"));
    }
    let before = collector.seen().len();
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-traces=2");
    let seen = against(&collector, &[endpoint, all, traces]).await;
    assert_eq!(header(&seen[before..], "x-traces"), Some("2"));
    assert_eq!(header(&seen[before..], "x-all"), None);
}

#[tokio::test]
async fn exports_are_compressed_when_it_is_said() {
    let collector = Collector::start().await;
    let endpoint = format!("http://{}", collector.address);
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str());
    let all = ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip");
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none");
    for (protocol, name) in [
        ("grpc", "grpc-encoding"),
        ("http/protobuf", "content-encoding"),
    ] {
        let protocol = ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol);
        for (environment, encoding) in [
            (vec![endpoint, protocol, all], Some("gzip")),
            (vec![endpoint, protocol, all, traces], None),
            (vec![endpoint, protocol], None),
        ] {
            let before = collector.seen().len();
            let seen = against(&collector, &environment).await;
            assert_eq!(header(&seen[before..], name), encoding, "{environment:?}");
        }
    }
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_given_up_and_made_again() {
    for timeout in [
        "OTEL_EXPORTER_OTLP_TIMEOUT",
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    ] {
        let collector = Collector::start().await;
        collector.answer([Answer::Hang]);
        let endpoint = format!("http://{}", collector.address);
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str());
        let ran = ran(&[endpoint, (timeout, "200")]).await;
        assert_eq!(ran.said("flushed"), "Ok(())", "{timeout}");
        assert!(collector.seen().len() > 1);
    }
}

#[tokio::test]
async fn without_a_scheme_grpc_is_secure_unless_it_may_be_insecure() {
    let collector = Collector::start().await;
    let bare = format!("localhost:{}", collector.address.port());
    let bare = ("OTEL_EXPORTER_OTLP_ENDPOINT", bare.as_str());
    assert!(!worked(&against(&collector, &[bare, SHORT]).await));
    for insecure in [
        "OTEL_EXPORTER_OTLP_INSECURE",
        "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
    ] {
        let before = collector.seen().len();
        let seen = against(&collector, &[bare, (insecure, "true")]).await;
        assert!(worked(&seen[before..]), "{insecure}");
    }
}

#[tokio::test]
async fn the_authority_and_the_client_s_own_certificate_come_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let collector = Collector::start_with(Security::MutualTls).await;
    let authority = collector.authority.as_ref().unwrap();
    let files = put(folder.path(), authority);
    let [authority, certificate, key] = files.each_ref().map(String::as_str);
    let endpoint = format!("https://localhost:{}", collector.address.port());
    for protocol in ["grpc", "http/protobuf"] {
        for [trusted, shown, shown_key] in [
            [
                "OTEL_EXPORTER_OTLP_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            ],
            [
                "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
                "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
            ],
        ] {
            let mut environment = vec![
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
                (trusted, authority),
            ];
            let before = collector.seen().len();
            let alone = [&environment[..], &[SHORT]].concat();
            let seen = against(&collector, &alone).await;
            assert!(
                !worked(&seen[before..]),
                "the collector asks for a certificate"
            );
            environment.extend([(shown, certificate), (shown_key, key)]);
            let seen = against(&collector, &environment).await;
            assert!(worked(&seen[before..]), "{environment:?}");
            environment.retain(|(name, _)| *name != trusted);
            environment.push(SHORT);
            let before = collector.seen().len();
            let seen = against(&collector, &environment).await;
            assert!(
                !worked(&seen[before..]),
                "nobody else vouches for the collector"
            );
        }
    }
}

/// Writes the authority's certificate, and one with its key that it has signed.
fn put(folder: &Path, authority: &Authority) -> [String; 3] {
    let (certificate, key) = authority.sign();
    [
        ("authority", authority.certificate()),
        ("certificate", certificate),
        ("key", key),
    ]
    .map(|(name, content)| {
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    })
}
