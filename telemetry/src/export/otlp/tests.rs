//! One attempt at a time, against a collector on loopback.

use http::HeaderValue;
use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tonic::Code;

use super::collector::{Answer, Authority, Collector, Security};
use super::*;
use crate::settings::{Protocol, Settings, Tls, VENDOR};

const LIMIT: Duration = Duration::from_secs(20);
const PROTOCOLS: [Protocol; 2] = [Protocol::Grpc, Protocol::HttpProtobuf];

/// A request that holds so many spans.
fn request(spans: usize) -> Bytes {
    let batch = crate::export::pipeline::batch_of_empty_spans(spans);
    Encoder::new(&opentelemetry_sdk::Resource::builder_empty().build()).encode(&batch)
}

async fn send(settings: &Otlp) -> Result<Receipt, Failure> {
    let mut client = Client::new(settings).unwrap();
    client.send(&request(2), LIMIT).await
}

async fn answered(protocol: Protocol, answer: Answer) -> Result<Receipt, Failure> {
    let collector = Collector::start().await;
    collector.answer([answer]);
    send(&collector.settings(protocol)).await
}

impl Collector {
    /// Settings that reach it, and are trusted by it as far as it asks for that.
    pub(crate) fn settings(&self, protocol: Protocol) -> Otlp {
        let scheme = if self.authority.is_some() {
            "https"
        } else {
            "http"
        };
        let path = match protocol {
            Protocol::Grpc => "",
            Protocol::HttpProtobuf => "/v1/traces",
        };
        let endpoint = format!("{scheme}://localhost:{}{path}", self.address.port());
        let tls = self
            .authority
            .as_ref()
            .map_or_else(Tls::default, |authority| Tls {
                authorities: Some(authority.certificate()),
                identity: Some(authority.sign()),
            });
        Otlp {
            protocol,
            endpoint: endpoint.parse().unwrap(),
            tls,
            ..Settings::from_environment(None, VENDOR).otlp
        }
    }
}

