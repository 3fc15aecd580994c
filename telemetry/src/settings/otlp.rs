//! The OTLP variables: each for all signals, and one for traces that overrides it.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::endpoint::{Endpoint, below};
use super::rejected::Rejected;
use super::value::{self, BOOLEAN, TIMEOUT, one_of};
use super::variable::{Environment, Parsed, Section, Unfit, Variable};
use super::{Otlp, Protocol, Tls};

pub(super) const SECTION: Section = Section {
    title: "The OTLP exporter",
    variables: &[
        &PROTOCOL,
        &TRACES_PROTOCOL,
        &ENDPOINT,
        &TRACES_ENDPOINT,
        &HEADERS,
        &TRACES_HEADERS,
        &COMPRESSION,
        &TRACES_COMPRESSION,
        &EXPORT_TIMEOUT,
        &TRACES_TIMEOUT,
        &INSECURE,
        &TRACES_INSECURE,
        &CERTIFICATE,
        &TRACES_CERTIFICATE,
        &CLIENT_CERTIFICATE,
        &TRACES_CLIENT_CERTIFICATE,
        &CLIENT_KEY,
        &TRACES_CLIENT_KEY,
    ],
};

/// The description of a variable for traces only.
const FOR_TRACES: &str = "The same for traces alone; it goes before the one for all.";

const PROTOCOL: Variable<Protocol> = Variable {
    name: "OTEL_EXPORTER_OTLP_PROTOCOL",
    default: "grpc",
    expected: "grpc or http/protobuf",
    purpose: "How OTLP is spoken.",
    parse: protocol,
};

const TRACES_PROTOCOL: Variable<Protocol> = Variable {
    name: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    purpose: FOR_TRACES,
    ..PROTOCOL
};

const ENDPOINT: Variable<Endpoint> = Variable {
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    default: "http://127.0.0.1:4317",
    expected: "a URL with http or https; for grpc HOST:PORT is enough",
    purpose: "Where the collector is. With `http/protobuf`, `/v1/traces` is added to it, and the default has port 4318.",
    parse: Endpoint::parse,
};

const TRACES_ENDPOINT: Variable<Endpoint> = Variable {
    name: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    purpose: "The same for traces alone, taken as it is; it goes before the one for all.",
    ..ENDPOINT
};

const HEADERS: Variable<HeaderMap> = Variable {
    name: "OTEL_EXPORTER_OTLP_HEADERS",
    default: "",
    expected: "NAME=VALUE,NAME=VALUE, with `,` `;` and `%` in a value percent-encoded",
    purpose: "Headers that go with every export, such as a token. They are never shown.",
    parse: headers,
};

const TRACES_HEADERS: Variable<HeaderMap> = Variable {
    name: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    purpose: FOR_TRACES,
    ..HEADERS
};

const COMPRESSION: Variable<bool> = Variable {
    name: "OTEL_EXPORTER_OTLP_COMPRESSION",
    default: "none",
    expected: "gzip or none",
    purpose: "How exports are compressed.",
    parse: |value| one_of(value, &[("gzip", true), ("none", false)]),
};

const TRACES_COMPRESSION: Variable<bool> = Variable {
    name: "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    purpose: FOR_TRACES,
    ..COMPRESSION
};

const EXPORT_TIMEOUT: Variable<Duration> = Variable {
    name: "OTEL_EXPORTER_OTLP_TIMEOUT",
    default: "10000",
    expected: TIMEOUT,
    purpose: "How long one attempt to export may take.",
    parse: value::timeout,
};

const TRACES_TIMEOUT: Variable<Duration> = Variable {
    name: "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    purpose: FOR_TRACES,
    ..EXPORT_TIMEOUT
};

const INSECURE: Variable<bool> = Variable {
    name: "OTEL_EXPORTER_OTLP_INSECURE",
    default: "false",
    expected: BOOLEAN,
    purpose: "Clear text to a `grpc` endpoint that is given without a scheme.",
    parse: value::boolean,
};

