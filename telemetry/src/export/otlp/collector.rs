//! A collector for tests: it speaks gRPC and HTTP on one port, with or without TLS, and answers as it is told. The
//! tests of the crate from outside have it too.

use std::collections::VecDeque;
use std::future::pending;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, StatusCode, Uri};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The path of the one method over gRPC.
const METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// A running collector. It ends when this is dropped, with its connections.
#[derive(Debug)]
pub(crate) struct Collector {
    state: Shared,
    pub(crate) address: SocketAddr,
    pub(crate) authority: Option<Authority>,
    server: AbortHandle,
}

/// What to answer to one request. Without any, requests are accepted.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Accept,
    /// So many of the spans are rejected, with a message.
    Partial(i64),
    /// Over HTTP the code is mapped to the nearest status.
    Refuse(Code),
    /// Refuse, and say when to come again.
    ComeAgain(Code, Duration),
    Hang,
}

/// One request as it came.
#[derive(Debug, Clone)]
#[allow(dead_code)] // The tests from inside need less of it.
pub(crate) struct Seen {
    pub(crate) at: Instant,
    /// Of the URL; for gRPC the path of the method.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// The attributes of the first resource.
    pub(crate) resource: Vec<KeyValue>,
    pub(crate) spans: Vec<Span>,
}

/// Who signs the certificates of a test.
#[derive(Debug)]
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// Whose certificate the collector asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    None,
    Tls,
    MutualTls,
}

#[derive(Debug, Clone, Default)]
struct Shared(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    answers: VecDeque<Answer>,
    /// What is answered when there is no answer left.
    always: Option<Answer>,
    seen: Vec<Seen>,
}

// === impl Collector ===

impl Collector {
    pub(crate) async fn start() -> Self {
        Self::start_with(Security::None).await
    }

    pub(crate) async fn start_with(security: Security) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener, security)
    }

    /// The same where one has been before.
    pub(crate) fn start_on(listener: TcpListener) -> Self {
        Self::serve(listener, Security::None)
    }

    fn serve(listener: TcpListener, security: Security) -> Self {
        let address = listener.local_addr().unwrap();
        let state = Shared::default();
        let service = TraceServiceServer::new(state.clone())
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip);
        let http: Router = Router::new()
            .route("/{*path}", post(over_http))
            .with_state(state.clone());
        let mut routes = Routes::new(service);
        *routes.axum_router_mut() = routes.clone().into_axum_router().merge(http);
        let mut server = Server::builder().accept_http1(true);
        let authority = (security != Security::None).then(Authority::new);
        if let Some(authority) = &authority {
            let (certificate, key) = authority.sign();
            let mut tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
            if security == Security::MutualTls {
                tls = tls.client_ca_root(Certificate::from_pem(authority.certificate()));
            }
            server = server.tls_config(tls).unwrap();
        }
        let serving = server
            .add_routes(routes)
            .serve_with_incoming(TcpListenerStream::new(listener));
        Self {
            state,
            address,
            authority,
            server: tokio::spawn(serving).abort_handle(),
        }
    }

    /// The next answers; all others are as `always` says.
    pub(crate) fn answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.state.0.lock().unwrap().answers.extend(answers);
    }

    /// What is answered to requests that have no answer of their own.
    pub(crate) fn always(&self, answer: Answer) {
        self.state.0.lock().unwrap().always = Some(answer);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.0.lock().unwrap().seen.clone()
    }

    /// How many spans came, over all requests.
    pub(crate) fn spans(&self) -> usize {
        self.seen().iter().map(|seen| seen.spans.len()).sum()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

// === impl Shared ===

impl Shared {
    fn receive(
        &self,
        path: &str,
        headers: HeaderMap,
        request: ExportTraceServiceRequest,
    ) -> Answer {
        let resource = request.resource_spans.first();
        let resource = resource.and_then(|spans| spans.resource.clone());
        let spans = request
            .resource_spans
            .into_iter()
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .collect();
        let mut inner = self.0.lock().unwrap();
        inner.seen.push(Seen {
            at: Instant::now(),
            path: path.to_owned(),
            headers,
            resource: resource.unwrap_or_default().attributes,
            spans,
        });
        let next = inner.answers.pop_front();
        next.or_else(|| inner.always.clone())
            .unwrap_or(Answer::Accept)
    }
}

#[tonic::async_trait]
impl TraceService for Shared {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, Status> {
        let headers = request.metadata().clone().into_headers();
        match self.receive(METHOD, headers, request.into_inner()) {
            Answer::Accept => Ok(tonic::Response::new(response(0))),
            Answer::Partial(rejected) => Ok(tonic::Response::new(response(rejected))),
            Answer::Refuse(code) => Err(Status::new(code, "not today")),
            Answer::ComeAgain(code, delay) => Err(Status::with_error_details(
                code,
                "not now",
                ErrorDetails::with_retry_info(Some(delay)),
            )),
            Answer::Hang => pending().await,
        }
    }
}

async fn over_http(
    State(state): State<Shared>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    let body = if headers.get("content-encoding").is_some() {
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&*body)
            .read_to_end(&mut plain)
            .unwrap();
        plain
    } else {
        body.to_vec()
    };
    let request = ExportTraceServiceRequest::decode(&*body).unwrap();
    match state.receive(uri.path(), headers, request) {
        Answer::Accept => response(0).encode_to_vec().into_response(),
        Answer::Partial(rejected) => response(rejected).encode_to_vec().into_response(),
        Answer::Refuse(code) => status(code).into_response(),
        Answer::ComeAgain(code, delay) => {
            let seconds = delay.as_secs().to_string();
            (status(code), [("retry-after", seconds)]).into_response()
        }
        Answer::Hang => pending().await,
    }
}

fn response(rejected_spans: i64) -> ExportTraceServiceResponse {
    let error_message = if rejected_spans == 0 { "" } else { "too old" };
    ExportTraceServiceResponse {
        partial_success: Some(ExportTracePartialSuccess {
            rejected_spans,
            error_message: error_message.to_owned(),
        }),
    }
}

fn status(code: Code) -> StatusCode {
    match code {
        Code::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        _ => StatusCode::BAD_REQUEST,
    }
}

// === impl Authority ===

impl Authority {
    pub(crate) fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate, in PEM.
    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.0.pem().into_bytes()
    }

    /// A certificate for `localhost`, and its key, in PEM.
    pub(crate) fn sign(&self) -> (Vec<u8>, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .signed_by(&key, &self.0)
            .unwrap();
        (
            certificate.pem().into_bytes(),
            key.serialize_pem().into_bytes(),
        )
    }
}