#[tokio::test]
async fn spans_arrive_over_both_protocols_with_and_without_tls_and_gzip() {
    for protocol in PROTOCOLS {
        for security in [Security::None, Security::Tls, Security::MutualTls] {
            for gzip in [false, true] {
                let collector = Collector::start_with(security).await;
                let mut settings = collector.settings(protocol);
                settings.gzip = gzip;
                settings
                    .headers
                    .insert("x-tenant", HeaderValue::from_static("kitchen"));
                let case = format!("{protocol:?}, {security:?}, gzip {gzip}");
                let receipt = send(&settings).await;
                assert_eq!(receipt, Ok(Receipt::default()), "{case}");
                let seen = collector.seen().remove(0);
                assert_eq!(seen.spans.len(), 2, "{case}");
                assert_eq!(seen.headers["x-tenant"], "kitchen", "{case}");
                let agent = seen.headers["user-agent"].to_str().unwrap();
                assert!(agent.starts_with(USER_AGENT), "{case}: {agent}");
                let encoding = ["content-encoding", "grpc-encoding"]
                    .iter()
                    .find_map(|name| seen.headers.get(*name));
                assert_eq!(encoding.is_some(), gzip, "{case}: {encoding:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_collector_that_cannot_be_trusted_gets_nothing() {
    for protocol in PROTOCOLS {
        let collector = Collector::start_with(Security::MutualTls).await;
        let whole = collector.settings(protocol);
        let stranger = Authority::new();
        for tls in [
            // Signed by somebody else.
            Tls {
                authorities: Some(stranger.certificate()),
                ..whole.tls.clone()
            },
            // The collector does not know this client.
            Tls {
                identity: Some(stranger.sign()),
                ..whole.tls.clone()
            },
            Tls {
                identity: None,
                ..whole.tls.clone()
            },
        ] {
            let settings = Otlp {
                tls,
                ..whole.clone()
            };
            let failure = send(&settings).await.unwrap_err();
            assert!(
                matches!(failure.loss, Loss::Unreachable | Loss::ConnectionLost),
                "{failure:?}"
            );
            assert_eq!(collector.spans(), 0);
        }
    }
}

#[test]
fn what_is_no_certificate_and_no_address_is_an_error_at_the_start() {
    for protocol in PROTOCOLS {
        let settings = |endpoint: &str, tls: Tls| Otlp {
            protocol,
            endpoint: endpoint.parse().unwrap(),
            tls,
            ..Settings::from_environment(None, VENDOR).otlp
        };
        let error = Client::new(&settings("ftp://localhost", Tls::default())).unwrap_err();
        assert!(matches!(error, ExporterError::Endpoint(_)), "{error}");
        let tls = Tls {
            authorities: Some(Authority::new().certificate()),
            identity: Some((b"no".to_vec(), b"no".to_vec())),
        };
        let error = Client::new(&settings("https://localhost", tls)).unwrap_err();
        assert!(matches!(error, ExporterError::Tls(_)), "{error}");
    }
}

#[tokio::test]
async fn a_partial_success_says_how_many_were_rejected_and_why() {
    for protocol in PROTOCOLS {
        let receipt = answered(protocol, Answer::Partial(1)).await.unwrap();
        assert_eq!((receipt.rejected, receipt.message.as_str()), (1, "too old"));
    }
}

#[tokio::test]
async fn an_answer_is_tried_again_only_if_the_specification_says_so() {
    let second = Duration::from_secs(1);
    let again = Retry::After(second);
    for (answer, grpc, http) in [
        (
            Answer::Refuse(Code::Unavailable),
            Retry::Backoff,
            Retry::Backoff,
        ),
        (
            Answer::Refuse(Code::DeadlineExceeded),
            Retry::Backoff,
            Retry::Backoff,
        ),
        (
            Answer::Refuse(Code::Unauthenticated),
            Retry::Never,
            Retry::Never,
        ),
        (
            Answer::Refuse(Code::InvalidArgument),
            Retry::Never,
            Retry::Never,
        ),
        // Over gRPC only when the collector says that it will be better; 429 is tried again in any case.
        (
            Answer::Refuse(Code::ResourceExhausted),
            Retry::Never,
            Retry::Backoff,
        ),
        (
            Answer::ComeAgain(Code::ResourceExhausted, second),
            again,
            again,
        ),
        (Answer::ComeAgain(Code::Unavailable, second), again, again),
        (
            Answer::ComeAgain(Code::InvalidArgument, second),
            Retry::Never,
            Retry::Never,
        ),
    ] {
        for (protocol, retry) in PROTOCOLS.into_iter().zip([grpc, http]) {
            let failure = answered(protocol, answer.clone()).await.unwrap_err();
            assert_eq!(failure.retry, retry, "{protocol:?} {answer:?}");
            assert!(failure.status.is_some());
        }
    }
    for code in [
        Code::Cancelled,
        Code::Aborted,
        Code::OutOfRange,
        Code::DataLoss,
    ] {
        let failure = answered(Protocol::Grpc, Answer::Refuse(code))
            .await
            .unwrap_err();
        assert_eq!(failure.retry, Retry::Backoff, "{code:?}");
    }
}

#[tokio::test]
async fn a_failure_says_whether_the_collector_may_have_the_spans() {
    for protocol in PROTOCOLS {
        let collector = Collector::start().await;
        let mut settings = collector.settings(protocol);
        collector.answer([
            Answer::Refuse(Code::Unavailable),
            Answer::Refuse(Code::DeadlineExceeded),
            Answer::Hang,
        ]);
        let mut client = Client::new(&settings).unwrap();
        for (limit, loss) in [
            (LIMIT, Loss::Refused),
            (LIMIT, Loss::Timeout),
            (Duration::from_millis(200), Loss::Timeout),
        ] {
            let failure = client.send(&request(1), limit).await.unwrap_err();
            assert_eq!(failure.loss, loss, "{protocol:?}");
        }
        // After a time-out the next request finds a way of its own.
        assert_eq!(
            client.send(&request(1), LIMIT).await,
            Ok(Receipt::default())
        );
        // The settings' time-out holds as well as the limit of the call.
        collector.answer([Answer::Hang]);
        settings.timeout = Duration::from_millis(200);
        assert_eq!(send(&settings).await.unwrap_err().loss, Loss::Timeout);
    }
}

#[tokio::test]
async fn after_a_time_out_the_next_attempt_does_not_trust_the_old_connection() {
    for protocol in PROTOCOLS {
        let collector = Collector::start().await;
        let mut settings = collector.settings(protocol);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let behind = collector.address;
        tokio::spawn(async move {
            // What a network that drops everything looks like.
            let _dead = listener.accept().await.unwrap();
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let mut far = TcpStream::connect(behind).await.unwrap();
                tokio::spawn(async move { copy_bidirectional(&mut near, &mut far).await });
            }
        });
        settings.endpoint = format!("http://localhost:{port}/v1/traces")
            .parse()
            .unwrap();
        let mut client = Client::new(&settings).unwrap();
        let failure = client.send(&request(1), Duration::from_millis(200)).await;
        assert_eq!(failure.unwrap_err().loss, Loss::Timeout);
        assert_eq!(
            client.send(&request(1), LIMIT).await,
            Ok(Receipt::default())
        );
    }
}

#[tokio::test]
async fn nobody_there_is_unreachable_and_gone_before_the_answer_is_a_lost_connection() {
    for protocol in PROTOCOLS {
        let collector = Collector::start().await;
        let mut settings = collector.settings(protocol);
        drop(collector);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let breaking = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                // The whole head of the request, at least.
                let _ = connection.read(&mut [0; 1024]).await;
            }
        });
        settings.endpoint = format!("http://{breaking}/v1/traces").parse().unwrap();
        let failure = send(&settings).await.unwrap_err();
        assert_eq!(failure.loss, Loss::ConnectionLost, "{failure:?}");
        assert_eq!(failure.retry, Retry::Backoff);
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let nobody = free.local_addr().unwrap();
        drop(free);
        settings.endpoint = format!("http://{nobody}/v1/traces").parse().unwrap();
        let failure = send(&settings).await.unwrap_err();
        assert_eq!(failure.loss, Loss::Unreachable, "{failure:?}");
        assert_eq!(failure.retry, Retry::Backoff);
    }
}

#[test]
fn a_status_has_the_name_that_its_protocol_gives_it() {
    for (code, name) in [
        (tonic::Code::Ok, "OK"),
        (tonic::Code::Unavailable, "UNAVAILABLE"),
        (tonic::Code::ResourceExhausted, "RESOURCE_EXHAUSTED"),
    ] {
        assert_eq!(Status::Grpc(code).to_string(), name);
    }
    let status = Status::Http(http::StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(status.to_string(), "503");
}

#[test]
fn a_negative_number_of_rejected_spans_is_none() {
    let mut response = ExportTraceServiceResponse::default();
    response
        .partial_success
        .get_or_insert_default()
        .rejected_spans = -3;
    assert_eq!(Receipt::from(response).rejected, 0);
}