const TRACES_INSECURE: Variable<bool> = Variable {
    name: "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
    purpose: FOR_TRACES,
    ..INSECURE
};

const CERTIFICATE: Variable<Vec<u8>> = Variable {
    name: "OTEL_EXPORTER_OTLP_CERTIFICATE",
    default: "",
    expected: "a file with a certificate in PEM",
    purpose: "The authorities to trust with `https`, in place of the system's.",
    parse: certificates,
};

const TRACES_CERTIFICATE: Variable<Vec<u8>> = Variable {
    name: "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    purpose: FOR_TRACES,
    ..CERTIFICATE
};

const CLIENT_CERTIFICATE: Variable<Vec<u8>> = Variable {
    name: "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    default: "",
    expected: "a file with a certificate in PEM, and OTEL_EXPORTER_OTLP_CLIENT_KEY",
    purpose: "The certificate to show to the collector.",
    parse: certificates,
};

const TRACES_CLIENT_CERTIFICATE: Variable<Vec<u8>> = Variable {
    name: "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    purpose: FOR_TRACES,
    ..CLIENT_CERTIFICATE
};

const CLIENT_KEY: Variable<Vec<u8>> = Variable {
    name: "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    default: "",
    expected: "a file with a private key in PEM, and OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    purpose: "The key of that certificate.",
    parse: private_key,
};

const TRACES_CLIENT_KEY: Variable<Vec<u8>> = Variable {
    name: "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
    purpose: FOR_TRACES,
    ..CLIENT_KEY
};

/// The default endpoint for OTLP over HTTP.
const HTTP_DEFAULT: &str = "http://127.0.0.1:4318";

/// The path of the signal, below an endpoint for all signals.
const TRACES_PATH: &str = "/v1/traces";

/// `collector` is the endpoint when no variable gives one; it is treated like the endpoint for all signals.
pub(super) fn read(environment: &mut Environment, collector: Option<&str>) -> Otlp {
    let protocol = environment.first_or_default([&TRACES_PROTOCOL, &PROTOCOL]);
    let insecure = environment.first_or_default([&TRACES_INSECURE, &INSECURE]);
    Otlp {
        protocol,
        endpoint: endpoint(environment, protocol, insecure, collector),
        headers: environment
            .first([&TRACES_HEADERS, &HEADERS])
            .unwrap_or_default(),
        gzip: environment.first_or_default([&TRACES_COMPRESSION, &COMPRESSION]),
        timeout: environment.first_or_default([&TRACES_TIMEOUT, &EXPORT_TIMEOUT]),
        tls: Tls {
            authorities: environment.first([&TRACES_CERTIFICATE, &CERTIFICATE]),
            identity: identity(environment),
        },
    }
}

fn endpoint(
    environment: &mut Environment,
    protocol: Protocol,
    insecure: bool,
    collector: Option<&str>,
) -> Uri {
    let exact = |endpoint: Endpoint| match protocol {
        Protocol::Grpc => Ok(endpoint.or_insecure(insecure)),
        Protocol::HttpProtobuf => endpoint.with_scheme(),
    };
    let for_all = |endpoint| {
        let base = exact(endpoint)?;
        Ok(match protocol {
            Protocol::Grpc => base,
            Protocol::HttpProtobuf => below(base, TRACES_PATH),
        })
    };
    let of_traces = environment.get_as(&TRACES_ENDPOINT, exact);
    let of_all = environment.get_as(&ENDPOINT, for_all);
    of_traces.or(of_all).unwrap_or_else(|| {
        let collector = collector.and_then(|collector| {
            let uri = Endpoint::parse(collector).and_then(for_all);
            if uri.is_err() {
                environment.put_down(Rejected::new(
                    "Builder::collector",
                    None,
                    collector,
                    ENDPOINT.expected.to_owned(),
                ));
            }
            uri.ok()
        });
        collector.unwrap_or_else(|| match protocol {
            Protocol::Grpc => Uri::from_static(ENDPOINT.default),
            Protocol::HttpProtobuf => below(Uri::from_static(HTTP_DEFAULT), TRACES_PATH),
        })
    })
}

