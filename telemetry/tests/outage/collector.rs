//! The collector of a cell: a real Jaeger, which hands every request on before it answers, to a sink that counts.
//!
//! Its memory would go with it when it is killed; what the sink has got, Jaeger had received. Nothing in between
//! waits or tries again, unless the cell is about a queue that is full.

use std::collections::HashSet;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding;
use tonic::{Request, Response, Status};

/// How long a collector may take to come up.
const START: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);

/// What receives for Jaeger, and counts.
#[derive(Debug, Clone)]
pub struct Sink {
    seen: Arc<Mutex<HashSet<Vec<u8>>>>,
    mode: watch::Sender<Mode>,
    port: u16,
}

/// How the sink answers, which is how Jaeger does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Accept,
    Refuse,
    Hold,
}

/// A running Jaeger.
#[derive(Debug)]
pub struct Jaeger {
    process: Child,
    directory: TempDir,
    pub port: u16,
}

// === impl Sink ===

impl Sink {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sink = Self {
            seen: Arc::default(),
            mode: watch::Sender::new(Mode::Accept),
            port: listener.local_addr().unwrap().port(),
        };
        let service =
            TraceServiceServer::new(sink.clone()).accept_compressed(CompressionEncoding::Gzip);
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(service)
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        sink
    }

    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// How many different spans have come.
    pub fn received(&self) -> u64 {
        self.seen.lock().unwrap().len() as u64
    }
}

#[tonic::async_trait]
impl TraceService for Sink {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mode = *self
            .mode
            .subscribe()
            .wait_for(|mode| *mode != Mode::Hold)
            .await
            .unwrap();
        if mode == Mode::Refuse {
            return Err(Status::invalid_argument("not here"));
        }
        let ids = request
            .into_inner()
            .resource_spans
            .into_iter()
            .flat_map(|resource| resource.scope_spans)
            .flat_map(|scope| scope.spans)
            .map(|span| span.span_id);
        self.seen.lock().unwrap().extend(ids);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

// === impl Jaeger ===

impl Jaeger {
    /// Starts one in front of the sink. `queue` puts a queue of one request between the two.
    pub async fn start(sink: &Sink, queue: bool) -> Self {
        let directory = TempDir::new().unwrap();
        let port = free_port().await;
        fs::write(
            directory.path().join("config.yaml"),
            configuration(port, sink.port, queue),
        )
        .unwrap();
        let process = spawn(&directory);
        let jaeger = Self {
            process,
            directory,
            port,
        };
        jaeger.ready().await;
        jaeger
    }

    pub fn signal(&self, signal: Signal) {
        crate::signal(&self.process, signal);
    }

    /// SIGKILL, seen to its end.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// The same one again, where it was.
    pub async fn restart(&mut self) {
        self.process = spawn(&self.directory);
        self.ready().await;
    }

    /// SIGTERM, seen to its end: what it still has goes to the sink.
    pub fn end(mut self) {
        self.signal(Signal::TERM);
        let _ = self.process.wait();
    }

    async fn ready(&self) {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(began.elapsed() < START, "Jaeger does not come up");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Drop for Jaeger {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(directory: &TempDir) -> Child {
    let log = fs::File::create(directory.path().join("log")).unwrap();
    Command::new(crate::jaeger_program().unwrap())
        .arg("--config")
        .arg(directory.path().join("config.yaml"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// It was free a moment ago; should another take it, Jaeger does not come up, and the program says so.
async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

fn configuration(port: u16, sink: u16, queue: bool) -> String {
    let queue = if queue {
        "{enabled: true, queue_size: 1, num_consumers: 1, block_on_overflow: false}"
    } else {
        "{enabled: false}"
    };
    format!(
        "\
service:
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [otlp]
  telemetry:
    metrics:
      level: none
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:{port}
exporters:
  otlp:
    endpoint: 127.0.0.1:{sink}
    tls:
      insecure: true
    timeout: 1h
    retry_on_failure: {{enabled: false}}
    sending_queue: {queue}
"
    )
}