/// The client's certificate and key; one without the other is rejected.
fn identity(environment: &mut Environment) -> Option<(Vec<u8>, Vec<u8>)> {
    let certificates = [&TRACES_CLIENT_CERTIFICATE, &CLIENT_CERTIFICATE];
    let keys = [&TRACES_CLIENT_KEY, &CLIENT_KEY];
    let (certificate, key) = (environment.first(certificates), environment.first(keys));
    let given =
        [certificates, keys].map(|half| half.into_iter().find(|one| environment.is_given(one)));
    if let [Some(alone), None] | [None, Some(alone)] = given {
        environment.reject(alone, Unfit::Because("the other one is missing".to_owned()));
    }
    certificate.zip(key)
}

fn protocol(value: &str) -> Parsed<Protocol> {
    let protocol = one_of(
        value,
        &[
            ("grpc", Some(Protocol::Grpc)),
            ("http/protobuf", Some(Protocol::HttpProtobuf)),
            ("http/json", None),
        ],
    )?;
    protocol.ok_or_else(|| Unfit::Because("http/json is not supported".to_owned()))
}

fn headers(value: &str) -> Parsed<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in value::pairs(value)? {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Unfit::Form)?;
        let mut value = HeaderValue::from_str(&value).map_err(|_| Unfit::Form)?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

fn certificates(path: &str) -> Parsed<Vec<u8>> {
    let file = value::file(path)?;
    match CertificateDer::from_pem_slice(&file) {
        Ok(_) => Ok(file),
        Err(_) => Err(Unfit::Because("the file holds none".to_owned())),
    }
}

fn private_key(path: &str) -> Parsed<Vec<u8>> {
    let file = value::file(path)?;
    match PrivateKeyDer::from_pem_slice(&file) {
        Ok(_) => Ok(file),
        Err(_) => Err(Unfit::Because("the file holds none".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::settings;
    use super::*;

    fn read(variables: &[(&str, &str)]) -> (Otlp, Vec<String>) {
        let settings = settings(variables);
        let rejected = settings.rejected.iter().map(ToString::to_string);
        (settings.otlp, rejected.collect())
    }

    fn endpoint_of(variables: &[(&str, &str)]) -> String {
        let (otlp, rejected) = read(variables);
        assert_eq!(rejected, [""; 0]);
        otlp.endpoint.to_string()
    }

    const HTTP: (&str, &str) = ("OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/protobuf");

    #[test]
    fn over_http_the_path_of_the_signal_is_added_but_for_the_endpoint_of_traces() {
        assert_eq!(endpoint_of(&[]), "http://127.0.0.1:4317/");
        assert_eq!(endpoint_of(&[HTTP]), "http://127.0.0.1:4318/v1/traces");
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all/otlp/");
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces/in/");
        assert_eq!(endpoint_of(&[all]), "http://all/otlp/");
        assert_eq!(endpoint_of(&[HTTP, all]), "http://all/otlp/v1/traces");
        assert_eq!(endpoint_of(&[HTTP, all, traces]), "http://traces/in/");
        assert_eq!(endpoint_of(&[all, traces]), "http://traces/in/");
    }

    #[test]
    fn a_grpc_endpoint_without_a_scheme_is_secure_unless_it_may_not_be() {
        let bare = ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317");
        let insecure = ("OTEL_EXPORTER_OTLP_INSECURE", "true");
        let secure = ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "false");
        assert_eq!(endpoint_of(&[bare]), "https://collector:4317/");
        assert_eq!(endpoint_of(&[bare, insecure]), "http://collector:4317/");
        assert_eq!(
            endpoint_of(&[bare, insecure, secure]),
            "https://collector:4317/"
        );
    }

    #[test]
    fn over_http_an_endpoint_needs_its_scheme() {
        let (otlp, rejected) = read(&[HTTP, ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")]);
        assert_eq!(otlp.endpoint, "http://127.0.0.1:4318/v1/traces");
        assert_eq!(rejected.len(), 1);
        assert!(
            rejected[0].ends_with("the scheme is missing"),
            "{rejected:?}"
        );
    }

    #[test]
    fn a_bad_endpoint_of_traces_leaves_the_one_for_all() {
        let (otlp, rejected) = read(&[
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://c"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all:1"),
        ]);
        assert_eq!(otlp.endpoint, "http://all:1/");
        assert_eq!(
            rejected,
            [
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=ftp://c: expected a URL with http or https; for grpc HOST:PORT is enough"
            ]
        );
    }

    #[test]
    fn the_protocol_that_is_not_here_is_named() {
        let (otlp, rejected) = read(&[("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json")]);
        assert_eq!(otlp.protocol, Protocol::Grpc);
        assert!(rejected[0].ends_with("http/json is not supported"));
    }

    #[test]
    fn headers_are_decoded_and_those_of_traces_stand_alone() {
        let all = (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "Authorization=Basic%20YQ==,x-a=1",
        );
        let (otlp, _) = read(&[all]);
        assert_eq!(otlp.headers["authorization"], "Basic YQ==");
        assert_eq!(otlp.headers["x-a"], "1");
        let (otlp, _) = read(&[all, ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-b=2")]);
        assert_eq!(
            (otlp.headers.len(), &otlp.headers["x-b"]),
            (1, &"2".parse().unwrap())
        );
    }

    #[test]
    fn a_secret_is_never_shown() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=%0Asecret"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "bad name=secret"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:secret@c"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:secret@"),
        ] {
            let (otlp, rejected) = read(&[(name, value)]);
            assert_eq!(rejected.len(), 1, "{value}");
            let all = format!("{otlp:?} {rejected:?}");
            assert!(!all.contains("secret"), "{all}");
        }
        let (otlp, _) = read(&[("OTEL_EXPORTER_OTLP_HEADERS", "token=secret")]);
        assert!(!format!("{otlp:?}").contains("secret"));
    }

    #[test]
    fn the_rest_is_for_all_signals_or_for_traces() {
        let (otlp, rejected) = read(&[
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "GZIP"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ]);
        assert!(otlp.gzip && otlp.timeout > Duration::from_hours(24));
        assert_eq!(rejected, [""; 0]);
        let (otlp, _) = read(&[
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "2500"),
        ]);
        assert_eq!(
            (otlp.gzip, otlp.timeout),
            (false, Duration::from_millis(2500))
        );
        let (otlp, rejected) = read(&[
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "snappy"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "-1"),
        ]);
        assert_eq!((otlp.gzip, otlp.timeout), (false, Duration::from_secs(10)));
        assert_eq!(rejected.len(), 2);
    }

    #[test]
    fn certificates_are_read_from_their_files_and_a_half_identity_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, content: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = put("certificate", &issued.cert.pem());
        let key = put("key", &issued.signing_key.serialize_pem());
        let empty = put("empty", "");
        let (otlp, rejected) = read(&[
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", &certificate),
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &certificate),
            ("OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", &key),
        ]);
        assert_eq!(rejected, [""; 0]);
        assert!(otlp.tls.authorities.is_some() && otlp.tls.identity.is_some());
        for (name, value, reason) in [
            (
                "OTEL_EXPORTER_OTLP_CERTIFICATE",
                "/is/not/there",
                "No such file",
            ),
            (
                "OTEL_EXPORTER_OTLP_CERTIFICATE",
                &empty,
                "the file holds none",
            ),
            (
                "OTEL_EXPORTER_OTLP_CLIENT_KEY",
                &key,
                "the other one is missing",
            ),
            (
                "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
                &certificate,
                "is missing",
            ),
        ] {
            let (otlp, rejected) = read(&[(name, value)]);
            assert!(otlp.tls.authorities.is_none() && otlp.tls.identity.is_none());
            assert_eq!(rejected.len(), 1, "{rejected:?}");
            assert!(rejected[0].contains(reason), "{rejected:?}");
        }
    }
}
